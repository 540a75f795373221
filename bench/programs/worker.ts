import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Another program of this folder, which answers one question at a time over IPC. */
export interface Worker {
  readonly pid: number;
  ask<T>(question: object): Promise<T>;
  /** The first thing it says, when it is ready. */
  readonly ready: Promise<unknown>;
  end(): Promise<void>;
}

/** Starts a program of this folder, pinned to a core where `core` is given. */
export function startWorker(name: string, args: readonly string[], core?: number, flags: string[] = []): Worker {
  const path = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const node = [process.execPath, ...flags, path, ...args];
  const command = core === undefined ? node : ['taskset', '-c', String(core), ...node];
  // Its output must not mix with ours, which is parsed.
  const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  let ended = false;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      ended = true;
      resolve();
    });
  });
  return {
    // Without one, 'error' has followed, and everything asked of it is rejected.
    pid: child.pid ?? 0,
    ready: answerOf(child, name),
    ask(question) {
      const answer = answerOf(child, name);
      child.send(question);
      return answer as Promise<never>;
    },
    end() {
      if (!ended) child.kill();
      return gone;
    },
  };
}

/** In the worker: says what it is ready with, then answers every question. */
export function answer<Q>(ready: object, answers: (question: Q) => Promise<object>): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (question) => {
    answers(question as Q).then(
      (value) => process.send?.(value),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.send?.(ready);
}

function answerOf(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (status: number | null): void => reject(new Error(`${name} ended with ${status}`));
    child.once('exit', onExit);
    child.once('message', (value) => {
      child.off('exit', onExit);
      resolve(value);
    });
  });
}
