import { readlinkSync } from 'node:fs';

/** The inode of one of our sockets by its descriptor; 0 where /proc does not tell. */
export function readSocketInode(fd: number): number {
  try {
    return parseSocketLink(readlinkSync(`/proc/self/fd/${fd}`));
  } catch {
    // The descriptor was closed meanwhile, or there is no /proc.
    return 0;
  }
}

/** The inode in a link text such as `socket:[48213]`; 0 if it is none. */
export function parseSocketLink(link: string): number {
  const match = /^socket:\[(\d+)\]$/.exec(link);
  return match === null ? 0 : Number(match[1]);
}
