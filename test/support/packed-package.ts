import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of this checkout. */
export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

/** The tarball that `npm publish` would upload, and the means to install it without a network. */
export interface PackedPackage {
  /** The files in it, relative to the package. */
  readonly files: readonly string[];
  /** A new project with finwait unpacked into its node_modules, beside links to the packages named. */
  install(...packages: readonly string[]): string;
  remove(): void;
}

/** What a copy for packing leaves out: what is installed, built or kept by git. */
const NOT_COPIED: ReadonlySet<string> = new Set(['node_modules', '.git', 'dist', 'coverage']);

/** Packs a copy of this checkout, so that its own dist/ stays as it is and two tests can do so at once. */
export function packPackage(): PackedPackage {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-package-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const copy = join(folder, 'copy');
    cpSync(ROOT, copy, { recursive: true, filter: (from) => dirname(from) !== dirname(join(ROOT, 'x')) || keep(from) });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    // Its prepack builds; what npm says of that is shown only if it fails.
    run('npm', ['pack', '--silent', '--pack-destination', folder], copy);
    const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'no tarball');
    const listed = run('tar', ['-tzf', tarball], folder);
    let projects = 0;
    return {
      files: listed
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.replace(/^package\//, ''))
        .sort(),
      install(...packages) {
        const project = join(folder, `project-${++projects}`);
        const modules = join(project, 'node_modules');
        mkdirSync(modules, { recursive: true });
        writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
        run('tar', ['-xzf', tarball, '-C', modules], folder);
        renameSync(join(modules, 'package'), join(modules, 'finwait'));
        for (const name of packages) {
          mkdirSync(dirname(join(modules, name)), { recursive: true });
          symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
        }
        return project;
      },
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function keep(path: string): boolean {
  return !NOT_COPIED.has(basename(path)) && !path.endsWith('.tgz');
}

function run(command: string, parameters: readonly string[], cwd: string): string {
  // What npm tells its scripts about itself would send an inner npm to the outer one's project.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')),
  );
  try {
    return execFileSync(command, parameters, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${parameters.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
