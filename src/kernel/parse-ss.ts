// The dialects of iproute2 4.9 to 7.1 differ in padding, in how addresses and timers are spelled and in which details
// follow; what they share, and what this parser rests on, is five fields from the left and key:value words after them.
// Columns have no fixed place: their widths are computed anew for every 5 MiB that ss prints.
import type { KernelRow, RowTimer } from '../sockets/row.ts';
import { TUPLE, TUPLE_WORDS } from '../sockets/tuple.ts';
import { STATE, type State } from '../tcp/state.ts';
import { type LineHandler, LineSplitter } from './line-splitter.ts';
import { parseEndpoint } from './parse-endpoint.ts';
import {
  ascii,
  decimal,
  excerpt,
  hexadecimal,
  isDigit,
  isPadding,
  isWord,
  skipBlanks,
  skipWord,
  startsWith,
} from './words.ts';

/** The longest line that is read; a longer one is dropped and counted in {@link SsParser.unparsed}. */
export const MAX_LINE_BYTES = 65_536;

/**
 * Parses the output of `ss -Htan`, with or without `-o` and `-e`, from the bytes as they arrive, for iproute2 4.9 to
 * 7.1. A header line is tolerated.
 *
 * `onRow` is called for every row with one and the same object: copy what is to be kept. What it throws passes through
 * {@link push}, and the rest of that chunk is lost. A line that is no row is counted, never thrown.
 *
 * UNCONN rows, which ss prints since 6.8 for sockets that are bound and nothing else, are no connections: they are
 * counted in {@link unconnected} and are no rows. A `sk:` that is no cookie (see {@link procfs}) or exceeds 2^53 is
 * read as 0.
 *
 * `onDetails` is called with what stands after the fifth field of a row, right after `onRow`, and again for a line that
 * continues the row: those of `-i`, `-m` and the like, which begin with a tab. Without it such a line is no row.
 *
 * @example
 * const parser = new SsParser((row) => counts[row.state]++);
 * ss.stdout.on('data', (chunk) => parser.push(chunk)).on('end', () => parser.end());
 */
