// A second, independent reading of the kernel's table, against which finwait's is held: nothing of src/kernel is used.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { StateName } from '../../src/tcp/state.ts';

/** One row of `ss`, as far as the scenarios look at it. */
export interface SsRow {
  readonly state: StateName;
  readonly local: string;
  readonly localPort: number;
  readonly peer: string;
  readonly peerPort: number;
  /** Whether some descriptor holds the socket. */
  readonly owned: boolean;
}

const run = promisify(execFile);

const STATES: { readonly [name: string]: StateName } = {
  ESTAB: 'ESTABLISHED',
  'SYN-SENT': 'SYN_SENT',
  'SYN-RECV': 'SYN_RECEIVED',
  'FIN-WAIT-1': 'FIN_WAIT_1',
  'FIN-WAIT-2': 'FIN_WAIT_2',
  'TIME-WAIT': 'TIME_WAIT',
  UNCONN: 'CLOSED',
  'CLOSE-WAIT': 'CLOSE_WAIT',
  'LAST-ACK': 'LAST_ACK',
  LISTEN: 'LISTEN',
  CLOSING: 'CLOSING',
};

/** Whether there is an `ss` that runs; else why not. */
export async function ssProblem(): Promise<string | undefined> {
  try {
    await readTable([1]);
    return undefined;
  } catch (error) {
    return `no ss that works: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The rows with one of these ports at either end, in a stable order. */
export async function readTable(ports: readonly number[]): Promise<SsRow[]> {
  if (ports.length === 0) return [];
  const filter = ports.map((port) => `sport = :${port} or dport = :${port}`).join(' or ');
  const { stdout } = await run('ss', ['-Htane', `( ${filter} )`]);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map(rowOf)
    .sort((one, other) => textOf(one).localeCompare(textOf(other)));
}

/** A row as text: equal texts are equal rows. */
function textOf(row: SsRow): string {
  return `${row.state} ${row.local}:${row.localPort} ${row.peer}:${row.peerPort}${row.owned ? '' : ' (no owner)'}`;
}

/** A table as text, one row a line. */
export function tableText(rows: readonly SsRow[]): string {
  return rows.map(textOf).join('\n');
}

function rowOf(line: string): SsRow {
  const [name = '', , , local = '', peer = '', ...details] = line.split(/\s+/);
  const state = STATES[name];
  if (state === undefined) throw new Error(`ss printed a state that is none: ${line}`);
  const [localAddress, localPort] = endpointOf(local);
  const [peerAddress, peerPort] = endpointOf(peer);
  const owned = details.some((detail) => detail.startsWith('ino:') && detail !== 'ino:0');
  return { state, local: localAddress, localPort, peer: peerAddress, peerPort, owned };
}

function endpointOf(text: string): [address: string, port: number] {
  const colon = text.lastIndexOf(':');
  return [text.slice(0, colon), Number(text.slice(colon + 1)) || 0];
}
