import { EVENT_NAMES, type EventName, type TcpEvent } from '../tcp/event.ts';
import { possibleStates } from '../tcp/reading.ts';
import { STATE, STATE_SLOTS, STATES, type State } from '../tcp/state.ts';
import { nextIndex, TRANSITIONS } from '../tcp/transition.ts';
import { ClosedTuples } from './closed-tuples.ts';
import { ABANDONED, CLOSINGS } from './closing.ts';
import type { ConnectFailure, ConnectPhase } from './connect-failure.ts';
import { type AttemptResult, Connects } from './connects.ts';
import { CookieIndex } from './cookie-index.ts';
import { Histogram } from './histogram.ts';
import { HistogramTable } from './histogram-table.ts';
import { NameTable, type Side } from './names.ts';
import { NodeQueues } from './node-queues.ts';
import { Orphans } from './orphans.ts';
import { PortSet } from './port-set.ts';
import { closingOfFlags, FLAG, renew, type SocketRecord, stateOf } from './record.ts';
import { Requests, type UseAtClose } from './requests.ts';
import { TUPLE, TUPLE_WORDS } from './tuple.ts';
import { TupleIndex } from './tuple-index.ts';
import { UntrackedSockets } from './untracked-sockets.ts';
import { Upstreams } from './upstreams.ts';
import { widened } from './widened.ts';

/** Ticks of the ledger's clock in one second: times in records are tenths of a millisecond. */
export const TICKS_PER_SECOND = 10_000;
/** Ticks of the ledger's clock in one millisecond. */
export const TICKS_PER_MS = 10;

/** Upper bounds of `connection_duration_seconds`: from one exchange on loopback to a day-long stream. */
const CONNECTION_DURATION_BOUNDS: readonly number[] = [0.01, 0.1, 1, 10, 60, 600, 3600, 86_400];

/** Upper bounds of `state_duration_seconds`: from a handshake on loopback to a CLOSE_WAIT that is forgotten. */
const STATE_DURATION_BOUNDS: readonly number[] = [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600];

/** What {@link Ledger.apply} needs of the transition table, as numbers. */
const TO: Uint8Array = Uint8Array.from(TRANSITIONS, ({ to }) => to);
const PROVES: Uint8Array = Uint8Array.from(TRANSITIONS, ({ certainty }) => (certainty === 'observed' ? 1 : 0));

/** The closings after which TIME_WAIT, or an orphan, stays with us. */
const CLOSED_FIRST: readonly boolean[] = CLOSINGS.map(
  ([initiator, outcome]) => initiator === 'local' && outcome !== 'reset',
);

/** What the ledger counts for each (side, name), as columns of one table. */
export const COUNT = {
  opened: 0,
  adopted: 1,
  released: 2,
  open: 3,
  halfClosedLocal: 4,
  halfClosedRemote: 5,
  resetReceived: 6,
  resetSent: 7,
  bytesReceived: 8,
  bytesSent: 9,
  blind: 10,
  withoutAddress: 11,
  dropped: 12,
} as const;
const COUNTS = Object.keys(COUNT).length;

/** A column of the table of counts. */
export type Count = (typeof COUNT)[keyof typeof COUNT];

/** A listening server of ours. */
export interface ListenerRecord {
  readonly ref: WeakRef<object>;
  slot: number;
  transition: number;
  readonly flags: number;
  changedAt: number;
  observedAt: number;
  port: number;
  /** The bound address and port; the address is the wildcard where the server is bound to none. */
  readonly tuple: Uint32Array;
  /** The listening socket's inode; 0 while unknown or not ours to claim. */
  inode: number;
}

/** A listener on the wildcard that no event was seen of yet, under no name. */
export function newListener(owner: object, port: number, inode: number, at: number): ListenerRecord {
  const tuple = new Uint32Array(TUPLE_WORDS);
  tuple[TUPLE.localPort] = port;
  return {
    ref: new WeakRef(owner),
    slot: -1,
    transition: -1,
    flags: 0,
    changedAt: at,
    observedAt: -1,
    port,
    tuple,
    inode,
  };
}

