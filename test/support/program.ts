// A program that runs until it is told to end, and what it has said so far.
import { type ChildProcess, spawn } from 'node:child_process';
import { until } from './wait.ts';

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program under way. */
export class Program {
  stdout = '';
  stderr = '';
  readonly pid: number;
  readonly ended: Promise<ProgramEnd>;
  readonly #child: ChildProcess;

  constructor(command: readonly string[], env: Readonly<Record<string, string>>, cwd?: string) {
    const [file = '', ...rest] = command;
    const child = spawn(file, rest, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk;
    });
    // It may have ended before its input does.
    child.stdin.on('error', () => undefined);
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject).on('close', (code, signal) => resolve({ code, signal }));
    });
  }

  /** The first group of a pattern in what it has said, once it has. */
  async says(stream: 'stdout' | 'stderr', pattern: RegExp, deadlineMs?: number): Promise<string> {
    let found: RegExpExecArray | null = null;
    await until(
      () => {
        found = pattern.exec(this[stream]);
        return found !== null;
      },
      () => `${pattern} in ${JSON.stringify({ stdout: this.stdout, stderr: this.stderr })}`,
      deadlineMs,
    );
    return (found as unknown as RegExpExecArray)[1] ?? '';
  }

  /** Writes to its input. */
  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Ends its input, and waits for its end. */
  async end(): Promise<ProgramEnd> {
    this.#child.stdin?.end();
    return this.ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
