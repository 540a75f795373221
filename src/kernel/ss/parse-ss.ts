// The dialects of iproute2 4.9 to 7.1 differ in padding, in how addresses and timers are spelled and in which details
// follow; what they share, and what this parser rests on, is five fields from the left and key:value words after them.
// Columns have no fixed place: their widths are computed anew for every 5 MiB that ss prints.
import type { KernelRow, RowFilter } from '../../sockets/row.ts';
import { MAPPED_PREFIX, TUPLE } from '../../sockets/tuple.ts';
import { STATE, type State } from '../../tcp/state.ts';
import { type LineHandler, LineSplitter } from '../line-splitter.ts';
import { parseEndpoint, parsePort } from '../parse-endpoint.ts';
import { ascii, decimal, excerpt, isPadding, isWord, skipBlanks, skipWord } from '../words.ts';
import { BROKEN_DETAILS, DETAIL, SsRow } from './ss-row.ts';

/** So many rows are read whole though nobody may ask for it: what they lack tells where they are from. */
const PROBED_ROWS = 64;

/** The longest line that is read; a longer one is dropped and counted in {@link SsParser.unparsed}. */
export const MAX_LINE_BYTES = 65_536;

/**
 * Parses the output of `ss -Htan`, with or without `-o` and `-e`, from the bytes as they arrive, for iproute2 4.9 to
 * 7.1. A header line is tolerated.
 *
 * `onRow` is called for every row with one and the same object: copy what is to be kept. What it throws passes through
 * {@link push}, and the rest of that chunk is lost. A line that is no row is counted, never thrown. With `wants`, only
 * the rows that it says true to are read whole and handed on; of the others only the state and the ports are.
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
  readonly #wants: RowFilter | undefined;
  readonly #lines: LineSplitter;
  readonly #row: SsRow = new SsRow();
  #rows = 0;
  #unconnected = 0;
  #unparsed = 0;
  #firstUnparsed: string | undefined;
  #truncated = false;
  #procfs = false;
  /** Where the details of the row in hand start, and whether the line before this one was a row. */
  #detailsFrom = 0;
  #rowStands = false;

  constructor(onRow: (row: KernelRow) => void, wants?: RowFilter, onDetails?: LineHandler) {
    this.#onRow = onRow;
    this.#wants = wants;
    this.#onDetails = onDetails;
    const reject = (bytes: Uint8Array, from: number, to: number): void => this.#reject(bytes, from, to);
    this.#lines = new LineSplitter(MAX_LINE_BYTES, (bytes, from, to) => this.#takeLine(bytes, from, to), reject);
  }

  /** Rows, whether they were wanted or not. */
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
    if (state === STATE.CLOSED) {
      this.#unconnected++;
      return;
    }
    const kind = state === undefined ? 'broken' : this.#readRow(state, bytes, end, to);
    switch (kind) {
      case 'broken':
        if (!isWord(bytes, start, end, HEADER)) this.#reject(bytes, start, to);
        return;
      case 'unwanted':
        this.#rows++;
        return;
      case 'wanted':
        this.#rows++;
        this.#rowStands = true;
        this.#onRow(this.#row);
        this.#onDetails?.(bytes, this.#detailsFrom, to);
        return;
      default:
        kind satisfies never;
    }
  }

  /** Reads what stands after the state: all of it, unless nobody wants the row. */
  #readRow(state: State, bytes: Uint8Array, from: number, to: number): 'wanted' | 'unwanted' | 'broken' {
    const row = this.#row;
    row.state = state;

    let start = skipBlanks(bytes, from, to);
    let end = skipWord(bytes, start, to);
    row.receiveQueue = decimal(bytes, start, end);
    if (row.receiveQueue < 0) return 'broken';

    start = skipBlanks(bytes, end, to);
    end = skipWord(bytes, start, to);
    row.sendQueue = decimal(bytes, start, end);
    if (row.sendQueue < 0) return 'broken';

    const local = skipBlanks(bytes, end, to);
    const localEnd = skipWord(bytes, local, to);
    const peer = skipBlanks(bytes, localEnd, to);
    end = skipWord(bytes, peer, to);
    let wanted = true;
    if (this.#wants !== undefined) {
      const localPort = parsePort(bytes, local, localEnd);
      const peerPort = parsePort(bytes, peer, end);
      if (localPort < 0 || peerPort < 0) return 'broken';
      wanted = this.#wants(state, localPort, peerPort);
      if (!wanted && this.#rows >= PROBED_ROWS) return 'unwanted';
    }
    if (!parseEndpoint(bytes, local, localEnd, row.tuple, TUPLE.localAddress, TUPLE.localPort)) return 'broken';
    if (!parseEndpoint(bytes, peer, end, row.tuple, TUPLE.peerAddress, TUPLE.peerPort)) return 'broken';

    this.#detailsFrom = end;
    row.place(bytes, end, to);
    // A listener's address is told by its details, and the first rows tell where the table is from.
    if ((state === STATE.LISTEN || this.#rows < PROBED_ROWS) && !this.#checkDetails(bytes, local, peer))
      return 'broken';
    return wanted ? 'wanted' : 'unwanted';
  }

  #checkDetails(bytes: Uint8Array, local: number, peer: number): boolean {
    const row = this.#row;
    const { details } = row;
    if (details === BROKEN_DETAILS) return false;
    if ((details & (DETAIL.inode | DETAIL.mask)) === DETAIL.inode && !mayBeMiniSocket(row.state)) this.#procfs = true;
    row.hasCookies = !this.#procfs;

    // '*' is the IPv4 wildcard up to ss 4.13 and the dual-stack one since, which then says v6only: as well. Without
    // -e nothing tells them apart, and the newer meaning stands.
    if ((details & (DETAIL.mask | DETAIL.v6only)) === DETAIL.mask) {
      if (bytes[local] === STAR) row.tuple[TUPLE.localAddress + 2] = MAPPED_PREFIX;
      if (bytes[peer] === STAR) row.tuple[TUPLE.peerAddress + 2] = MAPPED_PREFIX;
    }
    return true;
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

const HEADER = ascii('State');

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

const TAB = 9;
const STAR = 42;
