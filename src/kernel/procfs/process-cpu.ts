import { readdirSync, readFileSync } from 'node:fs';
import { readStat } from './process-stat.ts';

/** Processor time that a process has used so far, in milliseconds. */
export interface ProcessCpu {
  /** User and system, threads that have ended included. */
  readonly ownMs: number;
  /** Of children that have ended and were waited for, and theirs. */
  readonly childrenMs: number;
  /** By thread, those that run now. The number of the main thread, where JavaScript runs, is that of the process. */
  readonly threads: ReadonlyMap<number, number>;
  /** By thread, how long it was ready to run and had no processor; empty without CONFIG_SCHED_INFO. */
  readonly waits?: ReadonlyMap<number, number>;
}

/**
 * Reads what a process has used of the processors; undefined when it has ended. Any user may.
 *
 * @example readProcessCpu(process.pid)?.threads.get(process.pid) // milliseconds of the main thread
 */
export function readProcessCpu(pid: number, procRoot = '/proc'): ProcessCpu | undefined {
  const times = readStat(`${procRoot}/${pid}`);
  if (times === undefined) return undefined;
  const threads = new Map<number, number>();
  const waits = new Map<number, number>();
  for (const name of listNumbers(`${procRoot}/${pid}/task`).slice(0, MOST_THREADS)) {
    const { ranMs, waitedMs } = readThread(`${procRoot}/${pid}/task/${name}`);
    if (ranMs !== undefined) threads.set(name, ranMs);
    if (waitedMs !== undefined) waits.set(name, waitedMs);
  }
  return { ownMs: times.ownMs, childrenMs: times.childrenMs, threads, waits };
}

/**
 * schedstat has the nanoseconds that a thread has run and those that it has waited for a processor; without
 * CONFIG_SCHED_INFO there are the ticks of stat, 10 ms each.
 */
function readThread(folder: string): { readonly ranMs?: number; readonly waitedMs?: number } {
  const [ran, waited] = (readText(`${folder}/schedstat`) ?? '').split(' ').map((text) => Number(text) / 1e6);
  if (ran !== undefined && waited !== undefined && ran > 0) return { ranMs: ran, waitedMs: waited };
  const times = readStat(folder);
  return times === undefined ? {} : { ranMs: times.ownMs };
}

function listNumbers(folder: string): number[] {
  try {
    return readdirSync(folder).map(Number);
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It has ended meanwhile, or there is no such file.
    return undefined;
  }
}

/** Node has about ten, a load generator some dozens: more are not looked at. */
const MOST_THREADS = 256;
