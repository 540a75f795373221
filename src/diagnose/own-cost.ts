import { type ProcessStat, readStat } from '../kernel/procfs/process-stat.ts';
import { readProcessTree } from '../kernel/procfs/process-tree.ts';

type ProcessTimes = Pick<ProcessStat, 'ownMs' | 'childrenMs'>;

/**
 * What looking has cost since it began, in milliseconds of processor time: this process, and the helper that runs ss for
 * it with all its runs. The command that makes the load, which is a child too, is left out.
 *
 * An ss that this process had to start itself, because there is no shell for a helper, is not seen.
 */
export class OwnCost {
  readonly #pid: number;
  readonly #read: (pid: number) => ProcessTimes | undefined;
  readonly #tree: (pid: number, without: number | undefined) => readonly number[];
  readonly #begunMs: number;

  constructor(
    pid: number = process.pid,
    read: (pid: number) => ProcessTimes | undefined = (pid) => readStat(`/proc/${pid}`),
    tree: (pid: number, without: number | undefined) => readonly number[] = readProcessTree,
  ) {
    this.#pid = pid;
    this.#read = read;
    this.#tree = tree;
    this.#begunMs = this.#sum(undefined);
  }

  /** @param load the process that makes the load, while it runs */
  spentMs(load: number | undefined): number {
    return Math.max(this.#sum(load) - this.#begunMs, 0);
  }

  #sum(load: number | undefined): number {
    let sum = this.#read(this.#pid)?.ownMs ?? 0;
    for (const pid of this.#tree(this.#pid, load)) {
      if (pid === this.#pid) continue;
      const times = this.#read(pid);
      if (times !== undefined) sum += times.ownMs + times.childrenMs;
    }
    return sum;
  }
}