/** An event that a state does not allow: recorded, never thrown. */
export interface IllegalTransition {
  readonly from: State;
  readonly event: EventName;
  count: number;
}

/**
 * The books: every live record, and what was counted of those that are gone. Pure bookkeeping: time comes as an
 * argument (ticks on one monotonic clock), nothing is read from the outside.
 *
 * For every (side, name), at every moment: opened + adopted = closed + released + open.
 */
export class Ledger {
  readonly names: NameTable;
  readonly records: SocketRecord[] = [];
  readonly listeners: Set<ListenerRecord> = new Set();
  readonly tuples: TupleIndex = new TupleIndex();
  readonly closedTuples: ClosedTuples = new ClosedTuples();
  /** What was closed and is in the kernel's hands for longer than that. */
  readonly orphans: Orphans = new Orphans(() => this.giveKey());
  /** What is ours and no record stands for. */
  readonly untracked: UntrackedSockets = new UntrackedSockets(() => this.giveKey());
  /** What the client sockets connect to. */
  readonly upstreams: Upstreams = new Upstreams(this.records);
  /** Local ports of our listeners, and of accepted sockets whose tuple is known. Only ever added to. */
  readonly localPorts: PortSet = new PortSet();
  /** Peer ports of client sockets and of what they connect to. Only ever added to. */
  readonly peerPorts: PortSet = new PortSet();
  /** What Node holds in its own buffers, as of the newest walk. */
  readonly nodeQueues: NodeQueues;
  readonly connects: Connects;
  readonly requests: Requests;
  readonly durations: { readonly [side in Side]: Histogram };
  /** The same by name; filled only where that was asked for. */
  readonly durationsByName: HistogramTable = new HistogramTable(CONNECTION_DURATION_BOUNDS);
  /** By state, how long sockets were in it when they left it; filled only where that was asked for. */
  readonly stateDurations: readonly Histogram[] = Array.from(
    { length: STATE_SLOTS },
    () => new Histogram(STATE_DURATION_BOUNDS),
  );
  readonly illegal: Map<number, IllegalTransition> = new Map();

  #counts: Float64Array;
  #closed: Float64Array;
  #nodeStates: Int32Array;
  #transitions: Float64Array = new Float64Array(TRANSITIONS.length);
  /** Parallel to the slots of `tuples`. */
  #recordByTuple: (SocketRecord | undefined)[] = [];
  /** Parallel to them too, as far as any cookie was learnt. */
  #cookieByTuple: Float64Array = new Float64Array(0);
  readonly #tupleByCookie: CookieIndex = new CookieIndex();
  #serialByTuple: number[] = [];
  #serial = 0;
  #lastKey = 0;
  #scratch: Uint32Array = new Uint32Array(TUPLE_WORDS);
  #illegalCount = 0;
  readonly #isByName: boolean;

  /** @param byName whether histograms are kept by name too */
  constructor(maxNames: number, byName: boolean = false) {
    this.names = new NameTable(maxNames);
    this.#isByName = byName;
    this.connects = new Connects(this.names.capacity, byName);
    this.requests = new Requests(this.names.capacity, byName);
    this.durations = {
      server: new Histogram(CONNECTION_DURATION_BOUNDS),
      client: new Histogram(CONNECTION_DURATION_BOUNDS),
    };
    this.nodeQueues = new NodeQueues(this.names.capacity);
    this.#counts = new Float64Array(this.names.capacity * COUNTS);
    this.#closed = new Float64Array(this.names.capacity * CLOSINGS.length);
    this.#nodeStates = new Int32Array(this.names.capacity * STATE_SLOTS);
  }

  // ---- reading --------------------------------------------------------------------------------------------------

  count(slot: number, what: Count): number {
    return this.#counts[slot * COUNTS + what] as number;
  }

  closed(slot: number, closing: number): number {
    return this.#closed[slot * CLOSINGS.length + closing] as number;
  }

  /** Live records of a name that Node's column has in a state. */
  nodeState(slot: number, state: State): number {
    return this.#nodeStates[slot * STATE_SLOTS + state] as number;
  }