export class SsParser {
  readonly #onRow: (row: KernelRow) => void;
  readonly #onDetails: LineHandler | undefined;
  readonly #lines: LineSplitter;
  readonly #row: KernelRow = {
    state: STATE.CLOSED,
    tuple: new Uint32Array(TUPLE_WORDS),
    receiveQueue: 0,
    sendQueue: 0,
    inode: 0,
    cookie: 0,
    timer: 'none',
    timerMs: Number.NaN,
  };
  #rows = 0;
  #unconnected = 0;
  #unparsed = 0;
  #firstUnparsed: string | undefined;
  #truncated = false;
  #procfs = false;
  /** Where the details of the row in hand start, and whether the line before this one was a row. */
  #detailsFrom = 0;
  #rowStands = false;

  constructor(onRow: (row: KernelRow) => void, onDetails?: LineHandler) {
    this.#onRow = onRow;
    this.#onDetails = onDetails;
    const reject = (bytes: Uint8Array, from: number, to: number): void => this.#reject(bytes, from, to);
    this.#lines = new LineSplitter(MAX_LINE_BYTES, (bytes, from, to) => this.#takeLine(bytes, from, to), reject);
  }

  /** Rows handed to `onRow`. */
  get rows(): number {
    return this.#rows;
  }

  /** UNCONN rows. */
  get unconnected(): number {
    return this.#unconnected;
  }

  /** Lines that are no row, no header and not blank. */
  get unparsed(): number {
    return this.#unparsed;
  }

  /** The first of the unparsed lines, at most 200 characters of it, control characters replaced. */
  get firstUnparsed(): string | undefined {
    return this.#firstUnparsed;
  }

  /** Whether the last line had no newline: ss was cut off, and the line is no row. Known after {@link end}. */
  get truncated(): boolean {
    return this.#truncated;
  }

  /**
   * Whether ss read /proc/net/tcp instead of asking netlink, which it does without a word in its exit code: seen from
   * a full socket whose `-e` details lack the shutdown mask (`<->`). Its `sk:` is then a hashed pointer, reused, and
   * its listeners have no backlog. Always false without `-e`.
   */
  get procfs(): boolean {
    return this.#procfs;
  }

  /** Takes the next bytes. They may end anywhere, in the middle of a line or of a character. */
  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  /** Ends the input. */
  end(): void {
    this.#truncated = this.#lines.end();
  }

  #takeLine(bytes: Uint8Array, from: number, to: number): void {
    const start = skipBlanks(bytes, from, to);
    if (start === to) {
      if (!isPadding(bytes, from, to)) this.#reject(bytes, from, to);
      return;
    }
    if (this.#onDetails !== undefined && bytes[from] === TAB) {
      // The continuation of a line that was no row is none either, and that line has been counted.
      if (this.#rowStands) this.#onDetails(bytes, start, to);
      return;
    }
    const end = skipWord(bytes, start, to);
    const state = stateOf(bytes, start, end);
    this.#rowStands = false;
    if (state === STATE.CLOSED) this.#unconnected++;
    else if (state !== undefined && this.#readRow(state, bytes, end, to)) {
      this.#rows++;
      this.#rowStands = true;
      this.#onRow(this.#row);
      this.#onDetails?.(bytes, this.#detailsFrom, to);
    } else if (!isWord(bytes, start, end, HEADER)) this.#reject(bytes, start, to);
  }

  /** Reads everything after the state. */
  #readRow(state: State, bytes: Uint8Array, from: number, to: number): boolean {
    const row = this.#row;
    row.state = state;

    let start = skipBlanks(bytes, from, to);
    let end = skipWord(bytes, start, to);
    row.receiveQueue = decimal(bytes, start, end);
    if (row.receiveQueue < 0) return false;

    start = skipBlanks(bytes, end, to);
    end = skipWord(bytes, start, to);
    row.sendQueue = decimal(bytes, start, end);
    if (row.sendQueue < 0) return false;

    const local = skipBlanks(bytes, end, to);
    end = skipWord(bytes, local, to);
    if (!parseEndpoint(bytes, local, end, row.tuple, TUPLE.localAddress, TUPLE.localPort)) return false;

    const peer = skipBlanks(bytes, end, to);
    end = skipWord(bytes, peer, to);
    if (!parseEndpoint(bytes, peer, end, row.tuple, TUPLE.peerAddress, TUPLE.peerPort)) return false;

    this.#detailsFrom = end;
    const details = this.#readDetails(bytes, end, to);
    if (details === BROKEN) return false;
    if ((details & (HAS_INODE | HAS_MASK)) === HAS_INODE && !mayBeMiniSocket(state)) this.#procfs = true;
    if (this.#procfs) row.cookie = 0;

    // '*' is the IPv4 wildcard up to ss 4.13 and the dual-stack one since, which then says v6only: as well. Without
    // -e nothing tells them apart, and the newer meaning stands.
    if ((details & (HAS_MASK | HAS_V6ONLY)) === HAS_MASK) {
      if (bytes[local] === STAR) row.tuple[TUPLE.localAddress + 2] = MAPPED_PREFIX;
      if (bytes[peer] === STAR) row.tuple[TUPLE.peerAddress + 2] = MAPPED_PREFIX;
    }
    return true;
  }

  /** Reads the words after the fifth field, in any order. The first of a kind counts: a cgroup's path is free text. */
  #readDetails(bytes: Uint8Array, from: number, to: number): number {
    const row = this.#row;
    row.inode = 0;
    row.cookie = 0;
    row.timer = 'none';
    row.timerMs = Number.NaN;
    let seen = 0;
    let start = skipBlanks(bytes, from, to);
    while (start < to) {
      const end = skipWord(bytes, start, to);
      let next = end;
      switch (bytes[start]) {
        case LOWER_T:
          if ((seen & HAS_TIMER) !== 0 || !startsWith(bytes, start, end, TIMER)) break;
          seen |= HAS_TIMER;
          readTimer(bytes, start + TIMER.length, end, row);
          break;
        case LOWER_I:
          if ((seen & HAS_INODE) !== 0 || !startsWith(bytes, start, end, INODE)) break;
          seen |= HAS_INODE;
          row.inode = decimal(bytes, start + INODE.length, end);
          if (row.inode < 0) return BROKEN;
          break;
        case LOWER_S:
          if ((seen & HAS_COOKIE) !== 0 || !startsWith(bytes, start, end, COOKIE)) break;
          seen |= HAS_COOKIE;
          row.cookie = hexadecimal(bytes, start + COOKIE.length, end);
          if (row.cookie < 0) return BROKEN;
          break;
        case LOWER_V:
          if (startsWith(bytes, start, end, V6ONLY)) seen |= HAS_V6ONLY;
          break;
        case LOWER_U:
          if (startsWith(bytes, start, end, USERS)) next = skipUsers(bytes, start, to);
          break;
        case LESS:
        case DASH:
          if (end - start === 3 && bytes[start + 1] === DASH) seen |= HAS_MASK;
      }
      start = skipBlanks(bytes, next, to);
    }
    return seen;
  }

  #reject(bytes: Uint8Array, from: number, to: number): void {
    this.#unparsed++;
    this.#firstUnparsed ??= excerpt(bytes, from, to);
  }
}

