import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where something is that finwait is compared with, or why it is not here. */
export type Found = { readonly path: string } | { readonly missing: string };

/** Others' programs, fetched on demand into a temporary folder: neither the project nor the system keeps anything. */
export interface Peers {
  /** Installs packages of npm, without their scripts, once a name. The path is a folder to resolve them from. */
  packages(name: string, specs: readonly string[]): Found;
  /** A program: the one in PATH, else unpacked from Debian's package of it, which is not installed. */
  program(name: string, debianPackage: string): Found;
  remove(): void;
}

/** Makes room for peers. Nothing is fetched until it is asked for. */
export function openPeers(): Peers {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-peers-'));
  const installed = new Map<string, Found>();
  return {
    packages(name, specs) {
      const found = installed.get(name) ?? find(() => installPackages(join(folder, 'npm', name), specs));
      installed.set(name, found);
      return found;
    },
    program: (name, debianPackage) =>
      find(() => inPath(name) ?? unpackProgram(join(folder, debianPackage), name, debianPackage)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const TIMEOUT_MS = 60_000;
/** In Debian's packages and in a system's folders. */
const PROGRAM_FOLDERS = ['usr/bin', 'bin', 'usr/sbin', 'sbin'];

function find(look: () => string): Found {
  try {
    return { path: look() };
  } catch (error) {
    // Of a command that failed, what it wrote says more than its arguments.
    const text = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
    const lines = text.split('\n');
    return { missing: lines.find((line) => /^E:|\berror\b/.test(line)) ?? (lines.at(-1) as string) };
  }
}

function installPackages(prefix: string, specs: readonly string[]): string {
  mkdirSync(prefix, { recursive: true });
  run('npm', prefix, [
    'install',
    '--prefix',
    prefix,
    '--no-save',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--loglevel=error',
    '--fetch-retries=0',
    ...specs,
  ]);
  return prefix;
}

function inPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const system = PROGRAM_FOLDERS.map((folder) => `/${folder}`);
  return [...folders, ...system].map((folder) => join(folder, name)).find(isExecutable);
}

function unpackProgram(folder: string, name: string, debianPackage: string): string {
  mkdirSync(folder, { recursive: true });
  // Without the sandbox user, which may not write into our folder. Nobody but root is asked to change users.
  run('apt-get', folder, ['-qq', '-o', 'APT::Sandbox::User=root', 'download', debianPackage]);
  const archive = readdirSync(folder).find((file) => file.endsWith('.deb'));
  if (archive === undefined) throw new Error(`apt-get downloaded no ${debianPackage}`);
  run('dpkg-deb', folder, ['-x', archive, '.']);
  const path = PROGRAM_FOLDERS.map((under) => join(folder, under, name)).find(isExecutable);
  if (path === undefined) throw new Error(`${archive} holds no ${name}`);
  return path;
}

function run(command: string, cwd: string, args: readonly string[]): void {
  // What a runner of TypeScript puts into NODE_OPTIONS is none of npm's business.
  const env = { ...process.env, NODE_OPTIONS: '' };
  execFileSync(command, args, { cwd, env, encoding: 'utf8', timeout: TIMEOUT_MS, stdio: ['ignore', 'pipe', 'pipe'] });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