  /** How often a row of the transition table was taken. */
  transitionCount(index: number): number {
    return this.#transitions[index] as number;
  }

  get illegalCount(): number {
    return this.#illegalCount;
  }

  recordAtTuple(tupleSlot: number): SocketRecord | undefined {
    return this.#recordByTuple[tupleSlot];
  }

  cookieAtTuple(tupleSlot: number): number {
    return this.#cookieByTuple[tupleSlot] ?? 0;
  }

  /** The slot of the live tuple whose socket has this cookie, or -1. */
  tupleOfCookie(cookie: number): number {
    const slot = this.#tupleByCookie.find(cookie);
    return slot >= 0 && this.#cookieByTuple[slot] === cookie ? slot : -1;
  }

  learnCookie(tupleSlot: number, cookie: number): void {
    if (tupleSlot >= this.#cookieByTuple.length) {
      const length = Math.max(this.tuples.slots, tupleSlot + 1) * 2;
      this.#cookieByTuple = widened(this.#cookieByTuple, new Float64Array(length));
    }
    this.#cookieByTuple[tupleSlot] = cookie;
    this.#tupleByCookie.set(cookie, tupleSlot);
  }

  // ---- a record's life ------------------------------------------------------------------------------------------

  /** Puts a record on the books; it is counted nowhere until it opens. */
  add(record: SocketRecord): void {
    if (record.index >= 0) return;
    record.index = this.records.length;
    this.records.push(record);
  }

  /** Fixes side and name, which no later event changes. Until then a record is shown in no gauge. */
  assign(record: SocketRecord | ListenerRecord, side: Side, name: string, chosen: boolean, at: number): void {
    const isLate = record.slot < 0 && record.transition >= 0;
    record.slot = this.names.slotOf(side, name, chosen, at / TICKS_PER_MS);
    if (isLate) this.#shift(record, undefined, stateOf(record));
  }

  /** Takes the name off a listener, which is given another one; a default name that nothing else used is gone with it. */
  unassign(listener: ListenerRecord): void {
    const { slot } = listener;
    if (slot < 0) return;
    this.#shift(listener, stateOf(listener), undefined);
    listener.slot = -1;
    const isUsed = this.count(slot, COUNT.opened) + this.count(slot, COUNT.adopted) > 0 || this.#isBusy(slot);
    if (!isUsed) this.names.drop(slot);
  }

  /**
   * Moves Node's column by one event: the only place a state is written. Returns whether the pair is legal; an illegal
   * one is recorded and changes nothing.
   */
  apply(record: SocketRecord | ListenerRecord, event: TcpEvent, at: number): boolean {
    const from = stateOf(record);
    const index = nextIndex(from, event);
    if (index < 0) {
      this.#noteIllegal(from, event);
      return false;
    }
    const to = TO[index] as State;
    this.#transitions[index] = (this.#transitions[index] as number) + 1;
    const observed = PROVES[index] === 1;
    // An event that neither moves the state nor proves it takes nothing away from what was known.
    if (to === from && !observed) return true;
    record.transition = index;
    record.observedAt = observed ? at : -1;
    if (to === from) return true;
    // The time before a record's first event is no state's.
    if (this.#isByName && from !== STATE.CLOSED) {
      this.stateDurations[from]?.observe((at - record.changedAt) / TICKS_PER_SECOND);
    }
    record.changedAt = at;
    this.#shift(record, from, to);
    return true;
  }

  /** Counts a record as open: accepted or connected, or adopted if it was open before it was observed. */
  open(record: SocketRecord, at: number): void {
    if ((record.flags & FLAG.open) !== 0) return;
    record.flags |= FLAG.open;
    record.openedAt = at;
    this.names.countOpened(record.slot);
    this.bump(record.slot, (record.flags & FLAG.adopted) !== 0 ? COUNT.adopted : COUNT.opened, 1);
    this.bump(record.slot, COUNT.open, 1);
  }

