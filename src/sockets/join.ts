import { OWNERLESS_STATES, STATE, STATE_SLOTS, type State } from '../tcp/state.ts';
import { EphemeralPorts } from './ephemeral-ports.ts';
import type { Ledger } from './ledger.ts';
import { PortSet } from './port-set.ts';
import type { PortSettings } from './port-settings.ts';
import { blankRow, type KernelRow, type RowSink } from './row.ts';
import { isSuspect, type SuspectRows, Suspects } from './suspects.ts';
import { TUPLE, TUPLE_WORDS, withAnyLocal } from './tuple.ts';
import { OTHERS_LIMIT } from './untracked-sockets.ts';

/** TIME_WAIT lasts this long on Linux whatever tcp_fin_timeout says (TCP_TIMEWAIT_LEN in include/net/tcp.h). */
const TIME_WAIT_MS = 60_000;

/** The kernel counts in ticks, of 10 ms at most: what is left of a timer may seem longer by that than it is. */
const TICK_MS = 10;

/** A listener that no record of ours has the inode of. */
export interface OtherListener {
  readonly inode: number;
  readonly port: number;
}

/** A host has some dozens. */
const OTHER_LISTENERS_LIMIT = 1_024;

/** The kernel's column of one complete table. */
export interface KernelColumn {
  /** Rows of the whole network namespace by state. */
  readonly netnsStates: Int32Array;
  /** Our rows by name slot and state: `[slot * STATE_SLOTS + state]`. */
  readonly ownStates: Int32Array;
  /** Ownerless rows that match a name only by port or upstream, in the same shape. */
  readonly unattributedStates: Int32Array;
  /** The kernel's state of every live record by the slot of its tuple; 0 where the table has no row for it. */
  readonly stateByTuple: Uint8Array;
  /** The ledger's `tupleSerial` when the reader was started: a slot given out later is another socket's. */
  readonly tupleSerial: number;
  /** Connections waiting to be accepted, by name slot, over all listeners of ours; NaN where the table has none. */
  readonly acceptQueues: Float64Array;
  /** How many may wait there; NaN where the source (procfs) does not say. */
  readonly acceptLimits: Float64Array;
  /**
   * The connections themselves that wait at a port of ours, by name slot: rows that nobody has been given yet. Evidence
   * of an event loop that does not come round to accept, but by port only: another process may be meant to take them.
   */
  readonly waiting: Int32Array;
  /** Bytes in the kernel's queues of our rows, by name slot, listeners left out. See {@link KernelRow}. */
  readonly receiveQueues: Float64Array;
  readonly sendQueues: Float64Array;
  /** By name slot, see {@link EphemeralPorts}; NaN where it is not known. */
  readonly portsUsed: Float64Array;
  readonly portsLimit: number;
  /** Listeners with an inode that no record of ours has. */
  readonly otherListeners: readonly OtherListener[];
  /**
   * Rows by state that are ours by their inode though no record stands for them, listeners left out. Complete once the
   * descriptors have been looked through, see {@link Join.claim}.
   */
  readonly untrackedStates: Int32Array;
  /** How many of them no JavaScript socket is known of either. */
  readonly untrackedDescriptors: number;
  /** Rows of ours, or with our port or upstream, in a state that should not last or with bytes queued. */
  readonly suspects: SuspectRows;
  /** How many rows some limit of ours kept out of the above. */
  readonly omitted: number;
  readonly rows: number;
  /** When the reader was started and when the table was complete, in milliseconds on the ledger's clock. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Takes a name's slot out of a column, because another name may have it next. */
export function forgetSlot(column: KernelColumn, slot: number): void {
  for (const states of [column.ownStates, column.unattributedStates]) {
    states.fill(0, slot * STATE_SLOTS, (slot + 1) * STATE_SLOTS);
  }
  for (const sums of [column.receiveQueues, column.sendQueues]) sums[slot] = 0;
  for (const values of [column.acceptQueues, column.acceptLimits, column.portsUsed]) values[slot] = Number.NaN;
  column.suspects.forgetName(slot);
}

/**
 * Joins the rows of one table with the books, row by row, and keeps only the suspicious ones.
 *
 * A row is ours by proof only: a live record has its tuple (and its cookie, once that is known), a listener has its
 * inode, or it is ownerless and this process closed that very socket, within the minute or as tables have shown since.
 * Or its inode is one of our descriptors and no record stands for it: then it has no name. A port or a destination alone proves nothing:
 * workers, sidecars and other containers share them.
 */
export class Join implements RowSink {
  readonly #ledger: Ledger;
  readonly #startedAt: number;
  readonly #listenerSlotByInode: ReadonlyMap<number, number>;
  /** By port; -1 where no listener of ours is. */
  readonly #listenerSlotByPort: Int16Array = new Int16Array(PORTS).fill(-1);
  readonly #otherListeners: OtherListener[] = [];
  readonly #ports: EphemeralPorts;
  readonly #suspects: Suspects = new Suspects();
  readonly #netnsStates: Int32Array = new Int32Array(STATE_SLOTS);
  readonly #ownStates: Int32Array;
  readonly #unattributedStates: Int32Array;
  readonly #acceptQueues: Float64Array;
  readonly #acceptLimits: Float64Array;
  readonly #waiting: Int32Array;
  readonly #receiveQueues: Float64Array;
  readonly #sendQueues: Float64Array;
  readonly #stateByTuple: Uint8Array;
  readonly #anyLocal: Uint32Array = new Uint32Array(TUPLE_WORDS);
  readonly #tupleSerial: number;
  /** The number of this table among those that show orphans. */
  readonly #table: number;
  #orphansOmitted = 0;
  readonly #untrackedStates: Int32Array = new Int32Array(STATE_SLOTS);
  #untrackedDescriptors = 0;
  readonly #untrackedPorts: PortSet = new PortSet();
  /** The searches that had ended when this table began; what they found and no row has shown needs every row. */
  readonly #searches: number;
  readonly #wantsAll: boolean;
  /** Rows in CLOSE_WAIT that may be ours by their inode, with the slot that their place gives them. */
  #unclaimed: Suspects = new Suspects();
  /** Inodes in CLOSE_WAIT that are known to be no such rows. */
  readonly #others: Set<number> = new Set();
  #rows = 0;

