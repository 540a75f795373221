import type { ProcessSample } from '../detect/load-test/load-sample.ts';
import { type ProcessCpu, readProcessCpu } from '../kernel/procfs/process-cpu.ts';
import { readProcessDescriptors } from '../kernel/procfs/process-descriptors.ts';

/** What is read of one process. */
export interface ProcessReading {
  readonly cpu: ProcessCpu | undefined;
  readonly openFds: number | undefined;
  readonly fdLimit: number | undefined;
}

/** Reads one process. */
function readProcess(pid: number): ProcessReading {
  const { open, limit } = readProcessDescriptors(pid);
  return { cpu: readProcessCpu(pid), openFds: open, fdLimit: limit };
}

/**
 * Follows a set of processes from look to look: how much of the processors they use, and how near they are to the end
 * of their descriptors. A process that has come since the last look, or is gone, counts in neither, but for what a parent
 * has of children that it waited for: a load may be a loop that starts one short program after another.
 */
export class ProcessWatch {
  readonly #read: (pid: number) => ProcessReading;
  #before: { readonly atMs: number; readonly byPid: ReadonlyMap<number, ProcessCpu> } | undefined;

  constructor(read: (pid: number) => ProcessReading = readProcess) {
    this.#read = read;
  }

  look(pids: readonly number[], nowMs: number): ProcessSample {
    const byPid = new Map<number, ProcessCpu>();
    let fullest: { readonly openFds: number; readonly fdLimit: number } | undefined;
    for (const pid of pids) {
      const { cpu, openFds, fdLimit } = this.#read(pid);
      if (cpu !== undefined) byPid.set(pid, cpu);
      if (openFds === undefined || fdLimit === undefined || !Number.isFinite(fdLimit)) continue;
      if (fullest === undefined || fdLimit - openFds < fullest.fdLimit - fullest.openFds)
        fullest = { openFds, fdLimit };
    }
    const use = this.#before && usedSince(this.#before.byPid, byPid, nowMs - this.#before.atMs);
    this.#before = { atMs: nowMs, byPid };
    return { processes: byPid.size, ...use, ...fullest };
  }
}

function usedSince(
  before: ReadonlyMap<number, ProcessCpu>,
  now: ReadonlyMap<number, ProcessCpu>,
  elapsedMs: number,
): Pick<ProcessSample, 'cpuCores' | 'busiestThread' | 'waitedForProcessor'> {
  if (elapsedMs <= 0) return {};
  let allMs = 0;
  let childrenSumMs = 0;
  let busiestMs = 0;
  let wantedMs = 0;
  let waitedMs: number | undefined;
  for (const [pid, { ownMs, childrenMs, threads, waits }] of now) {
    const then = before.get(pid);
    if (then === undefined) continue;
    allMs += ownMs - then.ownMs;
    childrenSumMs += childrenMs - then.childrenMs;
    for (const [thread, ms] of threads) {
      const ranMs = ms - (then.threads.get(thread) ?? 0);
      busiestMs = Math.max(busiestMs, ranMs);
      const sumMs = waits?.get(thread);
      if (sumMs === undefined) continue;
      const heldUpMs = sumMs - (then.waits?.get(thread) ?? 0);
      if (waitedMs !== undefined && ranMs + heldUpMs < wantedMs) continue;
      wantedMs = ranMs + heldUpMs;
      waitedMs = heldUpMs;
    }
  }
  // Of a child that ends the parent gets all it has ever used: what was counted while it ran is not counted again.
  for (const [pid, { ownMs, childrenMs }] of before) if (!now.has(pid)) childrenSumMs -= ownMs + childrenMs;
  allMs += Math.max(childrenSumMs, 0);
  // Clocks of the scheduler and ours are read a moment apart.
  return {
    cpuCores: rounded(allMs / elapsedMs),
    busiestThread: rounded(Math.min(busiestMs / elapsedMs, 1)),
    ...(waitedMs === undefined ? {} : { waitedForProcessor: rounded(Math.min(waitedMs / elapsedMs, 1)) }),
  };
}

function rounded(share: number): number {
  return Math.max(Math.round(share * 1_000) / 1_000, 0);
}