  /**
   * Counts the end of a connection by what the record's flags say of it, and takes the record off the books.
   *
   * @param use what it was doing, as far as HTTP goes
   */
  close(record: SocketRecord, at: number, use?: UseAtClose): void {
    const counted = (record.flags & FLAG.open) !== 0;
    if (counted) {
      const closing = closingOfFlags(record.flags);
      this.#countClosed(record, closing);
      if (use !== undefined) {
        const [initiator] = CLOSINGS[closing] as (typeof CLOSINGS)[number];
        const isClient = (record.flags & FLAG.server) === 0;
        this.requests.close(record.slot, isClient, initiator, use, at / TICKS_PER_MS);
      }
    }
    this.#leave(record, at, true);
    // Last: it calls an exporter, and whatever that does, the books are closed.
    if (counted && (record.flags & FLAG.adopted) === 0) this.#observeDuration(record, at);
  }

  /** The socket object is gone and never said 'close'. */
  abandon(record: SocketRecord, at: number): void {
    this.endConnect(record, 'aborted');
    if ((record.flags & FLAG.open) !== 0) this.#countClosed(record, ABANDONED);
    this.#leave(record, at, false);
  }

  /** We stop observing it, or it belongs to another process now. */
  release(record: SocketRecord, at: number): void {
    // What becomes of it is not ours to see.
    this.endConnect(record, 'other');
    if ((record.flags & FLAG.open) !== 0) {
      this.bump(record.slot, COUNT.released, 1);
      this.bump(record.slot, COUNT.open, -1);
    }
    this.#leave(record, at, false);
  }

  // ---- connect operations -------------------------------------------------------------------------------------------

  /** connect() was called. Counted once the operation has a name, see {@link countConnect}. */
  beginConnect(record: SocketRecord, at: number): void {
    this.endConnect(record, 'aborted');
    record.flags = (record.flags | FLAG.connecting) & ~FLAG.lookupFailed;
    record.markAt = at;
  }

  /** The operation under way has a name. */
  countConnect(record: SocketRecord): void {
    if ((record.flags & (FLAG.connecting | FLAG.connectCounted)) !== FLAG.connecting || record.slot < 0) return;
    record.flags |= FLAG.connectCounted;
    this.connects.start(record.slot);
  }

  /** A phase of the operation under way is over, and the next one begins. */
  endConnectPhase(record: SocketRecord, phase: ConnectPhase, at: number): void {
    if ((record.flags & FLAG.connectCounted) === 0) return;
    if (record.markAt >= 0) this.connects.observe(record.slot, phase, (at - record.markAt) / TICKS_PER_SECOND);
    record.markAt = at;
  }

  /** The operation under way is over; does nothing if there is none. */
  endConnect(record: SocketRecord, failure: ConnectFailure | undefined): void {
    if ((record.flags & FLAG.connectCounted) !== 0) {
      if (failure === undefined) this.connects.succeed(record.slot);
      else this.connects.fail(record.slot, failure);
    }
    record.flags &= ~(FLAG.connecting | FLAG.connectCounted);
    record.markAt = -1;
  }

  /** A single attempt begins. */
  beginAttempt(record: SocketRecord, isIpv6: boolean): void {
    record.flags = (record.flags & ~FLAG.attemptIpv6) | FLAG.attempting | (isIpv6 ? FLAG.attemptIpv6 : 0);
  }

  /** The attempt under way is over; does nothing if there is none. */
  endAttempt(record: SocketRecord, result: AttemptResult): void {
    if ((record.flags & FLAG.attempting) === 0) return;
    record.flags &= ~FLAG.attempting;
    this.connects.endAttempt((record.flags & FLAG.attemptIpv6) !== 0 ? 'ipv6' : 'ipv4', result);
  }

  // ---- HTTP requests ------------------------------------------------------------------------------------------------

  /** A request began on an open connection, or was seen for the first time when it ended. */
  countRequest(record: SocketRecord): void {
    record.requests++;
    record.flags &= ~FLAG.idleTimeout;
    if (record.slot >= 0) this.requests.add(record.slot);
  }

  /** Begins a new generation of a record whose column has ended, or whose attempt failed. */
  renew(record: SocketRecord, at: number): void {
    if (record.index >= 0) this.#shift(record, stateOf(record), undefined);
    this.nodeQueues.forget(record);
    this.#dropTuple(record, at, false);
    renew(record, at);
    this.add(record);
  }

