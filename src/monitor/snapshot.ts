import type { UpstreamSnapshot } from '../detect/upstream.ts';
import type { Verdict } from '../detect/verdict.ts';
import { verdictsOf } from '../detect/verdicts.ts';
import type { KernelColumn } from '../sockets/join.ts';
import { COUNT, type Ledger, TICKS_PER_MS } from '../sockets/ledger.ts';
import type { Side } from '../sockets/names.ts';
import { FLAG, type SocketRecord, stateOf } from '../sockets/record.ts';
import { blankRow, type KernelRow } from '../sockets/row.ts';
import { type Reading, readingOf } from '../tcp/reading.ts';
import {
  countsByState,
  STATE,
  STATE_SLOTS,
  type State,
  type StateCounts,
  type StateLabel,
  stateLabel,
} from '../tcp/state.ts';
import { legalEvents } from '../tcp/transition.ts';
import { deepFreeze } from './deep-freeze.ts';
import { readServerUse, readUpstreams, type Surroundings } from './upstreams.ts';

/** Bytes that wait on one socket, on both sides of the system call. */
export interface QueuedBytes {
  /** Read by Node and not consumed by the program, as of the newest sample. */
  readonly nodeRead: number;
  /** Written by the program and not taken by the kernel, as of the newest sample. */
  readonly nodeWrite: number;
  /** Not read by Node, in the newest table; a FIN counts as one. Undefined where `kernel` is. */
  readonly kernelReceive: number | undefined;
  /** Not acknowledged by the peer. Undefined where `kernel` is. */
  readonly kernelSend: number | undefined;
}

/** One open socket, both columns. */
export interface SocketSnapshot {
  readonly side: Side;
  readonly name: string;
  /** `127.0.0.1:8080`; undefined while unknown. The local address of a server may be its wildcard. */
  readonly local: string | undefined;
  readonly peer: string | undefined;
  /** Node's column, as it reads now. */
  readonly node: Reading;
  /** Milliseconds since Node's column moved. */
  readonly nodeStateAgeMs: number;
  /** Milliseconds since Node last proved this state; undefined where it was only inferred. */
  readonly nodeStateObservedMs: number | undefined;
  /**
   * The kernel's column in the newest table; undefined where it has no row for this socket, or where the socket has
   * moved since the table was read, so that the two cannot be compared.
   */
  readonly kernel: StateLabel | undefined;
  /** The state to act on: the kernel's where it is known, else Node's. */
  readonly state: StateLabel;
  /** Milliseconds since it was accepted or connected; of an adopted one, since it was first observed. */
  readonly ageMs: number;
  /** Bytes as libuv counts them, as of the newest sample; of an adopted socket those before it was observed too. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly queued: QueuedBytes;
  /**
   * The kernel's inode of the socket, by which /proc/PID/fd and `ss -e` know it: of those that the newest table shows in
   * a state that should not last, or with bytes queued. Undefined else.
   */
  readonly inode: number | undefined;
  /** Nobody reads the socket: Node cannot see a FIN now. */
  readonly blind: boolean;
  /** How many kernel sockets this object has had before. */
  readonly generation: number;
  /** The last HTTP request, such as `GET /users/:id`. */
  readonly request: string | undefined;
}

/** The accept queues of one name. */
export interface AcceptQueue {
  readonly connections: number;
  /** The backlog; one more fits in. Undefined where the source (procfs) does not tell. */
  readonly limit: number | undefined;
}

/** One (side, name), both columns. */
export interface NameSnapshot {
  readonly side: Side;
  readonly name: string;
  readonly open: number;
  readonly opened: number;
  readonly adopted: number;
  readonly closed: number;
  readonly released: number;
  /** HTTP/1 requests, see {@link UpstreamSnapshot.requests}. */
  readonly requests: number;
  /** Open connections ended by an RST: received (ECONNRESET, EPIPE), and sent by resetAndDestroy(). */
  readonly resetsReceived: number;
  readonly resetsSent: number;
  /** FINs after which the other direction stayed open: ours, and the peer's. */
  readonly halfClosesLocal: number;
  readonly halfClosesRemote: number;
  /** Connections that we closed first and whose addresses were never known: their TIME_WAIT cannot be told as ours. */
  readonly withoutAddress: number;
  /** Connections that wait to be accepted, over all listeners of ours; undefined where the table has none. */
  readonly acceptQueue: AcceptQueue | undefined;
  readonly node: StateCounts;
  readonly kernel: StateCounts | undefined;
}

