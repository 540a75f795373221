// What `ss -D` writes is what the kernel answered, byte for byte: messages of netlink, each a struct nlmsghdr
// (include/uapi/linux/netlink.h) with a struct inet_diag_msg and attributes behind it (inet_diag.h). Both belong to the
// kernel's interface, so they are the same whatever ss wrote them. Numbers are in the byte order of the host, ports and
// addresses in that of the network.
import { endianness } from 'node:os';
import { blankRow, type KernelRow, type RowFilter } from '../../sockets/row.ts';
import { MAPPED_PREFIX, TUPLE } from '../../sockets/tuple.ts';
import { STATE } from '../../tcp/state.ts';
import { STATE_OF_NUMBER, TIMER_OF_NUMBER } from '../numbers.ts';

/** The longest message that is read. A row has some 130 bytes, and ss itself receives at most 32 KiB at once. */
export const MAX_MESSAGE_BYTES = 65_536;

/** So many bytes tell whether an output is messages or text. */
export const KIND_BYTES = 4;

/**
 * Whether an output begins with a message, by its first {@link KIND_BYTES}: the length of a message has a NUL among them,
 * in either byte order, and a text has none.
 *
 * @example beginsWithMessage(Buffer.from('ESTAB')) // false
 */
export function beginsWithMessage(bytes: Uint8Array): boolean {
  return bytes.subarray(0, KIND_BYTES).includes(0);
}

/**
 * Parses the output of `ss -tanD -` from the bytes as they arrive: the same rows as those of `ss -Htanoe`, at a fraction
 * of the cost on either side of the pipe. Times are exact to a tick of the kernel here, where the text has whole seconds.
 *
 * `onRow` is called for every row with one and the same object: copy what is to be kept. What it throws passes through
 * {@link push}, and the rest of that chunk is lost. With `wants`, only the rows that it says true to are read whole and
 * handed on. A message that is no row is counted, never thrown. What is no message at all ends the reading: see
 * {@link lost}.
 *
 * @example
 * const parser = new DiagParser((row) => counts[row.state]++);
 * ss.stdout.on('data', (chunk) => parser.push(chunk)).on('end', () => parser.end());
 */
export class DiagParser {
  readonly #onRow: (row: KernelRow) => void;
  readonly #wants: RowFilter | undefined;
  readonly #littleEndian: boolean;
  readonly #row: KernelRow = blankRow();
  /** The beginning of a message whose rest is in the next chunk. */
  #carry: Uint8Array = new Uint8Array(FIRST_CARRY_BYTES);
  #carryView: DataView = new DataView(this.#carry.buffer);
  #carried = 0;
  #rows = 0;
  #unconnected = 0;
  #unparsed = 0;
  #firstUnparsed: string | undefined;
  #dumps = 0;
  #refusal: number | undefined;
  #lost = false;

  /** @param littleEndian the byte order of the host. @default the order of this host */
  constructor(onRow: (row: KernelRow) => void, wants?: RowFilter, littleEndian: boolean = endianness() === 'LE') {
    this.#onRow = onRow;
    this.#wants = wants;
    this.#littleEndian = littleEndian;
  }

  /** Rows, whether they were wanted or not. */
  get rows(): number {
    return this.#rows;
  }

  /** Sockets that are bound and nothing else. */
  get unconnected(): number {
    return this.#unconnected;
  }

  /** Messages that are no row and none that netlink itself has, and what is no message. */
  get unparsed(): number {
    return this.#unparsed;
  }

  /** What the first of these is. */
  get firstUnparsed(): string | undefined {
    return this.#firstUnparsed;
  }

  /** The number of the first error that the kernel answered with, such as 2 for ENOENT where it has no tcp_diag. */
  get refusal(): number | undefined {
    return this.#refusal;
  }

  /** Whether the output has stopped being messages. Nothing after that is read. */
  get lost(): boolean {
    return this.#lost;
  }

  /**
   * Whether something is missing: ss asks for IPv4, then for IPv6, and the kernel ends either answer with a message that
   * says so.
   */
  get truncated(): boolean {
    return this.#carried > 0 || this.#dumps < DUMPS;
  }

