import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** What a process that is told to end may take before it is killed. */
const PATIENCE_MS = 2_000;

/** The other processes of the demo: its upstream and its clients. */
export class Processes {
  readonly #children: ChildProcess[] = [];
  #ending = false;

  /** Starts a module of this folder under the loader that this process runs with. */
  start(file: string, args: readonly string[]): ChildProcess {
    const child = fork(new URL(file, import.meta.url), args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.once('exit', (code, signal) => {
      if (!this.#ending) console.error(`${file} ${args.join(' ')} ended early: ${signal ?? `exit code ${code}`}`);
    });
    this.#children.push(child);
    return child;
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