/** Rows in these states may be mini-sockets, which have no shutdown mask under netlink either. */
function mayBeMiniSocket(state: State): boolean {
  return state === STATE.TIME_WAIT || state === STATE.FIN_WAIT_2 || state === STATE.SYN_RECEIVED;
}

function stateOf(bytes: Uint8Array, from: number, to: number): State | undefined {
  for (const { name, state } of STATE_NAMES) if (isWord(bytes, from, to, name)) return state;
  return undefined;
}

/** `(NAME,TIME,RETRANSMITS)`. A time that cannot be read is NaN, as an empty one is: the row stands without it. */
function readTimer(bytes: Uint8Array, from: number, to: number, row: KernelRow): void {
  let comma = from;
  while (comma < to && bytes[comma] !== COMMA) comma++;
  row.timer = 'unknown';
  for (const { name, timer } of TIMER_NAMES) if (isWord(bytes, from, comma, name)) row.timer = timer;
  let end = comma + 1;
  while (end < to && bytes[end] !== COMMA) end++;
  row.timerMs = end > to ? Number.NaN : durationMs(bytes, comma + 1, end);
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

const MAPPED_PREFIX = 0xffff;

/** What the words after the fifth field said, as bits. */
const HAS_INODE = 1;
const HAS_COOKIE = 2;
const HAS_TIMER = 4;
const HAS_V6ONLY = 8;
const HAS_MASK = 16;
const BROKEN = -1;

const HEADER = ascii('State');
const TIMER = ascii('timer:(');
const INODE = ascii('ino:');
const COOKIE = ascii('sk:');
const V6ONLY = ascii('v6only:');
const USERS = ascii('users:((');
const MINUTES = ascii('min');
const SECONDS = ascii('sec');
const MILLISECONDS = ascii('ms');

/** The names of `sstate_name` in iproute2's ss.c, the most frequent first. Its UNKNOWN and UNDEF are no TCP state. */
const STATE_NAMES: readonly { readonly name: Uint8Array; readonly state: State }[] = [
  { name: ascii('ESTAB'), state: STATE.ESTABLISHED },
  { name: ascii('TIME-WAIT'), state: STATE.TIME_WAIT },
  { name: ascii('CLOSE-WAIT'), state: STATE.CLOSE_WAIT },
  { name: ascii('FIN-WAIT-2'), state: STATE.FIN_WAIT_2 },
  { name: ascii('LISTEN'), state: STATE.LISTEN },
  { name: ascii('SYN-SENT'), state: STATE.SYN_SENT },
  { name: ascii('SYN-RECV'), state: STATE.SYN_RECEIVED },
  { name: ascii('FIN-WAIT-1'), state: STATE.FIN_WAIT_1 },
  { name: ascii('LAST-ACK'), state: STATE.LAST_ACK },
  { name: ascii('CLOSING'), state: STATE.CLOSING },
  { name: ascii('UNCONN'), state: STATE.CLOSED },
];

/** The names of `tmr_name` in iproute2's ss.c. */
const TIMER_NAMES: readonly { readonly name: Uint8Array; readonly timer: RowTimer }[] = [
  { name: ascii('off'), timer: 'none' },
  { name: ascii('on'), timer: 'on' },
  { name: ascii('keepalive'), timer: 'keepalive' },
  { name: ascii('timewait'), timer: 'timewait' },
  { name: ascii('persist'), timer: 'persist' },
];

const TAB = 9;
const PAREN_CLOSE = 41;
const STAR = 42;
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