  /**
   * @param startedAtMs when the reader was started, on the ledger's clock in milliseconds
   * @param settings what local ports are chosen by; without it nothing is known of their use
   */
  constructor(ledger: Ledger, startedAtMs: number, settings?: PortSettings) {
    this.#ledger = ledger;
    this.#startedAt = startedAtMs;
    this.#tupleSerial = ledger.tupleSerial;
    // Where nothing is closed for a while, nothing else would make the ring forget.
    ledger.closedTuples.expire(startedAtMs);
    this.#table = ledger.orphans.begin();
    this.#searches = ledger.untracked.searches;
    this.#wantsAll = ledger.untracked.isAnyUnresolved;
    const listeners = [...ledger.listeners].filter((listener) => listener.slot >= 0);
    this.#listenerSlotByInode = new Map(
      listeners.filter((listener) => listener.inode !== 0).map((listener) => [listener.inode, listener.slot]),
    );
    for (const { port, slot } of listeners) this.#listenerSlotByPort[port] = slot;
    this.#ports = new EphemeralPorts(ledger.upstreams, settings);
    const { capacity } = ledger.names;
    this.#ownStates = new Int32Array(capacity * STATE_SLOTS);
    this.#unattributedStates = new Int32Array(capacity * STATE_SLOTS);
    this.#acceptQueues = new Float64Array(capacity).fill(Number.NaN);
    this.#acceptLimits = new Float64Array(capacity).fill(Number.NaN);
    this.#waiting = new Int32Array(capacity);
    this.#receiveQueues = new Float64Array(capacity);
    this.#sendQueues = new Float64Array(capacity);
    this.#stateByTuple = new Uint8Array(ledger.tuples.slots);
  }

