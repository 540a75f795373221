import { readdirSync, readlinkSync } from 'node:fs';

/** The inode of one of our sockets by its descriptor; 0 where /proc does not tell. */
export function readSocketInode(fd: number): number {
  try {
    return parseSocketLink(readlinkSync(`/proc/self/fd/${fd}`));
  } catch {
    // The descriptor was closed meanwhile, or there is no /proc.
    return 0;
  }
}

/** The same, where it matters whether the descriptor is open: 0 for what is no socket, -1 for what is not open. */
export function probeSocketInode(fd: number): number {
  try {
    // Not fstat(2), which asks the server of a file on a network that may not answer.
    return parseSocketLink(readlinkSync(`/proc/self/fd/${fd}`));
  } catch {
    return -1;
  }
}

/**
 * The descriptors of this process that are sockets, by their inode; undefined where they cannot be listed, which proves
 * nothing about any socket: listing takes a descriptor itself, and all may be in use. 7 us for each descriptor: for
 * processes that have few, or rarely.
 */
export function readOwnSockets(): ReadonlyMap<number, number> | undefined {
  let names: readonly string[];
  try {
    names = readdirSync('/proc/self/fd');
  } catch {
    // No descriptor left to list the folder with, or no /proc.
    return undefined;
  }
  const sockets = new Map<number, number>();
  for (const name of names) {
    const inode = readSocketInode(Number(name));
    if (inode !== 0) sockets.set(inode, Number(name));
  }
  return sockets;
}

/** The inode in a link text such as `socket:[48213]`; 0 if it is none. */
export function parseSocketLink(link: string): number {
  const match = /^socket:\[(\d+)\]$/.exec(link);
  return match === null ? 0 : Number(match[1]);
}
