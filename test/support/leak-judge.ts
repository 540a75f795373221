// What the kernel says of one process's sockets: ss, in the namespace of that process, and its descriptors.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';

/** One row of `ss` at one of a scene's ports. */
export interface JudgedRow {
  /** As ss prints it, such as `CLOSE-WAIT`. */
  readonly state: string;
  readonly localPort: number;
  readonly peerPort: number;
  /** An unread FIN counts as one. */
  readonly receiveQueue: number;
  readonly sendQueue: number;
  /** Whether the judged process holds a descriptor of it. */
  readonly isHeld: boolean;
  /** How often the kernel has sent again without an answer. */
  readonly retransmits: number;
}

const run = promisify(execFile);

/** The rows with one of these ports at either end, listeners apart. */
export async function judge(pid: number, ports: readonly number[], isNamespaced: boolean): Promise<JudgedRow[]> {
  const filter = ports.map((port) => `sport = :${port} or dport = :${port}`).join(' or ');
  const table = await ss(pid, isNamespaced, ['-Htanpo', `( ${filter} )`]);
  return table.filter((line) => !line.startsWith('LISTEN')).map((line) => rowOf(line, pid));
}

/**
 * How many sockets a process has open that are in no table of the kernel any more: a TCP socket that is closed, and that
 * nobody has closed here.
 */
export async function homelessDescriptors(pid: number): Promise<number> {
  const open = inodesOf(pid);
  const homes = new Set([...(await ss(pid, false, ['-Htane'])).map(inodeOf), ...unixInodes(pid)]);
  return open.filter((inode) => !homes.has(inode)).length;
}

async function ss(pid: number, isNamespaced: boolean, words: readonly string[]): Promise<string[]> {
  const [file = '', ...rest] = [...(isNamespaced ? ['nsenter', '-t', `${pid}`, ...ENTER] : []), 'ss', ...words];
  const { stdout } = await run(file, rest, { maxBuffer: 2 ** 26 });
  return stdout.split('\n').filter((line) => line !== '');
}

const ENTER = ['-U', '-n', '--preserve-credentials'];

function rowOf(line: string, pid: number): JudgedRow {
  const [state = '', receiveQueue, sendQueue, local = '', peer = ''] = line.split(/\s+/);
  return {
    state,
    localPort: portOf(local),
    peerPort: portOf(peer),
    receiveQueue: Number(receiveQueue),
    sendQueue: Number(sendQueue),
    isHeld: line.includes(`pid=${pid},`),
    retransmits: Number(/timer:\(on,[^,]*,(\d+)\)/.exec(line)?.[1] ?? 0),
  };
}

function portOf(endpoint: string): number {
  return Number(endpoint.slice(endpoint.lastIndexOf(':') + 1));
}

function inodeOf(line: string): number {
  return Number(/\bino:(\d+)/.exec(line)?.[1] ?? 0);
}

function inodesOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`)) ?? [];
      return inode === undefined ? [] : [Number(inode)];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

function unixInodes(pid: number): number[] {
  const [, ...lines] = readFileSync(`/proc/${pid}/net/unix`, 'latin1').split('\n');
  return lines.map((line) => Number(line.trim().split(/\s+/)[6] ?? 0));
}
