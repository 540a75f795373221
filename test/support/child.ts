import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** What a program came to. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to descriptor 3, which is ours alone: the program's own output stays comparable. */
  readonly report: string;
  readonly durationMs: number;
}

/** How to run a program of test/fixtures/programs. */
export interface RunOptions {
  readonly args?: readonly string[];
  /** Flags of Node itself. */
  readonly flags?: readonly string[];
  /** Added to the environment, from which everything that configures Node or finwait is taken out. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program is killed after that; its `signal` is then SIGKILL. @default 8000, twice within the time of one test */
  readonly deadlineMs?: number;
}

/** A copy of the library as it is published, for programs that import it in a process of their own. */
export interface BuiltLibrary {
  /** The folder with `index.js`. */
  readonly folder: string;
  remove(): void;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Builds src/ into a new temporary folder. Types are not checked: that is the business of `npm run check`. */
export function buildLibrary(): BuiltLibrary {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-build-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  // File by file, so that a program may import what is inside too.
  const emit = ['--emitDeclarationOnly', 'false', '--declaration', 'false', '--isolatedDeclarations', 'false'];
  const options = ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', folder, '--noCheck', ...emit];
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...options], { encoding: 'utf8' });
  if (status !== 0) {
    remove();
    throw new Error(`the library does not build: ${stdout}`);
  }
  return { folder, remove };
}

/** Runs a program of test/fixtures/programs to its end. */
export async function run(program: string, options: RunOptions = {}): Promise<Ended> {
  const { args = [], flags = [], env = {}, deadlineMs = 8_000 } = options;
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...flags, join(ROOT, 'test/fixtures/programs', program), ...args], {
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  const texts = [child.stdout, child.stderr, child.stdio[3] as Readable].map(textOf);
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (...ended) => resolve(ended));
    });
    const [stdout = '', stderr = '', report = ''] = await Promise.all(texts);
    return { stdout, stderr, code, signal, report, durationMs: performance.now() - startedAt };
  } finally {
    clearTimeout(timer);
  }
}

/** The environment without what a test runner or a debugger put there. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^(NODE_|VITEST|FINWAIT_|TEST$|FORCE_COLOR)/.test(key)),
  );
}

async function textOf(stream: Readable | null): Promise<string> {
  let text = '';
  if (stream !== null) for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text;
}