/** An event that a state did not allow. */
export interface IllegalSnapshot {
  readonly from: StateLabel;
  readonly event: string;
  readonly count: number;
  /** The events that are allowed in that state. */
  readonly legal: readonly string[];
}

/** What finwait knows at one moment, as plain data. */
export interface Snapshot {
  readonly takenAt: string;
  /** The newest complete table of the kernel; undefined while there is none. */
  readonly table: { readonly ageMs: number; readonly rows: number; readonly states: StateCounts } | undefined;
  /** Sums over all names, both columns. */
  readonly node: StateCounts;
  readonly kernel: StateCounts | undefined;
  readonly names: readonly NameSnapshot[];
  /** What each client name connects to, and how. */
  readonly upstreams: readonly UpstreamSnapshot[];
  /** What is wrong with how connections are made, kept and closed, the worst first, and what to change. */
  readonly verdicts: readonly Verdict[];
  /** The sockets that look worst first, at most 1,000. */
  readonly sockets: readonly SocketSnapshot[];
  readonly socketsOmitted: number;
  /** Events that a state did not allow: each is a defect of finwait, or of a program that emits by hand. */
  readonly illegal: readonly IllegalSnapshot[];
}

const MOST_SOCKETS = 1_000;

/** Reads the books and the newest table into plain, frozen data. */
export function takeSnapshot(
  ledger: Ledger,
  column: KernelColumn | undefined,
  now: number,
  surroundings: Surroundings = {},
): Snapshot {
  const names = ledger.names.entries().map(({ slot, side, name }): NameSnapshot => {
    const opened = ledger.count(slot, COUNT.opened);
    const adopted = ledger.count(slot, COUNT.adopted);
    const released = ledger.count(slot, COUNT.released);
    const open = ledger.count(slot, COUNT.open);
    return {
      side,
      name,
      open,
      opened,
      adopted,
      closed: opened + adopted - released - open,
      released,
      requests: ledger.requests.count(slot),
      resetsReceived: ledger.count(slot, COUNT.resetReceived),
      resetsSent: ledger.count(slot, COUNT.resetSent),
      halfClosesLocal: ledger.count(slot, COUNT.halfClosedLocal),
      halfClosesRemote: ledger.count(slot, COUNT.halfClosedRemote),
      withoutAddress: ledger.count(slot, COUNT.withoutAddress),
      acceptQueue: column && acceptQueueOf(column, slot),
      node: countsByState((state) => ledger.nodeState(slot, state)),
      kernel: column && countsByState((state) => column.ownStates[slot * STATE_SLOTS + state] ?? 0),
    };
  });
  const upstreams = readUpstreams(ledger, column, now / TICKS_PER_MS, surroundings);
  const sockets = worstOf(ledger, column).map((record) => describe(ledger, column, record, now));
  return deepFreeze({
    takenAt: new Date().toISOString(),
    table: column && {
      ageMs: Math.max(0, Math.round(now / TICKS_PER_MS - column.endedAt)),
      rows: column.rows,
      states: countsByState((state) => column.netnsStates[state] ?? 0),
    },
    node: sum(names.map((entry) => entry.node)),
    kernel: column && sum(names.map((entry) => entry.kernel).filter((counts) => counts !== undefined)),
    names,
    upstreams,
    verdicts: verdictsOf({
      upstreams,
      servers: readServerUse(ledger, now / TICKS_PER_MS, surroundings.pressure),
      settings: surroundings.settings,
    }),
    sockets,
    socketsOmitted: ledger.records.length - sockets.length,
    illegal: [...ledger.illegal.values()].map(({ from, event, count }) => ({
      from: stateLabel(from),
      event,
      count,
      legal: [...legalEvents(from)],
    })),
  });
}