  /** Counts a row for the namespace, and says whether it may be ours, or matter to a name of ours. */
  wants(state: State, localPort: number, peerPort: number): boolean {
    this.#rows++;
    add(this.#netnsStates, state, 1);
    const { localPorts, peerPorts, untracked } = this.#ledger;
    if (state === STATE.LISTEN) {
      this.#ports.addListener(localPort);
      return true;
    }
    return (
      localPorts.has(localPort) ||
      peerPorts.has(peerPort) ||
      this.#ports.wants(localPort) ||
      // At whatever port: nobody but who forgot it has such a socket for long.
      state === STATE.CLOSE_WAIT ||
      this.#wantsAll ||
      untracked.isAtPort(localPort)
    );
  }

  add(row: KernelRow): void {
    const { state } = row;
    if (state === STATE.LISTEN) {
      this.#addListener(row);
      return;
    }
    this.#ports.add(row);
    const byPort = this.#listenerSlotByPort[row.tuple[TUPLE.localPort] as number] as number;
    const atOwnPort = byPort < 0 ? undefined : byPort;
    const live = this.#liveTuple(row, atOwnPort !== undefined);
    const slot = live >= 0 ? this.#ledger.recordAtTuple(live)?.slot : this.#closedSlot(row, atOwnPort !== undefined);
    if (slot !== undefined) this.#addOwn(row, slot, live);
    else if (row.inode === 0 || !this.#takeUntracked(row, atOwnPort)) this.#addByPlace(row, atOwnPort);
  }

  /** The column, once the table is known to be complete. */
  finish(endedAtMs: number): KernelColumn {
    if (this.#wantsAll) this.#ledger.untracked.resolve(this.#searches);
    const untrackedDescriptors = (): number => this.#untrackedDescriptors;
    return {
      netnsStates: this.#netnsStates,
      ownStates: this.#ownStates,
      unattributedStates: this.#unattributedStates,
      stateByTuple: this.#stateByTuple,
      tupleSerial: this.#tupleSerial,
      acceptQueues: this.#acceptQueues,
      acceptLimits: this.#acceptLimits,
      waiting: this.#waiting,
      receiveQueues: this.#receiveQueues,
      sendQueues: this.#sendQueues,
      portsUsed: this.#ports.usedByName(this.#ledger.names.capacity),
      portsLimit: this.#ports.limit,
      otherListeners: this.#otherListeners,
      untrackedStates: this.#untrackedStates,
      get untrackedDescriptors() {
        return untrackedDescriptors();
      },
      suspects: this.#suspects,
      omitted: this.#suspects.omitted + this.#ports.omitted + this.#orphansOmitted + this.#unclaimed.omitted,
      rows: this.#rows,
      startedAt: this.#startedAt,
      endedAt: endedAtMs,
    };
  }

  /** How many rows may be ours by inodes that nobody has looked for yet. */
  get unclaimed(): number {
    return this.#unclaimed.length;
  }

  /**
   * Counts the unclaimed rows as what they are, once our descriptors have been looked through; before or after
   * {@link finish}, whose column then has them too.
   */
  claim(): void {
    const unclaimed = this.#unclaimed;
    this.#unclaimed = new Suspects();
    const row = blankRow();
    for (let index = 0; index < unclaimed.length; index++) {
      unclaimed.read(index, row);
      if (this.#addUntracked(row)) continue;
      this.#ledger.untracked.dismiss(row.inode);
      this.#noteOther(row.inode);
      const { slot } = unclaimed.factsAt(index);
      if (slot >= 0) this.#suspects.add(row, slot, -1, false);
    }
  }

  /** Lets what the table has not shown be gone. To be called once it is known to be complete and sound. */
  settle(): void {
    this.#ledger.orphans.settle(this.#table);
    this.#ledger.untracked.settle(this.#others, this.#untrackedPorts);
  }

  #addListener(row: KernelRow): void {
    const slot = row.inode === 0 ? undefined : this.#listenerSlotByInode.get(row.inode);
    if (slot === undefined) {
      // A listener is no connection, and need not be looked for any more.
      this.#ledger.untracked.show(row.inode);
      const { inode, tuple } = row;
      if (inode === 0 || this.#otherListeners.length === OTHER_LISTENERS_LIMIT) return;
      this.#otherListeners.push({ inode, port: tuple[TUPLE.localPort] as number });
      return;
    }
    const cell = slot * STATE_SLOTS + STATE.LISTEN;
    const first = this.#ownStates[cell] === 0;
    add(this.#ownStates, cell, 1);
    // Several listeners of one name (SO_REUSEPORT) have a queue each; NaN, an unknown limit, stays NaN.
    this.#acceptQueues[slot] = row.receiveQueue + (first ? 0 : (this.#acceptQueues[slot] as number));
    this.#acceptLimits[slot] = row.sendQueue + (first ? 0 : (this.#acceptLimits[slot] as number));
  }

  #addOwn(row: KernelRow, slot: number, live: number): void {
    add(this.#ownStates, slot * STATE_SLOTS + row.state, 1);
    if (!isSuspect(row)) return;
    add(this.#receiveQueues, slot, row.receiveQueue);
    add(this.#sendQueues, slot, row.sendQueue);
    this.#suspects.add(row, slot, live, true, live < 0 ? this.#ledger.orphans.keyOf(row.tuple) : this.#keyOf(live));
  }

  /** Whether a row with an inode and without a record is ours, or may be: then it is kept until that is known. */
  #takeUntracked(row: KernelRow, atOwnPort: number | undefined): boolean {
    if (this.#addUntracked(row)) return true;
    if (row.state !== STATE.CLOSE_WAIT) return false;
    const { untracked, upstreams } = this.#ledger;
    if (untracked.isOther(row.inode)) {
      this.#noteOther(row.inode);
      return false;
    }
    const { length } = this.#unclaimed;
    this.#unclaimed.add(row, atOwnPort ?? upstreams.slotOf(row.tuple), -1, false);
    return this.#unclaimed.length > length;
  }

  #noteOther(inode: number): void {
    if (this.#others.size < OTHERS_LIMIT) this.#others.add(inode);
  }

  #addUntracked(row: KernelRow): boolean {
    const { untracked } = this.#ledger;
    const localPort = row.tuple[TUPLE.localPort] as number;
    const key = untracked.show(row.inode);
    if (key === 0 || untracked.isOwnPort(localPort)) return false;
    add(this.#untrackedStates, row.state, 1);
    if (untracked.isObjectless(row.inode)) this.#untrackedDescriptors++;
    this.#untrackedPorts.add(localPort);
    if (isSuspect(row)) this.#suspects.add(row, -1, -1, true, key);
    return true;
  }

  /** A row that is not ours by proof: what its port or its peer says. */
  #addByPlace(row: KernelRow, atOwnPort: number | undefined): void {
    const { state } = row;
    const isUnattributed = row.inode === 0 && OWNERLESS[state] === 1;
    if (atOwnPort !== undefined && isWaiting(row)) add(this.#waiting, atOwnPort, 1);
    const isKept = isSuspect(row);
    if (!isUnattributed && !isKept) return;
    const byPlace = atOwnPort ?? this.#ledger.upstreams.slotOf(row.tuple);
    if (byPlace < 0) return;
    if (isUnattributed) add(this.#unattributedStates, byPlace * STATE_SLOTS + state, 1);
    if (isKept) this.#suspects.add(row, byPlace, -1, false);
  }

  /** The slot of the live tuple that a row proves to be of; -1 if there is none. */
  #liveTuple(row: KernelRow, atOwnPort: boolean): number {
    const { tuples, closedTuples } = this.#ledger;
    const { cookie: found } = row;
    if (found !== 0) {
      const known = this.#ledger.tupleOfCookie(found);
      if (known >= 0) return this.#noteState(known, row.state);
      if (row.inode === 0 && closedTuples.slotOfCookie(found) >= 0) return -1;
    }
    let index = tuples.find(row.tuple);
    if (index < 0 && atOwnPort && tuples.hasAnyLocal) index = tuples.find(withAnyLocal(row.tuple, this.#anyLocal));
    if (index < 0 || this.#ledger.recordAtTuple(index) === undefined) return -1;
    // Put in since the reader was started: the row may be that of the socket that had the tuple before. It proves
    // nothing about the record then, and one without an owner is no live socket.
    if (this.#ledger.serialAtTuple(index) > this.#tupleSerial) return row.inode === 0 ? -1 : index;
    const cookie = this.#ledger.cookieAtTuple(index);
    // The same tuple with another cookie is a later socket of somebody else: ours is gone.
    if (cookie !== 0 && found !== 0 && cookie !== found) return -1;
    if (cookie === 0 && found !== 0) this.#ledger.learnCookie(index, found);
    return this.#noteState(index, row.state);
  }

  #noteState(live: number, state: State): number {
    if (live < this.#stateByTuple.length) this.#stateByTuple[live] = state;
    return live;
  }

  #closedSlot(row: KernelRow, atOwnPort: boolean): number | undefined {
    if (row.inode !== 0) return this.#slotClosedSince(row, atOwnPort);
    if (OWNERLESS[row.state] !== 1) return undefined;
    // At the earliest: the row was read some time after the reader was started, and the text of ss has whole seconds.
    const startedAt =
      row.state === STATE.TIME_WAIT && row.timer === 'timewait'
        ? this.#startedAt - TIME_WAIT_MS + row.timerMs - TICK_MS
        : Number.NaN;
    const { closedTuples, orphans } = this.#ledger;
    const orphan = orphans.find(row, this.#table, startedAt, this.#startedAt);
    if (orphan >= 0) return orphans.nameSlotAt(orphan);
    const index = this.#closedIndex(row, atOwnPort);
    if (index < 0 || !closedTuples.owns(index, row.cookie, startedAt, row.state)) return undefined;
    const slot = closedTuples.nameSlotAt(index);
    const isOrphan = row.state !== STATE.TIME_WAIT;
    if (isOrphan && !orphans.remember(row, slot, this.#table, this.#startedAt)) this.#orphansOmitted++;
    return slot;
  }

  /** The slot of a socket that was closed while the table was read: an event loop that was blocked has caught up. */
  #slotClosedSince(row: KernelRow, atOwnPort: boolean): number | undefined {
    const { closedTuples } = this.#ledger;
    const index = this.#closedIndex(row, atOwnPort);
    if (index < 0 || !closedTuples.wasOpenAt(index, row.cookie, this.#startedAt)) return undefined;
    return closedTuples.nameSlotAt(index);
  }

  /** Where a tuple is among those that were closed; that of an accepted socket may be known by the port alone. */
  #closedIndex({ tuple, cookie }: KernelRow, atOwnPort: boolean): number {
    const { closedTuples } = this.#ledger;
    const known = cookie === 0 ? -1 : closedTuples.slotOfCookie(cookie);
    if (known >= 0) return known;
    const index = closedTuples.find(tuple);
    if (index >= 0 || !atOwnPort || !closedTuples.hasAnyLocal) return index;
    return closedTuples.find(withAnyLocal(tuple, this.#anyLocal));
  }

  /** What a live record's row is known by: nothing, where it may still be the row of who had the tuple before. */
  #keyOf(live: number): number {
    const serial = this.#ledger.serialAtTuple(live);
    return serial > this.#tupleSerial ? 0 : serial;
  }
}

const PORTS = 0x1_0000;

/** By state: 1 where the kernel may have rows that nobody holds. */
const OWNERLESS: Uint8Array = (() => {
  const table = new Uint8Array(STATE_SLOTS);
  for (const state of OWNERLESS_STATES) table[state] = 1;
  return table;
})();

/**
 * Whether a row is in an accept queue: established, and no descriptor holds it yet. In CLOSE_WAIT too, because what was
 * accepted and closed goes on to LAST_ACK.
 */
function isWaiting({ state, inode }: KernelRow): boolean {
  return inode === 0 && (state === STATE.ESTABLISHED || state === STATE.CLOSE_WAIT);
}

function add(table: Int32Array | Float64Array, at: number, by: number): void {
  table[at] = (table[at] as number) + by;
}
