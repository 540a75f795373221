import { STATE, type State } from '../tcp/state.ts';
import type { KernelRow, RowTimer } from './row.ts';
import { TUPLE_WORDS } from './tuple.ts';
import { widened } from './widened.ts';

/** How many rows are kept of one table. */
export const SUSPECTS_LIMIT = 20_000;
/** How many of them may be ESTABLISHED with something queued, which is no incident: it must not push out what is. */
export const QUEUED_SUSPECTS_LIMIT: number = SUSPECTS_LIMIT / 2;

/** What a table says of one kept row, beside the row itself. */
export interface SuspectFacts {
  /** The name slot that the row is counted under. */
  readonly slot: number;
  /** The slot of the live record's tuple; -1 where no live record has the row. */
  readonly tupleSlot: number;
  /** Whether the row is ours by proof; else it only has our port or upstream. */
  readonly own: boolean;
}

/** The rows of one table that are worth a look, packed: no object for each. Read only, once the table is complete. */
export interface SuspectRows {
  readonly length: number;
  /** How many more there were than are kept. */
  readonly omitted: number;
  /** Copies a row out. */
  read(index: number, into: KernelRow): void;
  factsAt(index: number): SuspectFacts;
  stateAt(index: number): State;
  /** Where the row of a live record is, by the slot of its tuple; -1 if it is none of these. */
  find(tupleSlot: number): number;
}

/** Whether a row is worth keeping: in a state that should not last, or with bytes queued. */
export function isSuspect({ state, receiveQueue, sendQueue }: KernelRow): boolean {
  return SUSPICIOUS[state] === 1 || receiveQueue > 0 || sendQueue > 0;
}

/** Keeps {@link SUSPECTS_LIMIT} rows at most. */
export class Suspects implements SuspectRows {
  #length = 0;
  #queued = 0;
  #omitted = 0;
  #words: Uint32Array = new Uint32Array(INITIAL * TUPLE_WORDS);
  /** For each row: receive queue, send queue, inode, cookie, milliseconds of the timer. */
  #numbers: Float64Array = new Float64Array(INITIAL * NUMBERS);
  /** For each row: state, timer, whether it is ours, name slot, slot of the tuple, retransmissions. */
  #marks: Int32Array = new Int32Array(INITIAL * MARKS);
  #byTupleSlot: Map<number, number> | undefined;

  get length(): number {
    return this.#length;
  }

  get omitted(): number {
    return this.#omitted;
  }

  add(row: KernelRow, slot: number, tupleSlot: number, own: boolean): void {
    const queued = SUSPICIOUS[row.state] === 0;
    if (this.#length === SUSPECTS_LIMIT || (queued && this.#queued === QUEUED_SUSPECTS_LIMIT)) {
      this.#omitted++;
      return;
    }
    if (queued) this.#queued++;
    const index = this.#length++;
    if (index * MARKS === this.#marks.length) this.#grow();
    this.#words.set(row.tuple, index * TUPLE_WORDS);
    const numbers = index * NUMBERS;
    this.#numbers[numbers] = row.receiveQueue;
    this.#numbers[numbers + 1] = row.sendQueue;
    this.#numbers[numbers + 2] = row.inode;
    this.#numbers[numbers + 3] = row.cookie;
    this.#numbers[numbers + 4] = row.timerMs;
    const marks = index * MARKS;
    this.#marks[marks] = row.state;
    this.#marks[marks + 1] = TIMERS.indexOf(row.timer);
    this.#marks[marks + 2] = own ? 1 : 0;
    this.#marks[marks + 3] = slot;
    this.#marks[marks + 4] = tupleSlot;
    this.#marks[marks + 5] = row.retransmits;
  }

  read(index: number, into: KernelRow): void {
    const from = index * TUPLE_WORDS;
    for (let word = 0; word < TUPLE_WORDS; word++) into.tuple[word] = this.#words[from + word] as number;
    const numbers = index * NUMBERS;
    into.receiveQueue = this.#numbers[numbers] as number;
    into.sendQueue = this.#numbers[numbers + 1] as number;
    into.inode = this.#numbers[numbers + 2] as number;
    into.cookie = this.#numbers[numbers + 3] as number;
    into.timerMs = this.#numbers[numbers + 4] as number;
    into.state = this.stateAt(index);
    into.timer = TIMERS[this.#marks[index * MARKS + 1] as number] ?? 'unknown';
    into.retransmits = this.#marks[index * MARKS + 5] as number;
  }

  factsAt(index: number): SuspectFacts {
    const marks = index * MARKS;
    return {
      slot: this.#marks[marks + 3] as number,
      tupleSlot: this.#marks[marks + 4] as number,
      own: this.#marks[marks + 2] === 1,
    };
  }

  stateAt(index: number): State {
    return this.#marks[index * MARKS] as State;
  }

  find(tupleSlot: number): number {
    if (this.#byTupleSlot === undefined) {
      // Made for the first who asks: most tables are asked by nobody.
      this.#byTupleSlot = new Map();
      for (let index = 0; index < this.#length; index++) {
        const slot = this.#marks[index * MARKS + 4] as number;
        if (slot >= 0) this.#byTupleSlot.set(slot, index);
      }
    }
    return this.#byTupleSlot.get(tupleSlot) ?? -1;
  }

  #grow(): void {
    this.#words = widened(this.#words, new Uint32Array(this.#words.length * 2));
    this.#numbers = widened(this.#numbers, new Float64Array(this.#numbers.length * 2));
    this.#marks = widened(this.#marks, new Int32Array(this.#marks.length * 2));
  }
}

const INITIAL = 64;
const NUMBERS = 5;
const MARKS = 6;

const TIMERS: readonly RowTimer[] = ['none', 'on', 'keepalive', 'timewait', 'persist', 'unknown'];

/** By state: 1 where a row is worth a look whatever is queued. */
const SUSPICIOUS: Uint8Array = (() => {
  const table = new Uint8Array(16);
  for (const state of [
    STATE.CLOSE_WAIT,
    STATE.FIN_WAIT_1,
    STATE.FIN_WAIT_2,
    STATE.LAST_ACK,
    STATE.CLOSING,
    STATE.SYN_SENT,
    STATE.SYN_RECEIVED,
  ]) {
    table[state] = 1;
  }
  return table;
})();