function describe(ledger: Ledger, column: KernelColumn | undefined, record: SocketRecord, now: number): SocketSnapshot {
  const entry = ledger.names.at(record.slot);
  const node = readingOf(record.transition, (record.flags & FLAG.tls) !== 0);
  const kernel = kernelStateOf(ledger, column, record);
  const queue = ledger.nodeQueues.of(record);
  const facts = kernel === undefined || column === undefined ? undefined : kernelFactsOf(column, record.tupleSlot);
  const endpoints = record.tupleSlot < 0 ? undefined : ledger.tuples.endpointsAt(record.tupleSlot);
  return {
    side: entry?.side ?? 'client',
    name: entry?.name ?? '',
    local: endpoints?.local,
    peer: endpoints?.peer,
    node,
    nodeStateAgeMs: ticksToMs(now - record.changedAt),
    nodeStateObservedMs: record.observedAt < 0 ? undefined : ticksToMs(now - record.observedAt),
    kernel: kernel && stateLabel(kernel),
    state: kernel === undefined ? node.state : stateLabel(kernel),
    ageMs: ticksToMs(now - record.openedAt),
    bytesReceived: record.bytesReceived,
    bytesSent: record.bytesSent,
    queued: {
      nodeRead: queue.read,
      nodeWrite: queue.write,
      kernelReceive: facts?.receiveQueue,
      kernelSend: facts?.sendQueue,
    },
    inode: facts === undefined || facts.inode === 0 ? undefined : facts.inode,
    blind: (record.flags & FLAG.blind) !== 0,
    generation: record.generation,
    request: record.request,
  };
}

function kernelStateOf(ledger: Ledger, column: KernelColumn | undefined, record: SocketRecord): State | undefined {
  if (column === undefined || record.tupleSlot < 0) return undefined;
  if (ledger.serialAtTuple(record.tupleSlot) > column.tupleSerial) return undefined;
  if (record.changedAt >= column.startedAt * TICKS_PER_MS) return undefined;
  const state = column.stateByTuple[record.tupleSlot];
  return state === undefined || state === 0 ? undefined : (state as State);
}

/** What the newest table says of a record beside its state: a row that is not among the suspects has nothing queued. */
function kernelFactsOf(column: KernelColumn, tupleSlot: number): Readonly<KernelRow> | undefined {
  const index = column.suspects.find(tupleSlot);
  if (index >= 0) {
    column.suspects.read(index, ROW_SCRATCH);
    return ROW_SCRATCH;
  }
  return column.suspects.omitted === 0 ? NOTHING_QUEUED : undefined;
}

function acceptQueueOf(column: KernelColumn, slot: number): AcceptQueue | undefined {
  const connections = column.acceptQueues[slot] ?? Number.NaN;
  const limit = column.acceptLimits[slot] ?? Number.NaN;
  if (Number.isNaN(connections)) return undefined;
  return { connections, limit: Number.isNaN(limit) ? undefined : limit };
}

/** The worst records first: by what a person would look at, in either column. */
function worstOf(ledger: Ledger, column: KernelColumn | undefined): SocketRecord[] {
  const ranks: SocketRecord[][] = [[], [], [], []];
  for (const record of ledger.records) {
    const rank = Math.min(rankOf(stateOf(record)), rankOf(kernelStateOf(ledger, column, record) ?? stateOf(record)));
    const bucket = ranks[rank] as SocketRecord[];
    if (bucket.length < MOST_SOCKETS) bucket.push(record);
  }
  return ranks.flat().slice(0, MOST_SOCKETS);
}

function rankOf(state: State): number {
  switch (state) {
    case STATE.CLOSE_WAIT:
      return 0;
    case STATE.CLOSED:
    case STATE.CLOSING:
    case STATE.LAST_ACK:
    case STATE.FIN_WAIT_1:
    case STATE.FIN_WAIT_2:
    case STATE.SYN_SENT:
    case STATE.SYN_RECEIVED:
      return 1;
    case STATE.TIME_WAIT:
      return 2;
    case STATE.ESTABLISHED:
    case STATE.LISTEN:
      return 3;
    default:
      return state satisfies never;
  }
}

function sum(all: readonly StateCounts[]): StateCounts {
  return countsByState((state) => all.reduce((total, counts) => total + counts[stateLabel(state)], 0));
}

function ticksToMs(ticks: number): number {
  return Math.max(0, Math.round(ticks / TICKS_PER_MS));
}

const ROW_SCRATCH: KernelRow = blankRow();
const NOTHING_QUEUED: Readonly<KernelRow> = blankRow();
