import { readdirSync, readFileSync } from 'node:fs';
import { type ProcessStat, readStat } from './process-stat.ts';

/**
 * A process and all that descend from it, parents first; those that have ended are left out. What has lost its parent
 * (a daemon) belongs to nobody's tree.
 *
 * @param without a process that is left out, with all that descend from it
 * @example readProcessTree(child.pid) // npx, sh, and the program itself
 */
export function readProcessTree(root: number, without?: number, procRoot = '/proc'): number[] {
  if (root === without || !isRunning(root, procRoot)) return [];
  const tree = [root];
  let byParent: ReadonlyMap<number, readonly number[]> | undefined;
  for (const pid of tree) {
    let children: readonly number[] | undefined = readChildren(pid, procRoot);
    if (children === undefined) {
      byParent ??= scanParents(procRoot);
      children = byParent.get(pid) ?? [];
    }
    tree.push(...children.filter((child) => child !== without && isRunning(child, procRoot)));
  }
  return tree;
}

/** The children of a process, by thread that forked them; undefined where the kernel does not say (CONFIG_PROC_CHILDREN). */
function readChildren(pid: number, procRoot: string): number[] | undefined {
  try {
    return readdirSync(`${procRoot}/${pid}/task`).flatMap((thread) => {
      const text = readFileSync(`${procRoot}/${pid}/task/${thread}/children`, 'latin1');
      return text.split(' ').filter(Boolean).map(Number);
    });
  } catch {
    return undefined;
  }
}

function scanParents(procRoot: string): ReadonlyMap<number, readonly number[]> {
  const byParent = new Map<number, number[]>();
  for (const pid of readPids(procRoot)) {
    const parent = readParent(pid, procRoot);
    if (parent === undefined) continue;
    const siblings = byParent.get(parent);
    if (siblings === undefined) byParent.set(parent, [pid]);
    else siblings.push(pid);
  }
  return byParent;
}

/** The numbers of all processes that can be seen. */
export function readPids(procRoot = '/proc'): number[] {
  try {
    return readdirSync(procRoot).map(Number).filter(Number.isInteger);
  } catch {
    // No procfs.
    return [];
  }
}

/** How many processes of a group run, also such as have lost their parent; none of those that were not waited for. */
export function countGroup(group: number, procRoot = '/proc'): number {
  return readPids(procRoot).filter((pid) => readRunning(pid, procRoot)?.group === group).length;
}

/** Whether a process runs: one that has ended and was not waited for does not. */
export function isRunning(pid: number, procRoot = '/proc'): boolean {
  return readRunning(pid, procRoot) !== undefined;
}

/** What a process was started as, `node server.js`; undefined where it has ended. At most 200 characters. */
export function readTitle(pid: number, procRoot = '/proc'): string | undefined {
  try {
    const words = readFileSync(`${procRoot}/${pid}/cmdline`, 'utf8').split('\0');
    const title = words.join(' ').trim();
    return title === '' ? undefined : title.slice(0, TITLE_LENGTH);
  } catch {
    return undefined;
  }
}

/** The process that started another one; undefined where that has ended. */
export function readParent(pid: number, procRoot = '/proc'): number | undefined {
  return readRunning(pid, procRoot)?.parent;
}

function readRunning(pid: number, procRoot: string): ProcessStat | undefined {
  const stat = readStat(`${procRoot}/${pid}`);
  return stat?.state === 'Z' || stat?.state === 'X' ? undefined : stat;
}

const TITLE_LENGTH = 200;