  bump(slot: number, what: Count, by: number): void {
    if (slot < 0) return;
    const at = slot * COUNTS + what;
    this.#counts[at] = (this.#counts[at] as number) + by;
  }

  /** Takes the byte counts of a socket over; they never fall, though libuv's do at an RST. */
  countBytes(record: SocketRecord, received: number, sent: number): void {
    if (received > record.bytesReceived) {
      this.bump(record.slot, COUNT.bytesReceived, received - record.bytesReceived);
      record.bytesReceived = received;
    }
    if (sent > record.bytesSent) {
      this.bump(record.slot, COUNT.bytesSent, sent - record.bytesSent);
      record.bytesSent = sent;
    }
  }

  setBlind(record: SocketRecord, blind: boolean): void {
    if (blind === ((record.flags & FLAG.blind) !== 0)) return;
    record.flags ^= FLAG.blind;
    this.bump(record.slot, COUNT.blind, blind ? 1 : -1);
  }

  // ---- addresses ------------------------------------------------------------------------------------------------

  /** Remembers a record's pair of endpoints, by which the kernel's row is found. */
  setTuple(record: SocketRecord, tuple: Uint32Array): void {
    if (record.tupleSlot >= 0) this.#forgetTuple(record);
    if ((record.flags & FLAG.server) !== 0) this.localPorts.add(tuple[TUPLE.localPort] as number);
    else this.peerPorts.add(tuple[TUPLE.peerPort] as number);
    this.orphans.forget(tuple);
    const slot = this.tuples.insert(tuple);
    record.tupleSlot = slot;
    this.#recordByTuple[slot] = record;
    this.#serialByTuple[slot] = ++this.#serial;
  }

  /** Grows with every tuple that is put in: whether a slot still means what it meant when a table was read. */
  get tupleSerial(): number {
    return this.#serial;
  }

  /** A number below 0 that is given out once, for a kernel socket that no record stands for. */
  giveKey(): number {
    return --this.#lastKey;
  }

  serialAtTuple(tupleSlot: number): number {
    return this.#serialByTuple[tupleSlot] ?? 0;
  }

  /** Remembers an endpoint that a client socket connects to. Returns its place, which {@link SocketRecord.upstream} is. */
  rememberUpstream(tuple: Uint32Array): number {
    this.peerPorts.add(tuple[TUPLE.peerPort] as number);
    return this.upstreams.remember(tuple);
  }

  // ---- listeners ------------------------------------------------------------------------------------------------

  addListener(listener: ListenerRecord): void {
    this.localPorts.add(listener.port);
    this.listeners.add(listener);
  }

  removeListener(listener: ListenerRecord): void {
    if (this.listeners.delete(listener)) this.#shift(listener, stateOf(listener), undefined);
  }

  /** Gives the places of idle default names back, and says which. */
  evictIdleNames(at: number): readonly number[] {
    const evicted = this.names.evictIdle(at / TICKS_PER_MS, (slot) => this.#isBusy(slot));
    for (const slot of evicted) {
      this.#counts.fill(0, slot * COUNTS, (slot + 1) * COUNTS);
      this.#closed.fill(0, slot * CLOSINGS.length, (slot + 1) * CLOSINGS.length);
      this.#nodeStates.fill(0, slot * STATE_SLOTS, (slot + 1) * STATE_SLOTS);
      this.upstreams.forgetName(slot);
      this.orphans.forgetName(slot);
      this.connects.forget(slot);
      this.requests.forget(slot);
      this.durationsByName.forget(slot);
    }
    return evicted;
  }

  #isBusy(slot: number): boolean {
    return (
      this.count(slot, COUNT.open) > 0 ||
      this.connects.pending(slot) > 0 ||
      STATES.some((state) => this.nodeState(slot, state) > 0) ||
      [...this.listeners].some((listener) => listener.slot === slot)
    );
  }

  // ---- inside ---------------------------------------------------------------------------------------------------

