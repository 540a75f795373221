import { STATE, type State } from '../tcp/state.ts';
import type { KernelRow } from './row.ts';
import { TupleIndex } from './tuple-index.ts';
import { widened } from './widened.ts';

/** How many orphans are remembered at most. */
export const ORPHANS_LIMIT = 10_000;

/** How far the start of a TIME_WAIT may be off: `ss` rounds its timer to a second. */
const TIMER_SLACK_MS = 2_000;

/**
 * The sockets that this process has closed and the kernel still works on, as long as tables show them: one whose FIN is
 * never acknowledged stays for many minutes, and nobody else can have its tuple meanwhile. They were proved ours once, by
 * what was closed within the last minute (see `ClosedTuples`), and a TIME_WAIT only as what an orphan became: alone
 * it is over within the minute.
 *
 * A table says what it shows by {@link find}; only one that is complete says what is gone, by {@link settle}. Tables may
 * overlap. Times are milliseconds on the caller's clock.
 */
export class Orphans {
  readonly #giveKey: () => number;
  readonly #index: TupleIndex = new TupleIndex();
  #tables = 0;
  /** Parallel to the slots of the index; a key of 0 is a slot that nobody has. */
  #key: Float64Array = new Float64Array(64);
  #cookie: Float64Array = new Float64Array(64);
  #shownAt: Float64Array = new Float64Array(64);
  /** The newest table that has shown it. */
  #table: Float64Array = new Float64Array(64);
  #nameSlot: Int16Array = new Int16Array(64);
  #state: Int16Array = new Int16Array(64);

  /** @param giveKey gives out a number that nothing else of these tables is known by, and is not 0 */
  constructor(giveKey: () => number) {
    this.#giveKey = giveKey;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#index.size;
  }

  /** A table begins. Returns its number, to be given with each of its rows. */
  begin(): number {
    return ++this.#tables;
  }

  /**
   * The slot of the orphan that an ownerless row is of, or -1. It has been shown by this table now.
   *
   * By its cookie where both have one. Else by how the row's state follows the last one: there is no way back from
   * TIME_WAIT, and none from LAST_ACK to anywhere.
   *
   * @param startedAt when the row's TIME_WAIT began; NaN for other states
   * @param now when the table was begun
   */
  find({ tuple, cookie, state }: KernelRow, table: number, startedAt: number, now: number): number {
    if (this.#index.size === 0) return -1;
    const slot = this.#index.find(tuple);
    if (slot < 0) return -1;
    const known = this.#cookie[slot] as number;
    if (known !== 0 && cookie !== 0) {
      if (known !== cookie) return -1;
    } else {
      const last = this.#state[slot] as State;
      if (((FOLLOWING[last] as number) & (1 << state)) === 0) return -1;
      // The next one with this tuple is in TIME_WAIT as well, but later.
      if (last === STATE.TIME_WAIT && startedAt > (this.#shownAt[slot] as number) + TIMER_SLACK_MS) return -1;
    }
    this.#show(slot, cookie, state, table, now);
    return slot;
  }

  /**
   * Remembers the orphan that a row has just been proved to be; whoever had the tuple before is gone. Returns false
   * where there are {@link ORPHANS_LIMIT} of them already.
   */
  remember({ tuple, cookie, state }: KernelRow, nameSlot: number, table: number, now: number): boolean {
    this.forget(tuple);
    if (this.#index.size === ORPHANS_LIMIT) return false;
    const slot = this.#index.insert(tuple);
    this.#reserve(slot);
    this.#key[slot] = this.#giveKey();
    this.#cookie[slot] = 0;
    this.#table[slot] = 0;
    this.#nameSlot[slot] = nameSlot;
    this.#show(slot, cookie, state, table, now);
    return true;
  }

  nameSlotAt(slot: number): number {
    return this.#nameSlot[slot] as number;
  }

  /** The number that the orphan with this tuple is known by in every table; 0 where none is remembered. */
  keyOf(tuple: Uint32Array): number {
    const slot = this.#index.size === 0 ? -1 : this.#index.find(tuple);
    return slot < 0 ? 0 : (this.#key[slot] as number);
  }

  /** Forgets what neither this table nor a later one has shown: it was complete. */
  settle(table: number): void {
    this.#removeWhere((slot) => (this.#table[slot] as number) < table);
  }

  /** The kernel has given the tuple to another connection. */
  forget(tuple: Uint32Array): void {
    if (this.#index.size === 0) return;
    const slot = this.#index.find(tuple);
    if (slot >= 0) this.#remove(slot);
  }

  /** Another name may have this slot next: what was closed under the old one is nobody's. */
  forgetName(nameSlot: number): void {
    this.#removeWhere((slot) => this.#nameSlot[slot] === nameSlot);
  }

  #show(slot: number, cookie: number, state: State, table: number, now: number): void {
    if (cookie !== 0) this.#cookie[slot] = cookie;
    this.#state[slot] = state;
    this.#shownAt[slot] = now;
    this.#table[slot] = Math.max(this.#table[slot] as number, table);
  }

  #removeWhere(isGone: (slot: number) => boolean): void {
    if (this.#index.size === 0) return;
    for (let slot = 0; slot < this.#index.slots; slot++) if (this.#key[slot] !== 0 && isGone(slot)) this.#remove(slot);
  }

  #remove(slot: number): void {
    this.#index.remove(slot);
    this.#key[slot] = 0;
  }

  #reserve(slot: number): void {
    if (slot < this.#key.length) return;
    const length = this.#key.length * 2;
    this.#key = widened(this.#key, new Float64Array(length));
    this.#cookie = widened(this.#cookie, new Float64Array(length));
    this.#shownAt = widened(this.#shownAt, new Float64Array(length));
    this.#table = widened(this.#table, new Float64Array(length));
    this.#nameSlot = widened(this.#nameSlot, new Int16Array(length));
    this.#state = widened(this.#state, new Int16Array(length));
  }
}

/** By an orphan's state: the states that it may be found in next, as bits (RFC 9293, 3.3.2). */
const FOLLOWING: Int32Array = (() => {
  const bits = (...states: readonly State[]): number => states.reduce<number>((set, state) => set | (1 << state), 0);
  const table = new Int32Array(16);
  const { FIN_WAIT_1, FIN_WAIT_2, CLOSING, TIME_WAIT, LAST_ACK } = STATE;
  table[FIN_WAIT_1] = bits(FIN_WAIT_1, FIN_WAIT_2, CLOSING, TIME_WAIT);
  table[FIN_WAIT_2] = bits(FIN_WAIT_2, TIME_WAIT);
  table[CLOSING] = bits(CLOSING, TIME_WAIT);
  table[TIME_WAIT] = bits(TIME_WAIT);
  table[LAST_ACK] = bits(LAST_ACK);
  return table;
})();
