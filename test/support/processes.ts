// What /proc says of processes, for tests that must leave none behind.
import { readdirSync, readFileSync } from 'node:fs';

/** A process that runs; one that has ended and was not waited for has the state Z. */
export interface ProcessInfo {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly command: string;
  readonly environment: string;
}

/** All processes that can be seen. */
export function processes(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => infoOf(Number(name)))
    .filter((info) => info !== undefined);
}

/** The processes of a group that have not ended. */
export function livingGroup(group: number): ProcessInfo[] {
  return processes().filter((info) => info.group === group && info.state !== 'Z');
}

/** The children of a process, those that have ended and were not waited for included. */
export function childrenOf(parent: number): ProcessInfo[] {
  return processes().filter((info) => info.parent === parent);
}

/** Processes as text, for messages. */
export function processText(list: readonly ProcessInfo[]): string {
  return list.map(({ pid, state, group, command }) => `${pid} ${state} group ${group}: ${command}`).join('\n');
}

function infoOf(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name stands in brackets and may hold brackets itself.
    const [state = '', parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = read(pid, 'cmdline').replaceAll('\0', ' ');
    return { pid, state, parent: Number(parent), group: Number(group), command, environment: read(pid, 'environ') };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    // It is another user's.
    return '';
  }
}
