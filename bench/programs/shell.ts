import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A small shell that stays: what it runs is started as cheaply as can be, and its CPU time is reaped in one place. */
export interface Shell {
  readonly pid: number;
  /** Runs a command so many times, one after the other, and waits for the last. Rejects if one fails. */
  run(command: string, times?: number): Promise<void>;
  /** What a command prints, which is one line. */
  ask(command: string): Promise<string>;
  end(): Promise<void>;
}

/** Starts a shell. */
export async function startShell(): Promise<Shell> {
  const child = spawn('sh', [], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child, 'spawn');
  const exit = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ask = async (command: string): Promise<string> => {
    child.stdin.write(`${command}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the shell ended at ${command}`);
    return value;
  };
  return {
    pid: child.pid as number,
    ask,
    async run(command, times = 1) {
      const all = Array.from({ length: times }, () => command).join(' && ');
      if ((await ask(`{ ${all}; } && echo done || echo failed`)) !== 'done') throw new Error(`failed: ${command}`);
    },
    async end() {
      child.stdin.end();
      await exit;
    },
  };
}
