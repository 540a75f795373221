import type { KernelRow, RowTimer } from '../../sockets/row.ts';
import { TUPLE_WORDS } from '../../sockets/tuple.ts';
import { STATE, STATE_SLOTS, type State } from '../../tcp/state.ts';

/** The size of one encoded row. */
export const ROW_BYTES = 72;

/** One piece of memory as the two kinds of numbers that rows are made of. */
export interface RowMemory {
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
}

/** Views on memory that begins and ends at a multiple of 8 bytes. */
export function rowMemory(memory: ArrayBuffer): RowMemory {
  return { words: new Uint32Array(memory), doubles: new Float64Array(memory) };
}

/**
 * Writes a row at a place of the memory, counted in bytes and a multiple of 8: 72 bytes in the machine's own byte
 * order, because it never leaves the machine. Nothing is lost as long as the queues and the inode are 32-bit numbers, or
 * on a listener the send queue is NaN; a limit of an accept queue has 31 bits, retransmissions have 8.
 *
 * @example encodeRow(row, rowMemory(new ArrayBuffer(ROW_BYTES)), 0)
 */
export function encodeRow(row: KernelRow, memory: RowMemory, at: number): void {
  const { words, doubles } = memory;
  const word = at / 4;
  const { tuple } = row;
  // Ten assignments are cheaper than a call of set().
  for (let index = 0; index < TUPLE_WORDS; index++) words[word + index] = tuple[index] as number;
  words[word + WORD.receiveQueue] = row.receiveQueue;
  words[word + WORD.sendQueue] = Number.isNaN(row.sendQueue) ? NO_LIMIT : row.sendQueue;
  words[word + WORD.inode] = row.inode;
  words[word + WORD.stateAndTimer] = row.state | (TIMER_CODES[row.timer] << 8) | (Math.min(row.retransmits, 255) << 16);
  const double = at / 8;
  // A cookie has up to 53 bits, a time may be NaN.
  doubles[double + DOUBLE.cookie] = row.cookie;
  doubles[double + DOUBLE.timerMs] = row.timerMs;
}

/**
 * Reads what {@link encodeRow} wrote into a row. Returns false, and leaves the row undefined, when the bytes are no
 * row: no state, no timer or no cookie that there is.
 */
export function decodeRow(memory: RowMemory, at: number, row: KernelRow): boolean {
  const { words, doubles } = memory;
  const word = at / 4;
  const stateAndTimer = words[word + WORD.stateAndTimer] as number;
  const state = stateAndTimer & 0xff;
  const timer = TIMERS[(stateAndTimer >>> 8) & 0xff];
  const cookie = doubles[at / 8 + DOUBLE.cookie] as number;
  if (state === 0 || state >= STATE_SLOTS || timer === undefined || stateAndTimer > 0xffffff) return false;
  if (cookie < 0 || !Number.isSafeInteger(cookie)) return false;
  const { tuple } = row;
  for (let index = 0; index < TUPLE_WORDS; index++) tuple[index] = words[word + index] as number;
  row.state = state as State;
  row.receiveQueue = words[word + WORD.receiveQueue] as number;
  const sendQueue = words[word + WORD.sendQueue] as number;
  row.sendQueue = sendQueue === NO_LIMIT && state === STATE.LISTEN ? Number.NaN : sendQueue;
  row.inode = words[word + WORD.inode] as number;
  row.cookie = cookie;
  row.timer = timer;
  row.retransmits = stateAndTimer >>> 16;
  row.timerMs = doubles[at / 8 + DOUBLE.timerMs] as number;
  return true;
}

/** Where the fields stand behind the tuple's ten words, in words and, for the last four words, in doubles. */
const WORD = { receiveQueue: 10, sendQueue: 11, inode: 12, stateAndTimer: 13 } as const;
const DOUBLE = { cookie: 7, timerMs: 8 } as const;

/** What procfs, which has no limit of an accept queue, gives in its place. The kernel caps limits at net.core.somaxconn, an int. */
const NO_LIMIT = 0xffffffff;

const TIMER_CODES: Readonly<Record<RowTimer, number>> = {
  none: 0,
  on: 1,
  keepalive: 2,
  timewait: 3,
  persist: 4,
  unknown: 5,
};
const TIMERS = Object.keys(TIMER_CODES) as readonly RowTimer[];