  /** Takes the next bytes. They may end anywhere. */
  push(chunk: Uint8Array): void {
    let from = this.#carried > 0 ? this.#finishMessage(chunk) : 0;
    if (this.#lost) return;
    const { length } = chunk;
    const view = new DataView(chunk.buffer, chunk.byteOffset, length);
    while (from + LENGTH_BYTES <= length) {
      const bytes = view.getUint32(from, this.#littleEndian);
      if (bytes < HEADER_BYTES || bytes > MAX_MESSAGE_BYTES) {
        this.#lose();
        return;
      }
      const next = from + aligned(bytes);
      if (next > length) break;
      this.#takeMessage(view, from, bytes);
      from = next;
    }
    this.#carryOver(chunk, from, length);
  }

  /** Ends the input. */
  end(): void {
    // What is missing is known already; a parser of text is told here.
  }

  /** Completes the message that an earlier chunk began. Returns where the next one starts. */
  #finishMessage(chunk: Uint8Array): number {
    let taken = this.#carryOver(chunk, 0, Math.min(chunk.length, Math.max(LENGTH_BYTES - this.#carried, 0)));
    if (this.#carried < LENGTH_BYTES) return taken;
    const bytes = this.#carryView.getUint32(0, this.#littleEndian);
    if (bytes < HEADER_BYTES || bytes > MAX_MESSAGE_BYTES) {
      this.#lose();
      return taken;
    }
    taken = this.#carryOver(chunk, taken, Math.min(chunk.length, taken + aligned(bytes) - this.#carried));
    if (this.#carried < aligned(bytes)) return taken;
    this.#carried = 0;
    this.#takeMessage(this.#carryView, 0, bytes);
    return taken;
  }

  #carryOver(chunk: Uint8Array, from: number, to: number): number {
    if (to <= from) return from;
    const wanted = this.#carried + to - from;
    if (wanted > this.#carry.length) {
      const grown = new Uint8Array(Math.max(wanted, 2 * this.#carry.length));
      grown.set(this.#carry.subarray(0, this.#carried));
      this.#carry = grown;
      this.#carryView = new DataView(grown.buffer);
    }
    this.#carry.set(chunk.subarray(from, to), this.#carried);
    this.#carried = wanted;
    return to;
  }

  #takeMessage(view: DataView, at: number, bytes: number): void {
    const type = view.getUint16(at + 4, this.#littleEndian);
    switch (type) {
      case SOCK_DIAG_BY_FAMILY:
        if (bytes < ROW_BYTES || !this.#takeRow(view, at)) this.#reject(`a row of ${bytes} bytes that is none`);
        return;
      case NLMSG_DONE: {
        const code = bytes < HEADER_BYTES + 4 ? 0 : view.getInt32(at + HEADER_BYTES, this.#littleEndian);
        if (code < 0) this.#refusal ??= -code;
        else this.#dumps++;
        return;
      }
      case NLMSG_ERROR:
        this.#refusal ??= bytes < HEADER_BYTES + 4 ? 0 : -view.getInt32(at + HEADER_BYTES, this.#littleEndian);
        return;
      case NLMSG_NOOP:
        return;
      default:
        this.#reject(`a message of type ${type}`);
    }
  }

  #takeRow(view: DataView, at: number): boolean {
    const state = STATE_OF_NUMBER[view.getUint8(at + ROW.state)];
    const family = view.getUint8(at + ROW.family);
    if (state === undefined || (family !== AF_INET && family !== AF_INET6)) return false;
    if (state === STATE.CLOSED) {
      this.#unconnected++;
      return true;
    }
    this.#rows++;
    const localPort = view.getUint16(at + ROW.localPort);
    const peerPort = view.getUint16(at + ROW.peerPort);
    if (this.#wants !== undefined && !this.#wants(state, localPort, peerPort)) return true;

    const row = this.#row;
    const { tuple } = row;
    row.state = state;
    tuple[TUPLE.localPort] = localPort;
    tuple[TUPLE.peerPort] = peerPort;
    if (family === AF_INET) {
      readIpv4(view, at + ROW.localAddress, tuple, TUPLE.localAddress);
      readIpv4(view, at + ROW.peerAddress, tuple, TUPLE.peerAddress);
    } else {
      readIpv6(view, at + ROW.localAddress, tuple, TUPLE.localAddress);
      readIpv6(view, at + ROW.peerAddress, tuple, TUPLE.peerAddress);
    }
    const littleEndian = this.#littleEndian;
    row.receiveQueue = view.getUint32(at + ROW.receiveQueue, littleEndian);
    row.sendQueue = view.getUint32(at + ROW.sendQueue, littleEndian);
    row.inode = view.getUint32(at + ROW.inode, littleEndian);
    const high = view.getUint32(at + ROW.cookie + 4, littleEndian);
    // As elsewhere, 0 where a double cannot hold it exactly.
    row.cookie = high < HIGH_LIMIT ? high * 2 ** 32 + view.getUint32(at + ROW.cookie, littleEndian) : 0;
    const timer = view.getUint8(at + ROW.timer);
    if (timer === 0) {
      row.timer = 'none';
      row.timerMs = Number.NaN;
      row.retransmits = 0;
    } else {
      row.timer = TIMER_OF_NUMBER[timer] ?? 'unknown';
      // Older kernels let the time of a timer that is overdue run on below 0.
      row.timerMs = Math.max(view.getInt32(at + ROW.timerMs, littleEndian), 0);
      row.retransmits = view.getUint8(at + ROW.retransmits);
    }
    this.#onRow(row);
    return true;
  }

  #reject(what: string): void {
    this.#unparsed++;
    this.#firstUnparsed ??= what;
  }

  #lose(): void {
    this.#lost = true;
    this.#carried = 0;
    this.#reject('bytes that are no message');
  }
}

function readIpv4(view: DataView, at: number, words: Uint32Array, offset: number): void {
  words[offset] = 0;
  words[offset + 1] = 0;
  words[offset + 2] = MAPPED_PREFIX;
  words[offset + 3] = view.getUint32(at);
}

function readIpv6(view: DataView, at: number, words: Uint32Array, offset: number): void {
  words[offset] = view.getUint32(at);
  words[offset + 1] = view.getUint32(at + 4);
  words[offset + 2] = view.getUint32(at + 8);
  words[offset + 3] = view.getUint32(at + 12);
}

/** Each message starts at a multiple of 4 bytes. */
function aligned(bytes: number): number {
  return (bytes + 3) & ~3;
}

const FIRST_CARRY_BYTES = 256;
const DUMPS = 2;
const LENGTH_BYTES = 4;
const HEADER_BYTES = 16;
const ROW_BYTES = 88;
/** Where the fields of a row stand in its message. */
const ROW = {
  family: 16,
  state: 17,
  timer: 18,
  retransmits: 19,
  localPort: 20,
  peerPort: 22,
  localAddress: 24,
  peerAddress: 40,
  cookie: 60,
  timerMs: 68,
  receiveQueue: 72,
  sendQueue: 76,
  inode: 84,
} as const;
/** 2^53 without its lower 32 bits. */
const HIGH_LIMIT = 0x20_0000;

const NLMSG_NOOP = 1;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const SOCK_DIAG_BY_FAMILY = 20;

/** As Linux numbers them, on every architecture. */
const AF_INET = 2;
const AF_INET6 = 10;