  #countClosed(record: SocketRecord, closing: number): void {
    const at = record.slot * CLOSINGS.length + closing;
    this.#closed[at] = (this.#closed[at] as number) + 1;
    this.bump(record.slot, COUNT.open, -1);
    if (record.tupleSlot < 0 && CLOSED_FIRST[closing] === true) this.bump(record.slot, COUNT.withoutAddress, 1);
  }

  #observeDuration(record: SocketRecord, at: number): void {
    const side = (record.flags & FLAG.server) !== 0 ? 'server' : 'client';
    const seconds = (at - record.openedAt) / TICKS_PER_SECOND;
    this.durations[side].observe(seconds);
    if (this.#isByName) this.durationsByName.observe(record.slot, seconds);
  }

  #leave(record: SocketRecord, at: number, closedHere: boolean): void {
    if (record.index < 0) return;
    this.endAttempt(record, 'cancelled');
    this.setBlind(record, false);
    this.nodeQueues.forget(record);
    if (record.slot >= 0) this.names.touch(record.slot, at / TICKS_PER_MS);
    this.#shift(record, stateOf(record), undefined);
    this.#dropTuple(record, at, closedHere);
    record.flags &= ~FLAG.open;
    const last = this.records.pop() as SocketRecord;
    if (last !== record) {
      this.records[record.index] = last;
      last.index = record.index;
    }
    record.index = -1;
  }

  /**
   * Makes tuples ready to be looked up, at most so many of the open and of the closed ones each. Returns whether all are: a
   * look-up does the rest at once.
   */
  settleTuples(most: number): boolean {
    const isOpen = this.tuples.settle(most);
    return this.closedTuples.settle(most) && isOpen;
  }

  #dropTuple(record: SocketRecord, at: number, closedHere: boolean): void {
    const slot = record.tupleSlot;
    if (slot < 0) return;
    // Of one that never got a name nothing is counted anywhere.
    if (closedHere && record.slot >= 0) {
      this.tuples.read(slot, this.#scratch);
      const states = possibleStates(record.transition, (record.flags & FLAG.tls) !== 0);
      const openedAtMs = record.openedAt / TICKS_PER_MS;
      this.closedTuples.add(
        this.#scratch,
        record.slot,
        at / TICKS_PER_MS,
        this.cookieAtTuple(slot),
        states,
        openedAtMs,
      );
    }
    this.#forgetTuple(record);
  }

  #forgetTuple(record: SocketRecord): void {
    const cookie = this.cookieAtTuple(record.tupleSlot);
    if (cookie !== 0) {
      this.#tupleByCookie.delete(cookie, record.tupleSlot);
      this.#cookieByTuple[record.tupleSlot] = 0;
    }
    this.tuples.remove(record.tupleSlot);
    this.#recordByTuple[record.tupleSlot] = undefined;
    record.tupleSlot = -1;
  }

  /**
   * Moves one record between the gauges of Node's column. TIME_WAIT is the kernel's alone and shown for no record
   * there; CLOSED only while a descriptor is still open on a connection that is gone.
   */
  #shift(record: SocketRecord | ListenerRecord, from: State | undefined, to: State | undefined): void {
    if (record.slot < 0) return;
    const row = record.slot * STATE_SLOTS;
    const open = (record.flags & FLAG.open) !== 0;
    if (from !== undefined && isShown(from, open)) {
      this.#nodeStates[row + from] = (this.#nodeStates[row + from] as number) - 1;
    }
    if (to !== undefined && isShown(to, open)) {
      this.#nodeStates[row + to] = (this.#nodeStates[row + to] as number) + 1;
    }
  }

  #noteIllegal(from: State, event: TcpEvent): void {
    this.#illegalCount++;
    const key = from * EVENT_NAMES.length + event;
    const known = this.illegal.get(key);
    if (known === undefined) {
      this.illegal.set(key, { from, event: EVENT_NAMES[event] as EventName, count: 1 });
    } else known.count++;
  }
}

function isShown(state: State, open: boolean): boolean {
  return state === STATE.CLOSED ? open : state !== STATE.TIME_WAIT;
}
