import { readdirSync, readFileSync } from 'node:fs';

/**
 * Milliseconds of CPU of everything that a process has started, directly or not: what runs still, and what has ended
 * and was reaped by a parent in between, which may be a shell that outlives what it runs. Of the process itself there is
 * nothing in it. It never goes down as long as every process of the tree is waited for by its parent.
 *
 * In steps of 10, because procfs counts in hundredths of a second. The mean of many differences is exact nevertheless:
 * what is cut off one shows in the next.
 *
 * @throws if there is no such process
 */
export function childCpuMs(pid: number): number {
  const children = new Map<number, Stat[]>();
  for (const stat of readAllStats()) {
    const siblings = children.get(stat.parent);
    if (siblings === undefined) children.set(stat.parent, [stat]);
    else siblings.push(stat);
  }
  const below = (parent: number): number =>
    (children.get(parent) ?? []).reduce((sum, child) => sum + child.ownMs + child.reapedMs + below(child.pid), 0);
  return readStat(pid).reapedMs + below(pid);
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ownMs: number;
  /** Of its children that have ended and their like. */
  readonly reapedMs: number;
}

/** USER_HZ is 100 on every architecture that Node runs on. */
const MS_PER_TICK = 10;

function readAllStats(): Stat[] {
  const stats: Stat[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      stats.push(readStat(Number(name)));
    } catch {
      // It has ended since the folder was read; its parent has its time.
    }
  }
  return stats;
}

function readStat(pid: number): Stat {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name, in parentheses, may hold anything. From the state on, which is field 3 in proc(5), all are numbers.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid,
    parent: field(4),
    ownMs: (field(14) + field(15)) * MS_PER_TICK,
    reapedMs: (field(16) + field(17)) * MS_PER_TICK,
  };
}
