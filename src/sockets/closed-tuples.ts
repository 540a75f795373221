import { STATE, type State } from '../tcp/state.ts';
import { CookieIndex } from './cookie-index.ts';
import { TupleIndex } from './tuple-index.ts';
import { widened } from './widened.ts';

/** How many closed tuples are remembered at most, and for how long. TIME_WAIT lasts 60 s on Linux (TCP_TIMEWAIT_LEN). */
export const CLOSED_TUPLES_LIMIT = 65_536;
export const CLOSED_TUPLES_MS = 65_000;

/** So many more may be held until the tuples that were closed twice are found: they count once. */
const UNSETTLED = 4_096;

const ANY_STATE = -1;
/** A place of the ring whose entry has gone, or stands further back now. */
const HOLE = -1;
const FIN_WAIT_BITS = (1 << STATE.FIN_WAIT_1) | (1 << STATE.FIN_WAIT_2);

/** How far a TIME_WAIT may seem to begin from the close that led to it: `ss` rounds its timer to a second. */
const TIMER_SLACK_MS = 2_000;

/**
 * The tuples this process closed within the last minute, by which the kernel's ownerless rows (TIME_WAIT, orphans) are
 * proved to be ours. An orphan may outlive that minute, see `Orphans`. Times are milliseconds on the caller's clock.
 *
 * A tuple alone is no proof for ever: another process may have reused it since. The socket's cookie decides where it
 * is known; else the row's timer must have started when we closed.
 */
