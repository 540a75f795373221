import type { KernelRow, RowTimer } from '../../sockets/row.ts';
import { TUPLE_WORDS } from '../../sockets/tuple.ts';
import { STATE, type State } from '../../tcp/state.ts';
import { ascii, decimal, hexadecimal, isDigit, isWord, skipBlanks, skipWord, startsWith } from '../words.ts';

/** What the words after the fifth field of a row said, as bits. */
export const DETAIL = { inode: 1, cookie: 2, timer: 4, v6only: 8, mask: 16 } as const;

/** What {@link SsRow.details} is where a word that matters cannot be read. */
export const BROKEN_DETAILS = -1;

/**
 * The row in hand. Inode, cookie and what the timer says are read when one of them is first asked for: they are half of a line of
 * `-e`, and most rows are counted by state and port alone.
 */
export class SsRow implements KernelRow {
  state: State = STATE.CLOSED;
  readonly tuple: Uint32Array = new Uint32Array(TUPLE_WORDS);
  receiveQueue = 0;
  sendQueue = 0;
  /** False where `sk:` is no cookie. */
  hasCookies = true;
  #bytes: Uint8Array = new Uint8Array(0);
  #from = 0;
  #to = 0;
  #seen: number = NOT_READ;
  #inode = 0;
  #cookie = 0;
  #timer: RowTimer = 'none';
  #timerMs: number = Number.NaN;
  #retransmits = 0;

  /** Says where the details stand; the bytes need to be valid as long as they may be asked for. */
  place(bytes: Uint8Array, from: number, to: number): void {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
    this.#seen = NOT_READ;
  }

