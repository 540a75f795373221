// The words are those of tcp_stats_print in iproute2's ss.c, the same from 4.9 to 7.1. A count is printed only if it is
// not 0, so one that is missing is 0; a round-trip time of 0 means that none was measured.
import type { KernelRow } from '../../sockets/row.ts';
import { STATE } from '../../tcp/state.ts';
import type { LineHandler } from '../line-splitter.ts';
import { ascii, decimal, skipBlanks, skipWord, startsWith } from '../words.ts';

/** What `ss -i` says of one connection. A reader reuses one object for all: copy what is to be kept. */
export interface TcpInfo {
  /** The smoothed round-trip time and its mean deviation (RFC 6298); NaN before the first measurement. */
  rttMs: number;
  rttDeviationMs: number;
  /** The congestion window, in segments. */
  congestionWindow: number;
  /** Segments retransmitted and not yet acknowledged, and all that ever were. */
  retransmitting: number;
  retransmitted: number;
  /** Bytes retransmitted; 0 too where ss or the kernel (before 4.19) does not know. */
  bytesRetransmitted: number;
  /** Segments sent and not yet acknowledged. */
  unacknowledged: number;
}

/**
 * Reads the output of `ss -Htni`, with `-O` or in its form of two lines, with or without `-a`, `-e`, `-m` and `-o`, beside
 * a parser of its rows. Not with `-p`: a process chooses its own name, `x cwnd:1` for one.
 *
 * `onInfo` is called for each connection that has tcp_info, with the same two objects every time. TIME_WAIT and other
 * mini-sockets have none; listeners are left out, because the same words mean something else there (`unacked:` is
 * the length of the accept queue). What it throws passes through the parser.
 *
 * @example
 * const reader = new TcpInfoReader((row, info) => rtts.push(info.rttMs));
 * const parser = new SsParser(reader.onRow, undefined, reader.onDetails);
 */
export class TcpInfoReader {
  readonly #onInfo: (row: KernelRow, info: TcpInfo) => void;
  readonly #info: TcpInfo = {
    rttMs: Number.NaN,
    rttDeviationMs: Number.NaN,
    congestionWindow: 0,
    retransmitting: 0,
    retransmitted: 0,
    bytesRetransmitted: 0,
    unacknowledged: 0,
  };
  #row: KernelRow | undefined;

  constructor(onInfo: (row: KernelRow, info: TcpInfo) => void) {
    this.#onInfo = onInfo;
  }

  readonly onRow = (row: KernelRow): void => {
    this.#row = row.state === STATE.LISTEN ? undefined : row;
  };

  readonly onDetails: LineHandler = (bytes, from, to) => {
    const row = this.#row;
    if (row === undefined || !this.#readInfo(bytes, from, to)) return;
    this.#row = undefined;
    this.#onInfo(row, this.#info);
  };

  /** Reads the words of a line. Returns whether tcp_info is among them: `cwnd:` is, wherever there is any. */
  #readInfo(bytes: Uint8Array, from: number, to: number): boolean {
    const info = this.#info;
    info.rttMs = Number.NaN;
    info.rttDeviationMs = Number.NaN;
    info.congestionWindow = 0;
    info.retransmitting = 0;
    info.retransmitted = 0;
    info.bytesRetransmitted = 0;
    info.unacknowledged = 0;
    let end = from;
    for (let start = skipBlanks(bytes, from, to); start < to; start = skipBlanks(bytes, end, to)) {
      end = skipWord(bytes, start, to);
      switch (bytes[start]) {
        case LOWER_R:
          if (startsWith(bytes, start, end, RTT)) {
            const slash = indexOfSlash(bytes, start, end);
            info.rttMs = fraction(bytes, start + RTT.length, slash);
            info.rttDeviationMs = fraction(bytes, slash + 1, end);
          } else if (startsWith(bytes, start, end, RETRANS)) {
            const slash = indexOfSlash(bytes, start, end);
            info.retransmitting = count(bytes, start + RETRANS.length, slash);
            info.retransmitted = count(bytes, slash + 1, end);
          }
          break;
        case LOWER_C:
          if (startsWith(bytes, start, end, CWND)) info.congestionWindow = count(bytes, start + CWND.length, end);
          break;
        case LOWER_B:
          if (startsWith(bytes, start, end, BYTES_RETRANS)) {
            info.bytesRetransmitted = fraction(bytes, start + BYTES_RETRANS.length, end);
          }
          break;
        case LOWER_U:
          if (startsWith(bytes, start, end, UNACKED)) info.unacknowledged = count(bytes, start + UNACKED.length, end);
      }
    }
    return info.congestionWindow > 0;
  }
}

/** A count that cannot be read is unknown, not 0. */
function count(bytes: Uint8Array, from: number, to: number): number {
  const value = decimal(bytes, from, to);
  return value < 0 ? Number.NaN : value;
}

/** A number as C's `%g` or `%llu` prints it, or NaN. */
function fraction(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to || to - from > 24) return Number.NaN;
  let text = '';
  for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at] as number);
  return NUMBER.test(text) ? Number(text) : Number.NaN;
}

function indexOfSlash(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== SLASH) at++;
  return at;
}

const NUMBER = /^\d+(?:\.\d+)?(?:e[+-]\d+)?$/;

const RTT = ascii('rtt:');
const RETRANS = ascii('retrans:');
const CWND = ascii('cwnd:');
const BYTES_RETRANS = ascii('bytes_retrans:');
const UNACKED = ascii('unacked:');

const SLASH = 47;
const LOWER_B = 98;
const LOWER_C = 99;
const LOWER_R = 114;
const LOWER_U = 117;