export class ClosedTuples {
  // The same tuple again: the old row is gone from the kernel.
  #index = new TupleIndex((slot) => {
    this.#order[this.#position[slot] as number] = HOLE;
    this.#unlearn(slot);
  });
  #order: Int32Array = new Int32Array(64);
  #head = 0;
  /** Places of the ring that are taken, holes included. */
  #length = 0;
  #evicted = 0;
  /** Parallel to the slots of the index. */
  #nameSlot: Int16Array = new Int16Array(64);
  #closedAt: Float64Array = new Float64Array(64);
  #openedAt: Float64Array = new Float64Array(64);
  #cookie: Float64Array = new Float64Array(64);
  readonly #byCookie: CookieIndex = new CookieIndex();
  /** The states the kernel may have left the socket in, as bits. */
  #states: Int32Array = new Int32Array(64);
  /** Where in the ring an entry stands: one whose tuple is closed again leaves a hole behind. */
  #position: Int32Array = new Int32Array(64);

  /** How many are remembered. */
  get size(): number {
    this.#settle();
    return this.#index.size;
  }

  /** How many were forgotten before their minute was over. */
  get evicted(): number {
    this.#settle();
    return this.#evicted;
  }

  /**
   * Remembers a tuple.
   *
   * @param cookie the socket's cookie if a sample saw it alive, else 0
   * @param states the states the kernel may have left it in, as a set of bits (`1 << state`)
   * @param openedAt from when on nobody else can have had the tuple
   */
  add(
    tuple: Uint32Array,
    nameSlot: number,
    closedAt: number,
    cookie: number,
    states: number = ANY_STATE,
    openedAt: number = closedAt,
  ): void {
    this.expire(closedAt);
    if (this.#index.size === CLOSED_TUPLES_LIMIT + UNSETTLED) this.#settle();
    const slot = this.#index.insert(tuple);
    this.#reserve(slot);
    this.#nameSlot[slot] = nameSlot;
    this.#closedAt[slot] = closedAt;
    this.#openedAt[slot] = openedAt;
    this.#learn(slot, cookie);
    this.#states[slot] = states;
    this.#append(slot);
  }

  /** Forgets what was closed too long ago. */
  expire(now: number): void {
    while (this.#length > 0) {
      const oldest = this.#order[this.#head] as number;
      if (oldest >= 0 && now - (this.#closedAt[oldest] as number) <= CLOSED_TUPLES_MS) return;
      this.#dropOldest();
    }
  }

  /** The slot of an entry for this tuple, or -1. */
  find(tuple: Uint32Array): number {
    this.#settle();
    return this.#index.find(tuple);
  }

  /** The slot of the entry whose socket has this cookie, or -1. */
  slotOfCookie(cookie: number): number {
    const slot = this.#byCookie.find(cookie);
    return slot >= 0 && this.#cookie[slot] === cookie ? slot : -1;
  }

  /** Whether there is an entry whose local address nobody asked for. */
  get hasAnyLocal(): boolean {
    return this.#index.hasAnyLocal;
  }

  nameSlotAt(slot: number): number {
    return this.#nameSlot[slot] as number;
  }

  /** Copies the tuple of an entry out. */
  read(slot: number, into: Uint32Array): void {
    this.#index.read(slot, into);
  }

  /**
   * Whether an ownerless row with this tuple is the socket that was closed here.
   *
   * @param cookie the row's cookie, 0 if unknown
   * @param startedAt when the row's TIME_WAIT began at the earliest; NaN for other states
   * @param state the row's state: where the peer closed first, a TIME_WAIT is somebody's who has the tuple now
   */
  owns(slot: number, cookie: number, startedAt: number, state?: State): boolean {
    if (!this.#isSame(slot, cookie, startedAt, state)) return false;
    if (cookie !== 0 && this.#cookie[slot] !== cookie) this.#learn(slot, cookie);
    return true;
  }

  /**
   * Whether a row that some descriptor holds is the socket that was closed here: it was open when the table was begun,
   * and closed before the row was looked up.
   */
  wasOpenAt(slot: number, cookie: number, atMs: number): boolean {
    const known = this.#cookie[slot] as number;
    if (known !== 0 && cookie !== 0 && known !== cookie) return false;
    return (this.#closedAt[slot] as number) > atMs && (this.#openedAt[slot] as number) < atMs;
  }

  #isSame(slot: number, cookie: number, startedAt: number, state: State | undefined): boolean {
    const known = this.#cookie[slot] as number;
    if (known !== 0 && cookie !== 0) return known === cookie;
    if (state !== undefined && ((this.#states[slot] as number) & (1 << state)) === 0) return false;
    if (!Number.isNaN(startedAt)) {
      const closedAt = this.#closedAt[slot] as number;
      // TIME_WAIT begins at the second FIN. Where both were seen it had begun at the close, and a later start is
      // somebody else's socket: the kernel gives a tuple out again after a second (tcp_tw_reuse on loopback).
      const bothFinsSeen = ((this.#states[slot] as number) & FIN_WAIT_BITS) === 0;
      if (startedAt > closedAt + (bothFinsSeen ? 0 : TIMER_SLACK_MS)) return false;
      // An event loop that is blocked learns of the close long after the kernel was done; what began while the
      // connection was ours is ours.
      if (startedAt < (this.#openedAt[slot] as number) - TIMER_SLACK_MS) return false;
    }
    return true;
  }

  /** Puts in order what connections have left since the last look-up, see {@link TupleIndex.settle}. */
  settle(most: number): boolean {
    return this.#index.settle(most);
  }

  /** Nobody looks while connections come and go: what they leave is put in order when somebody does. */
  #settle(): void {
    this.#index.settle();
    while (this.#index.size > CLOSED_TUPLES_LIMIT) {
      if ((this.#order[this.#head] as number) !== HOLE) this.#evicted++;
      this.#dropOldest();
    }
  }

  #append(slot: number): void {
    if (this.#length === this.#order.length) this.#closeHoles();
    const position = (this.#head + this.#length) % this.#order.length;
    this.#order[position] = slot;
    this.#position[slot] = position;
    this.#length++;
  }

  /** Makes room in the ring: without the holes, and twice as long unless they were half of it. */
  #closeHoles(): void {
    const { length } = this.#order;
    const order = new Int32Array(this.#index.size * 2 > length ? length * 2 : length);
    let taken = 0;
    for (let step = 0; step < this.#length; step++) {
      const slot = this.#order[(this.#head + step) % length] as number;
      if (slot === HOLE) continue;
      order[taken] = slot;
      this.#position[slot] = taken++;
    }
    this.#order = order;
    this.#head = 0;
    this.#length = taken;
  }

  #learn(slot: number, cookie: number): void {
    this.#cookie[slot] = cookie;
    if (cookie !== 0) this.#byCookie.set(cookie, slot);
  }

  #unlearn(slot: number): void {
    const cookie = this.#cookie[slot] as number;
    if (cookie !== 0) this.#byCookie.delete(cookie, slot);
    this.#cookie[slot] = 0;
  }

  #dropOldest(): void {
    const oldest = this.#order[this.#head] as number;
    if (oldest >= 0) {
      this.#unlearn(oldest);
      this.#index.remove(oldest);
    }
    this.#head = (this.#head + 1) % this.#order.length;
    this.#length--;
  }

  #reserve(slot: number): void {
    if (slot < this.#closedAt.length) return;
    const length = this.#closedAt.length * 2;
    this.#nameSlot = widened(this.#nameSlot, new Int16Array(length));
    this.#closedAt = widened(this.#closedAt, new Float64Array(length));
    this.#openedAt = widened(this.#openedAt, new Float64Array(length));
    this.#cookie = widened(this.#cookie, new Float64Array(length));
    this.#states = widened(this.#states, new Int32Array(length));
    this.#position = widened(this.#position, new Int32Array(length));
  }
}
