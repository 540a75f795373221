import { OWNERLESS_STATES, STATE, STATE_SLOTS, type State } from '../tcp/state.ts';
import type { Ledger } from './ledger.ts';
import type { KernelRow, RowSink } from './row.ts';
import { TUPLE, TUPLE_WORDS } from './tuple.ts';

/** TIME_WAIT lasts this long on Linux whatever tcp_fin_timeout says (TCP_TIMEWAIT_LEN in include/net/tcp.h). */
const TIME_WAIT_MS = 60_000;

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
  readonly rows: number;
  /** When the reader was started and when the table was complete, in milliseconds on the ledger's clock. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * Joins the rows of one table with the books, row by row and without keeping any.
 *
 * A row is ours by proof only: a live record has its tuple (and its cookie, once that is known), a listener has its
 * inode, or it is ownerless and this process closed that very socket. A port or a destination alone proves nothing:
 * workers, sidecars and other containers share them.
 */
export class Join implements RowSink {
  readonly #ledger: Ledger;
  readonly #startedAt: number;
  readonly #listenerSlotByInode: ReadonlyMap<number, number>;
  readonly #listenerSlotByPort: ReadonlyMap<number, number>;
  readonly #netnsStates: Int32Array = new Int32Array(STATE_SLOTS);
  readonly #ownStates: Int32Array;
  readonly #unattributedStates: Int32Array;
  readonly #stateByTuple: Uint8Array;
  readonly #anyLocal: Uint32Array = new Uint32Array(TUPLE_WORDS);
  readonly #tupleSerial: number;
  #rows = 0;

  /** @param startedAtMs when the reader was started, on the ledger's clock in milliseconds */
  constructor(ledger: Ledger, startedAtMs: number) {
    this.#ledger = ledger;
    this.#startedAt = startedAtMs;
    this.#tupleSerial = ledger.tupleSerial;
    // Where nothing is closed for a while, nothing else would make the ring forget.
    ledger.closedTuples.expire(startedAtMs);
    const listeners = [...ledger.listeners].filter((listener) => listener.slot >= 0);
    this.#listenerSlotByInode = new Map(
      listeners.filter((listener) => listener.inode !== 0).map((listener) => [listener.inode, listener.slot]),
    );
    this.#listenerSlotByPort = new Map(listeners.map((listener) => [listener.port, listener.slot]));
    this.#ownStates = new Int32Array(ledger.names.capacity * STATE_SLOTS);
    this.#unattributedStates = new Int32Array(ledger.names.capacity * STATE_SLOTS);
    this.#stateByTuple = new Uint8Array(ledger.tuples.slots);
  }

  wants(): boolean {
    return true;
  }

  /** Takes one row of the table. */
  add(row: KernelRow): void {
    const { state } = row;
    this.#rows++;
    add(this.#netnsStates, state);
    if (state === STATE.LISTEN) {
      const slot = row.inode === 0 ? undefined : this.#listenerSlotByInode.get(row.inode);
      if (slot !== undefined) add(this.#ownStates, slot * STATE_SLOTS + state);
      return;
    }
    const atOwnPort = this.#listenerSlotByPort.get(row.tuple[TUPLE.localPort] as number);
    const slot = this.#liveSlot(row, atOwnPort !== undefined) ?? this.#closedSlot(row, atOwnPort !== undefined);
    if (slot !== undefined) {
      add(this.#ownStates, slot * STATE_SLOTS + state);
      return;
    }
    if (row.inode !== 0 || !OWNERLESS.has(state)) return;
    const byPlace = atOwnPort ?? this.#ledger.upstreamSlotOf(row.tuple);
    if (byPlace >= 0) add(this.#unattributedStates, byPlace * STATE_SLOTS + state);
  }

  /** The column, once the table is known to be complete. */
  finish(endedAtMs: number): KernelColumn {
    return {
      netnsStates: this.#netnsStates,
      ownStates: this.#ownStates,
      unattributedStates: this.#unattributedStates,
      stateByTuple: this.#stateByTuple,
      tupleSerial: this.#tupleSerial,
      rows: this.#rows,
      startedAt: this.#startedAt,
      endedAt: endedAtMs,
    };
  }

  #liveSlot(row: KernelRow, atOwnPort: boolean): number | undefined {
    const { tuples } = this.#ledger;
    let index = tuples.find(row.tuple);
    if (index < 0 && atOwnPort) index = tuples.find(this.#withAnyLocal(row.tuple));
    if (index < 0) return undefined;
    const record = this.#ledger.recordAtTuple(index);
    if (record === undefined) return undefined;
    // Put in since the reader was started: the row may be that of the socket that had the tuple before. It proves
    // nothing about the record then, and one without an owner is no live socket.
    if (this.#ledger.serialAtTuple(index) > this.#tupleSerial) return row.inode === 0 ? undefined : record.slot;
    const cookie = this.#ledger.cookieAtTuple(index);
    // The same tuple with another cookie is a later socket of somebody else: ours is gone.
    if (cookie !== 0 && row.cookie !== 0 && cookie !== row.cookie) return undefined;
    if (cookie === 0 && row.cookie !== 0) this.#ledger.learnCookie(index, row.cookie);
    if (index < this.#stateByTuple.length) this.#stateByTuple[index] = row.state;
    return record.slot;
  }

  #closedSlot(row: KernelRow, atOwnPort: boolean): number | undefined {
    if (row.inode !== 0 || !OWNERLESS.has(row.state)) return undefined;
    const { closedTuples } = this.#ledger;
    let index = closedTuples.find(row.tuple);
    if (index < 0 && atOwnPort) index = closedTuples.find(this.#withAnyLocal(row.tuple));
    if (index < 0) return undefined;
    // ss cuts the timer to a second, and the row was read some time after the reader was started.
    const startedAt =
      row.state === STATE.TIME_WAIT && row.timer === 'timewait'
        ? this.#startedAt - TIME_WAIT_MS + row.timerMs
        : Number.NaN;
    return closedTuples.owns(index, row.cookie, startedAt, row.state, this.#startedAt)
      ? closedTuples.nameSlotAt(index)
      : undefined;
  }

  #withAnyLocal(tuple: Uint32Array): Uint32Array {
    const any = this.#anyLocal;
    for (let index = TUPLE.peerAddress; index < TUPLE_WORDS; index++) any[index] = tuple[index] as number;
    return any;
  }
}

const OWNERLESS: ReadonlySet<State> = new Set(OWNERLESS_STATES);

function add(table: Int32Array, at: number): void {
  table[at] = (table[at] as number) + 1;
}
