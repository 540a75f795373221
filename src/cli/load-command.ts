import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { RunningLoad } from '../diagnose/record.ts';
import { clearTimeout, setTimeout } from '../globals.ts';

/** How to start the command that makes the load. */
export interface LoadCommandOptions {
  readonly argv: readonly string[];
  /** Whether what it prints goes to our stderr, because our stdout is a report's. */
  readonly isQuietOnStdout: boolean;
}

/** What a shell reports for a program that it cannot start (POSIX, Shell Command Language 2.8.2). */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** How long a command has after each signal before it gets the next one. */
const PATIENCE_MS = 2_000;

/**
 * The command that makes the load, in a process group of its own: what it starts ends with it when we are told to end,
 * and a Ctrl-C reaches it through us, once.
 */
export class LoadCommand {
  readonly #child: ChildProcess;
  readonly #ended: RunningLoad['ended'];
  #hasEnded = false;
  /** Why it could not be started. */
  #failure: string | undefined;

  constructor({ argv, isQuietOnStdout }: LoadCommandOptions) {
    const [file = '', ...rest] = argv;
    const stdout = isQuietOnStdout ? 2 : 'inherit';
    this.#child = spawn(file, rest, { detached: true, stdio: ['inherit', stdout, 'inherit'] });
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error: NodeJS.ErrnoException) => {
        // Also emitted where a signal could not be sent; then it is running.
        if (this.#child.pid !== undefined) return;
        this.#hasEnded = true;
        this.#failure = `${file} cannot be started: ${error.code === 'ENOENT' ? 'no such command' : error.message}`;
        resolve({ exitCode: error.code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE });
      });
      this.#child.on('exit', (exitCode, signal) => {
        this.#hasEnded = true;
        resolve({ ...(exitCode === null ? {} : { exitCode }), ...(signal === null ? {} : { signal }) });
      });
    });
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  get running(): RunningLoad {
    return { pid: this.#child.pid ?? 0, ended: this.#ended };
  }

  /**
   * Ends it and all that it has started: by the signal that we got, then by SIGTERM, then by SIGKILL. What is left of its
   * group when it has ended is killed. Resolves when nothing is left.
   */
  async end(signal: NodeJS.Signals): Promise<void> {
    for (const next of [signal, 'SIGTERM'] as const) {
      if (this.#hasEnded) break;
      this.#signal(next);
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, PATIENCE_MS);
      });
      await Promise.race([this.#ended, patience]);
      clearTimeout(timer);
    }
    this.kill();
    await this.#ended;
  }

  /** Kills it and all that it has started, at once. */
  kill(): void {
    this.#signal('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // The group is gone.
    }
  }
}

/** The exit code that a shell would report. */
export function exitCodeOf({ exitCode, signal }: { readonly exitCode?: number; readonly signal?: string }): number {
  if (exitCode !== undefined) return exitCode;
  const number = constants.signals[signal as NodeJS.Signals] as number | undefined;
  return 128 + (number ?? 0);
}
