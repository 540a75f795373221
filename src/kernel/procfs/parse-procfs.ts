// Rows of net/ipv4/tcp_ipv4.c, tcp4_seq_show, and net/ipv6/tcp_ipv6.c, tcp6_seq_show:
//
//     sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//      0: 0100007F:1F48 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 40771 4 00000000...
//
// The number of a row is padded to four digits, so from row 10,000 on every column stands one further to the right,
// though the row is as long as before: only words have a place that can be relied on.
import { endianness } from 'node:os';
import { blankRow, type KernelRow, type RowFilter } from '../../sockets/row.ts';
import { MAPPED_PREFIX, TUPLE } from '../../sockets/tuple.ts';
import { STATE } from '../../tcp/state.ts';
import { LineSplitter } from '../line-splitter.ts';
import { STATE_OF_NUMBER, TIMER_OF_NUMBER } from '../numbers.ts';
import {
  ascii,
  decimal,
  excerpt,
  hexadecimal,
  hexDigit,
  isPadding,
  isWord,
  skipBlanks,
  skipWord,
  startsWith,
} from '../words.ts';
import { RecentRows } from './recent-rows.ts';

/**
 * Parses /proc/net/tcp and /proc/net/tcp6 from the bytes as they arrive, into the rows that {@link SsParser} gives for
 * the same sockets; less what procfs does not tell: there is no cookie (the pointer it prints is hashed, and used again),
 * and on a listener no limit of the accept queue, so `sendQueue` is NaN there.
 *
 * `onRow` is called for every row, with `wants` for every row that this says true to, with one and the same object: copy
 * what is to be kept. What it throws passes through {@link push}, and the rest of that chunk is lost. A line that is no row is counted, never thrown; where the header is
 * not the kernel's, no line of that file is a row, see {@link foreign}.
 *
 * The kernel lets go of the table after every 4 KiB, and finds its place again by counting in a hash chain, or, if the
 * end of the table is gone, from the beginning. Under churn rows are therefore missed, and rows come again: a repeat
 * within 8,192 rows is counted in {@link duplicates} and is no row.
 *
 * @example
 * const parser = new ProcfsParser((row) => counts[row.state]++);
 * for (const file of ['tcp', 'tcp6']) {
 *   parser.push(readFileSync(`/proc/net/${file}`));
 *   parser.end();
 * }
 */
export class ProcfsParser {
  readonly #onRow: (row: KernelRow) => void;
  readonly #wants: RowFilter | undefined;
  readonly #littleEndian: boolean;
  readonly #lines: LineSplitter;
  readonly #recent: RecentRows = new RecentRows();
  readonly #row: KernelRow = blankRow();
  #place: 'header' | 'rows' | 'foreign' = 'header';
  #rows = 0;
  #duplicates = 0;
  #unconnected = 0;
  #unparsed = 0;
  #firstUnparsed: string | undefined;
  #truncated = false;
  #foreign = false;

  /** @param littleEndian addresses are printed in the byte order of the host. @default the order of this host */
  constructor(onRow: (row: KernelRow) => void, wants?: RowFilter, littleEndian: boolean = endianness() === 'LE') {
    this.#onRow = onRow;
    this.#wants = wants;
    this.#littleEndian = littleEndian;
    const reject = (bytes: Uint8Array, from: number, to: number): void => this.#reject(bytes, from, to);
    this.#lines = new LineSplitter(MAX_LINE_BYTES, (bytes, from, to) => this.#takeLine(bytes, from, to), reject);
  }

  /** Rows, whether they were wanted or not. */
  get rows(): number {
    return this.#rows;
  }

  /** Rows that came again. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Rows of sockets without a connection (state 07). */
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

  /** Whether a file ended inside a line; the line is no row. Known after {@link end}. */
  get truncated(): boolean {
    return this.#truncated;
  }

  /** Whether a file did not begin with the kernel's header: it is another kind of file, or none. */
  get foreign(): boolean {
    return this.#foreign;
  }

