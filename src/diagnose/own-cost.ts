import { type ProcessCpu, readProcessCpu } from '../kernel/procfs/process-cpu.ts';
import { readProcessTree } from '../kernel/procfs/process-tree.ts';

/**
 * What looking has cost since it began, in milliseconds of processor time: this process, and the helper that runs ss for
 * it with all its runs. The command that makes the load, which is a child too, is left out.
 *
 * An ss that this process had to start itself, because there is no shell for a helper, is not seen.
 */
export class OwnCost {
  readonly #pid: number;
  readonly #read: (pid: number) => ProcessCpu | undefined;
  readonly #children: (pid: number) => readonly number[];
  readonly #begunMs: number;

  constructor(
    pid: number = process.pid,
    read: (pid: number) => ProcessCpu | undefined = readProcessCpu,
    children: (pid: number) => readonly number[] = readProcessTree,
  ) {
    this.#pid = pid;
    this.#read = read;
    this.#children = children;
    this.#begunMs = this.#sum([]);
  }

  /** @param except the processes of the load */
  spentMs(except: readonly number[]): number {
    return Math.max(this.#sum(except) - this.#begunMs, 0);
  }

  #sum(except: readonly number[]): number {
    let sum = this.#read(this.#pid)?.ownMs ?? 0;
    for (const pid of this.#children(this.#pid)) {
      if (pid === this.#pid || except.includes(pid)) continue;
      const cpu = this.#read(pid);
      if (cpu !== undefined) sum += cpu.ownMs + cpu.childrenMs;
    }
    return sum;
  }
}
