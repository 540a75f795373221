import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { until } from './wait.ts';

/** A TypeScript program of this repository that runs in a process group of its own. */
export interface Script {
  readonly pid: number;
  /** What it wrote so far. */
  stdout(): string;
  stderr(): string;
  /** Waits for a text on its standard output, and returns what the pattern captured first, else the whole match. */
  sees(pattern: RegExp): Promise<string>;
  /** Sends a signal to the program alone, or to its whole group as a terminal does. */
  signal(signal: NodeJS.Signals, whom: 'program' | 'group'): void;
  /** Waits for its end. Returns the exit code, or the signal that ended it. */
  ended(deadlineMs?: number): Promise<number | NodeJS.Signals | null>;
  /** Kills the group; twice is fine. */
  kill(): void;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Runs a program as `npx tsx <path>` does, without a parent in between: tsx kills what does not take a signal within
 * 60 ms, which a busy machine does not always manage.
 *
 * @param under a command to run it under, such as `['unshare', '-rm']`
 */
export function startScript(path: string, parameters: readonly string[] = [], under: readonly string[] = []): Script {
  const program = [process.execPath, '--import', 'tsx', path, ...parameters];
  const [command = process.execPath, ...rest] = [...under, ...program];
  const child = spawn(command, rest, {
    cwd: ROOT,
    // What the test runner sets would change what the program does.
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const pid = child.pid ?? 0;
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const state = (): string => `${path}\n${stdout()}\n${stderr()}`;

  return {
    pid,
    stdout,
    stderr,
    async sees(pattern) {
      await until(
        () => pattern.test(stdout()) || hasEnded(),
        () => `${pattern} in the output of ${state()}`,
      );
      const match = pattern.exec(stdout());
      if (match === null) throw new Error(`ended without ${pattern}: ${state()}`);
      return match[1] ?? match[0];
    },
    signal(signal, whom) {
      if (pid !== 0 && !hasEnded()) process.kill(whom === 'group' ? -pid : pid, signal);
    },
    async ended(deadlineMs) {
      await until(hasEnded, () => `the end of ${state()}`, deadlineMs);
      return child.exitCode ?? child.signalCode;
    },
    kill() {
      if (pid === 0 || !isGroupAlive(pid)) return;
      process.kill(-pid, 'SIGKILL');
    },
  };
}

/** Whether any process of a group is left. */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** A file of this repository. */
export function readSource(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

function collect(stream: ChildProcess['stdout']): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
