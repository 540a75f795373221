import { readdirSync, readlinkSync } from 'node:fs';
import { parseSocketLink } from './inode.ts';
import { readPids } from './process-tree.ts';

/** Whose sockets were looked for, and what was found. */
export interface SocketOwners {
  /** Processes that hold one of the sockets. */
  readonly pids: readonly number[];
  /** Processes whose descriptors could not be listed: they are another user's. */
  readonly denied: number;
}

/**
 * The inodes of the sockets that a process holds; undefined where its descriptors may not be listed, or it has ended.
 * 7 us for each descriptor.
 */
export function readSocketInodes(pid: number, procRoot = '/proc'): ReadonlySet<number> | undefined {
  const folder = `${procRoot}/${pid}/fd`;
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return undefined;
  }
  const inodes = new Set<number>();
  for (const name of names) {
    try {
      const inode = parseSocketLink(readlinkSync(`${folder}/${name}`));
      if (inode !== 0) inodes.add(inode);
    } catch {
      // The descriptor was closed meanwhile.
    }
  }
  return inodes;
}

/** Looks through all processes for those that hold one of the sockets. Kernel threads hold none. */
export function findSocketOwners(inodes: ReadonlySet<number>, procRoot = '/proc'): SocketOwners {
  const pids: number[] = [];
  let denied = 0;
  for (const pid of readPids(procRoot)) {
    const held = readSocketInodes(pid, procRoot);
    if (held === undefined) denied++;
    else if ([...held].some((inode) => inodes.has(inode))) pids.push(pid);
  }
  return { pids, denied };
}
