// An abstract socket name has no owner and no permissions: any user of the network namespace may bind ours first, or
// between the death of one leader and the next, and then tell our followers whatever it likes. A follower therefore
// believes a process only after the kernel has said three things that another user cannot make it say:
//
// 1. which socket listened under the name *before* the follower connected: its inode, from /proc/net/unix;
// 2. that the process which calls itself the leader still holds that very socket *after* the connection was made. A
//    name lives as long as its socket, so the connection went to that socket, whoever listened before or afterwards;
// 3. that this process is the cluster's primary or a child of it, and runs under our user, all four ids of it. Ids
//    alone prove little to root, who may read every process, and the owner of files under /proc is root's for every
//    process that made itself undumpable; a child of the primary cannot be made from outside.
//
// Names in /proc/net/unix are printed raw, with their newlines: a name may feign a line of another socket, but cannot
// hide the line of the real one. So exactly one line must bear the name. What remains to an attacker is to occupy the
// name, and then every process reads the table itself, as without a cluster.
import { readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseSocketLink } from '../procfs/inode.ts';
import type { LeaderClaim } from './table-stream.ts';

/**
 * The inode of the socket that listens under an abstract name (without its leading NUL) in this network namespace; 0
 * if there is none, several seem to, or /proc does not tell. Never rejects.
 */
export async function readListenerInode(name: string): Promise<number> {
  try {
    // Off the event loop: a namespace may hold tens of thousands of unix sockets.
    return listenerInode(await readFile('/proc/net/unix', 'latin1'), name);
  } catch {
    // No /proc, no descriptor left, or the permission model forbids it.
    return 0;
  }
}

/** Finds what {@link readListenerInode} gives in the text of /proc/net/unix. */
export function listenerInode(table: string, name: string): number {
  let inode = 0;
  for (let at = table.indexOf(` @${name}`); at >= 0; at = table.indexOf(` @${name}`, at + 1)) {
    const lineFrom = table.lastIndexOf('\n', at) + 1;
    const lineTo = table.indexOf('\n', at);
    const line = table.slice(lineFrom, lineTo < 0 ? table.length : lineTo);
    const [, flags, foundInode, found] = UNIX_LINE.exec(line) ?? [];
    if (found !== name) continue;
    if ((Number.parseInt(flags as string, 16) & ACCEPTS_CONNECTIONS) === 0) continue;
    if (inode !== 0) return 0;
    inode = Number(foundInode);
  }
  return inode;
}

/**
 * What speaks against a claim to be the leader: a few words, or undefined when it is proven.
 *
 * @param inode of the socket that listened before the connection was made, see {@link readListenerInode}
 * @param primaryPid the cluster's primary
 */
export function doubtLeader(claim: LeaderClaim, inode: number, primaryPid: number): string | undefined {
  const { pid, fd } = claim;
  try {
    if (parseSocketLink(readlinkSync(`/proc/${pid}/fd/${fd}`)) !== inode || inode === 0) {
      return `process ${pid} does not hold the socket`;
    }
    return doubtStatus(readFileSync(`/proc/${pid}/status`, 'latin1'), pid, primaryPid, process.geteuid?.() ?? -1);
  } catch {
    // Another user's process, or one that ended, or that dropped its rights and may not be looked into any more.
    return `process ${pid} cannot be looked into`;
  }
}

/** What speaks, in a /proc/PID/status, against a process of this cluster and this user. */
export function doubtStatus(status: string, pid: number, primaryPid: number, uid: number): string | undefined {
  const parent = /^PPid:\t(\d+)$/m.exec(status)?.[1];
  if (pid !== primaryPid && Number(parent) !== primaryPid) return `process ${pid} is not of this cluster`;
  const uids = /^Uid:\t(\d+)\t(\d+)\t(\d+)\t(\d+)$/m.exec(status)?.slice(1);
  if (uids === undefined || uids.some((text) => Number(text) !== uid)) return `process ${pid} is another user's`;
  return undefined;
}

// Num: RefCount Protocol Flags Type St Inode Path
const UNIX_LINE = /^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]+) 0001 [0-9A-F]+ +(\d+) @(.*)$/;
/** __SO_ACCEPTCON of include/linux/net.h. */
const ACCEPTS_CONNECTIONS = 0x10000;
