import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** What a process that is told to end may take before it is killed. */
const PATIENCE_MS = 2_000;

/** The other processes of the demo: its upstream and its clients. */
export class Processes {
  readonly #children: ChildProcess[] = [];
  #ending = false;

  /**
   * Starts a module of this folder under the loader that this process runs with. Resolves with the first message it
   * sends, and rejects if it ends before that.
   */
  start(file: string, parameters: readonly string[] = []): Promise<unknown> {
    const child = fork(new URL(file, import.meta.url), parameters, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#children.push(child);
    return new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        const early = `${file} ${parameters.join(' ')} ended early: ${signal ?? `exit code ${code}`}`;
        reject(new Error(early));
        if (!this.#ending) console.error(early);
      });
    });
  }

  /** Ends them all, and waits until they are gone. */
  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#children.map(endOne));
  }
}

async function endOne(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await gone;
  clearTimeout(timer);
}