  /** Takes the next bytes of a file. They may end anywhere. */
  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  /** Ends a file. Another one may follow. */
  end(): void {
    if (this.#lines.end()) this.#truncated = true;
    if (this.#place === 'header') this.#foreign = true;
    this.#place = 'header';
  }

  #takeLine(bytes: Uint8Array, from: number, to: number): void {
    const start = skipBlanks(bytes, from, to);
    if (start === to && isPadding(bytes, from, to)) return;
    switch (this.#place) {
      case 'header':
        this.#place = isHeader(bytes, start, to) ? 'rows' : 'foreign';
        if (this.#place === 'rows') return;
        this.#foreign = true;
        this.#reject(bytes, from, to);
        return;
      case 'foreign':
        this.#reject(bytes, from, to);
        return;
      case 'rows':
        if (!this.#readRow(bytes, start, to)) this.#reject(bytes, from, to);
        else if (this.#row.state === STATE.CLOSED) this.#unconnected++;
        else if (this.#recent.isRepeat(this.#row)) this.#duplicates++;
        else {
          this.#rows++;
          if (this.#isWanted(this.#row)) this.#onRow(this.#row);
        }
    }
  }

  #isWanted({ state, tuple }: KernelRow): boolean {
    return this.#wants?.(state, tuple[TUPLE.localPort] as number, tuple[TUPLE.peerPort] as number) ?? true;
  }

  #readRow(bytes: Uint8Array, from: number, to: number): boolean {
    const row = this.#row;

    let end = skipWord(bytes, from, to);
    if (bytes[end - 1] !== COLON) return false;

    let start = skipBlanks(bytes, end, to);
    end = skipWord(bytes, start, to);
    const endpointLength = end - start;
    if (!this.#readEndpoint(bytes, start, end, TUPLE.localAddress, TUPLE.localPort)) return false;

    start = skipBlanks(bytes, end, to);
    end = skipWord(bytes, start, to);
    if (end - start !== endpointLength) return false;
    if (!this.#readEndpoint(bytes, start, end, TUPLE.peerAddress, TUPLE.peerPort)) return false;

    start = skipBlanks(bytes, end, to);
    end = skipWord(bytes, start, to);
    const state = STATE_OF_NUMBER[hexadecimal(bytes, start, end)];
    if (state === undefined) return false;
    row.state = state;

    start = skipBlanks(bytes, end, to);
    end = skipWord(bytes, start, to);
    let colon = indexOfColon(bytes, start, end);
    row.sendQueue = hexadecimal(bytes, start, colon);
    row.receiveQueue = hexadecimal(bytes, colon + 1, end);
    if (row.sendQueue < 0 || row.receiveQueue < 0) return false;
    // The limit of the accept queue is not in the file: 0 would say that there is no room.
    if (state === STATE.LISTEN) row.sendQueue = Number.NaN;

    start = skipBlanks(bytes, end, to);
    end = skipWord(bytes, start, to);
    colon = indexOfColon(bytes, start, end);
    const timer = hexadecimal(bytes, start, colon);
    const ticks = hexadecimal(bytes, colon + 1, end);
    if (timer < 0 || ticks < 0) return false;
    row.timer = TIMER_OF_NUMBER[timer] ?? 'unknown';
    row.timerMs = row.timer === 'none' ? Number.NaN : ticks * TICK_MS;

    start = skipBlanks(bytes, end, to);
    end = skipWord(bytes, start, to);
    const retransmits = hexadecimal(bytes, start, end);

    // The uid.
    end = skipWord(bytes, skipBlanks(bytes, end, to), to);

    start = skipBlanks(bytes, end, to);
    end = skipWord(bytes, start, to);
    const probes = decimal(bytes, start, end);
    if (retransmits < 0 || probes < 0) return false;
    // As ss says it: what belongs to the timer that runs.
    row.retransmits = row.timer === 'none' ? 0 : row.timer === 'on' ? retransmits : probes;

    start = skipBlanks(bytes, end, to);
    row.inode = decimal(bytes, start, skipWord(bytes, start, to));
    return row.inode >= 0;
  }

  /** `0100007F:1F48`: one 32-bit word, or four, each in the byte order of the host; the port as one writes it. */
  #readEndpoint(bytes: Uint8Array, from: number, to: number, addressAt: number, portAt: number): boolean {
    const { tuple } = this.#row;
    const colon = to - PORT_DIGITS - 1;
    if (bytes[colon] !== COLON) return false;
    const port = hexadecimal(bytes, colon + 1, to);
    if (port < 0) return false;
    tuple[portAt] = port;
    if (colon - from === WORD_DIGITS) {
      tuple[addressAt] = 0;
      tuple[addressAt + 1] = 0;
      tuple[addressAt + 2] = MAPPED_PREFIX;
      return this.#readWord(bytes, from, addressAt + 3);
    }
    if (colon - from !== 4 * WORD_DIGITS) return false;
    for (let word = 0; word < 4; word++) {
      if (!this.#readWord(bytes, from + word * WORD_DIGITS, addressAt + word)) return false;
    }
    return true;
  }

  #readWord(bytes: Uint8Array, from: number, at: number): boolean {
    let value = 0;
    for (let index = from; index < from + WORD_DIGITS; index++) {
      const digit = hexDigit(bytes[index] as number);
      if (digit < 0) return false;
      value = (value << 4) | digit;
    }
    this.#row.tuple[at] = this.#littleEndian ? swapBytes(value) : value;
    return true;
  }

  #reject(bytes: Uint8Array, from: number, to: number): void {
    this.#unparsed++;
    this.#firstUnparsed ??= excerpt(bytes, from, to);
  }
}

/** Whether the columns are the kernel's, as far as they are read. The peer is `rem_address` or `remote_address`. */
function isHeader(bytes: Uint8Array, from: number, to: number): boolean {
  let start = from;
  for (const { word, whole } of HEADER) {
    const end = skipWord(bytes, start, to);
    if (whole ? !isWord(bytes, start, end, word) : !startsWith(bytes, start, end, word)) return false;
    start = skipBlanks(bytes, end, to);
  }
  return true;
}

/** Where the first colon stands; the end if there is none. */
function indexOfColon(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== COLON) at++;
  return at;
}

function swapBytes(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

/** The kernel's lines are shorter than 256 bytes. */
const MAX_LINE_BYTES = 4096;
const WORD_DIGITS = 8;
const PORT_DIGITS = 4;
/** Times are in ticks of USER_HZ, which is 100 a second on every platform of Node. */
const TICK_MS = 10;
const COLON = 58;

const HEADER: readonly { readonly word: Uint8Array; readonly whole: boolean }[] = [
  { word: ascii('sl'), whole: true },
  { word: ascii('local_address'), whole: true },
  { word: ascii('rem'), whole: false },
  { word: ascii('st'), whole: true },
  { word: ascii('tx_queue'), whole: true },
  { word: ascii('rx_queue'), whole: true },
  { word: ascii('tr'), whole: true },
  { word: ascii('tm->when'), whole: true },
  { word: ascii('retrnsmt'), whole: true },
  { word: ascii('uid'), whole: true },
  { word: ascii('timeout'), whole: true },
  { word: ascii('inode'), whole: true },
];