  /** Which details there are, as bits of {@link DETAIL}, or {@link BROKEN_DETAILS}. */
  get details(): number {
    if (this.#seen === NOT_READ) this.#seen = this.#read(this.#bytes, this.#from, this.#to);
    return this.#seen;
  }

  get inode(): number {
    return this.details === BROKEN_DETAILS ? 0 : this.#inode;
  }

  get cookie(): number {
    return this.details === BROKEN_DETAILS || !this.hasCookies ? 0 : this.#cookie;
  }

  get timer(): RowTimer {
    return this.details === BROKEN_DETAILS ? 'none' : this.#timer;
  }

  get timerMs(): number {
    return this.details === BROKEN_DETAILS ? Number.NaN : this.#timerMs;
  }

  get retransmits(): number {
    return this.details === BROKEN_DETAILS ? 0 : this.#retransmits;
  }

  /** Reads the words after the fifth field, in any order. The first of a kind counts: a cgroup's path is free text. */
  #read(bytes: Uint8Array, from: number, to: number): number {
    this.#inode = 0;
    this.#cookie = 0;
    this.#timer = 'none';
    this.#timerMs = Number.NaN;
    this.#retransmits = 0;
    let seen = 0;
    let start = skipBlanks(bytes, from, to);
    while (start < to) {
      const end = skipWord(bytes, start, to);
      let next = end;
      switch (bytes[start]) {
        case LOWER_T:
          if ((seen & DETAIL.timer) !== 0 || !startsWith(bytes, start, end, TIMER)) break;
          seen |= DETAIL.timer;
          this.#readTimer(bytes, start + TIMER.length, end);
          break;
        case LOWER_I:
          if ((seen & DETAIL.inode) !== 0 || !startsWith(bytes, start, end, INODE)) break;
          seen |= DETAIL.inode;
          this.#inode = decimal(bytes, start + INODE.length, end);
          if (this.#inode < 0) return BROKEN_DETAILS;
          break;
        case LOWER_S:
          if ((seen & DETAIL.cookie) !== 0 || !startsWith(bytes, start, end, COOKIE)) break;
          seen |= DETAIL.cookie;
          this.#cookie = hexadecimal(bytes, start + COOKIE.length, end);
          if (this.#cookie < 0) return BROKEN_DETAILS;
          break;
        case LOWER_V:
          if (startsWith(bytes, start, end, V6ONLY)) seen |= DETAIL.v6only;
          break;
        case LOWER_U:
          if (startsWith(bytes, start, end, USERS)) next = skipUsers(bytes, start, to);
          break;
        case LESS:
        case DASH:
          if (end - start === 3 && bytes[start + 1] === DASH) seen |= DETAIL.mask;
      }
      start = skipBlanks(bytes, next, to);
    }
    return seen;
  }

  /**
   * `(NAME,TIME,RETRANSMITS)`. A time that cannot be read is NaN, as an empty one is, and such a count 0: the row stands
   * without them.
   */
  #readTimer(bytes: Uint8Array, from: number, to: number): void {
    let comma = from;
    while (comma < to && bytes[comma] !== COMMA) comma++;
    this.#timer = 'unknown';
    for (const { name, timer } of TIMER_NAMES) if (isWord(bytes, from, comma, name)) this.#timer = timer;
    let end = comma + 1;
    while (end < to && bytes[end] !== COMMA) end++;
    this.#timerMs = end > to ? Number.NaN : durationMs(bytes, comma + 1, end);
    const close = bytes[to - 1] === PAREN_CLOSE ? to - 1 : to;
    this.#retransmits = Math.max(decimal(bytes, end + 1, close), 0);
  }
}

/**
 * `119min`, `1min5sec`, `40sec`, `312ms`, `7.584sec`; and `7.584ms`, which is how ss before 6.11 spells 7.584 seconds:
 * only seconds have a fraction, whatever the unit says.
 */
function durationMs(bytes: Uint8Array, from: number, to: number): number {
  let total = 0;
  let at = from;
  if (at === to) return Number.NaN;
  while (at < to) {
    const start = at;
    let value = 0;
    for (; at < to && isDigit(bytes[at] as number); at++) value = value * 10 + (bytes[at] as number) - ZERO;
    if (at === start) return Number.NaN;
    const fractional = at < to && bytes[at] === DOT;
    if (fractional) {
      let scale = 0.1;
      for (at++; at < to && isDigit(bytes[at] as number); at++, scale /= 10) {
        value += ((bytes[at] as number) - ZERO) * scale;
      }
    }
    const unit = at;
    while (at < to && !isDigit(bytes[at] as number)) at++;
    if (isWord(bytes, unit, at, MINUTES)) total += value * 60_000;
    else if (isWord(bytes, unit, at, SECONDS)) total += value * 1000;
    else if (isWord(bytes, unit, at, MILLISECONDS)) total += fractional ? value * 1000 : value;
    else return Number.NaN;
  }
  return Math.round(total);
}

/** The end of `users:((...))`: its last `))`, because a process chooses its own name, spaces and brackets included. */
function skipUsers(bytes: Uint8Array, from: number, to: number): number {
  for (let at = to; at > from + 1; at--) {
    if (bytes[at - 1] === PAREN_CLOSE && bytes[at - 2] === PAREN_CLOSE) return at;
  }
  return to;
}

const NOT_READ = -2;

const TIMER = ascii('timer:(');
const INODE = ascii('ino:');
const COOKIE = ascii('sk:');
const V6ONLY = ascii('v6only:');
const USERS = ascii('users:((');
const MINUTES = ascii('min');
const SECONDS = ascii('sec');
const MILLISECONDS = ascii('ms');

/** The names of `tmr_name` in iproute2's ss.c. */
const TIMER_NAMES: readonly { readonly name: Uint8Array; readonly timer: RowTimer }[] = [
  { name: ascii('off'), timer: 'none' },
  { name: ascii('on'), timer: 'on' },
  { name: ascii('keepalive'), timer: 'keepalive' },
  { name: ascii('timewait'), timer: 'timewait' },
  { name: ascii('persist'), timer: 'persist' },
];

const PAREN_CLOSE = 41;
const COMMA = 44;
const DASH = 45;
const DOT = 46;
const ZERO = 48;
const LESS = 60;
const LOWER_I = 105;
const LOWER_S = 115;
const LOWER_T = 116;
const LOWER_U = 117;
const LOWER_V = 118;
