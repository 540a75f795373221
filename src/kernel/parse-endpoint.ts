import { MAPPED_PREFIX } from '../sockets/tuple.ts';
import { ascii, hexDigit, startsWith } from './words.ts';

/**
 * Writes an endpoint, as any version of `ss -n` prints it, from the bytes `[from, to)` into the words of a tuple (see
 * `TUPLE` of sockets/tuple.ts for the offsets). Returns false, and leaves the words undefined, when it is none.
 *
 * The port stands after the last colon, because ss before 4.13 prints IPv6 without brackets; `*` is port 0. A device
 * (`%eth0`) is dropped, inside the bracket or outside. The address `*` is written as `::`.
 *
 * @example parseEndpoint(Buffer.from('[::1]:8080'), 0, 10, words, TUPLE.localAddress, TUPLE.localPort) // true
 */
export function parseEndpoint(
  bytes: Uint8Array,
  from: number,
  to: number,
  words: Uint32Array,
  addressOffset: number,
  portOffset: number,
): boolean {
  const port = parsePort(bytes, from, to);
  if (port < 0) return false;
  words[portOffset] = port;
  let colon = to - 1;
  while (bytes[colon] !== COLON) colon--;
  return parseAddress(bytes, from, colon, words, addressOffset);
}

/** The port of an endpoint, or -1 where it has none: what stands before the last colon is not looked at. */
export function parsePort(bytes: Uint8Array, from: number, to: number): number {
  let colon = to - 1;
  let port = 0;
  if (bytes[colon] === STAR) colon--;
  else {
    let scale = 1;
    for (; colon > from; colon--, scale *= 10) {
      const digit = (bytes[colon] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      if (scale > 10_000) return -1;
      port += digit * scale;
    }
    if (scale === 1 || port > 0xffff) return -1;
  }
  return colon > from && bytes[colon] === COLON ? port : -1;
}

function parseAddress(bytes: Uint8Array, from: number, to: number, words: Uint32Array, offset: number): boolean {
  let end = from;
  while (end < to && bytes[end] !== PERCENT) end++;
  const first = bytes[from];
  if (first === STAR) {
    words.fill(0, offset, offset + 4);
    return end === from + 1;
  }
  if (first === BRACKET_OPEN) {
    // Each connection of a default Node server, which listens on '::', has two of these.
    if (startsWith(bytes, from, end, MAPPED) && bytes[end - 1] === BRACKET_CLOSE) {
      const mapped = parseIpv4(bytes, from + MAPPED.length, end - 1);
      if (mapped >= 0) return writeIpv4(mapped, words, offset);
    }
    if (bytes[end - 1] === BRACKET_CLOSE) return parseIpv6(bytes, from + 1, end - 1, words, offset);
    return end < to && bytes[to - 1] === BRACKET_CLOSE && parseIpv6(bytes, from + 1, end, words, offset);
  }
  const ipv4 = parseIpv4(bytes, from, end);
  return ipv4 < 0 ? parseIpv6(bytes, from, end, words, offset) : writeIpv4(ipv4, words, offset);
}

function writeIpv4(ipv4: number, words: Uint32Array, offset: number): true {
  words[offset] = 0;
  words[offset + 1] = 0;
  words[offset + 2] = MAPPED_PREFIX;
  words[offset + 3] = ipv4;
  return true;
}

function parseIpv4(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte === DOT) {
      if (digits === 0 || ++dots > 3) return -1;
      value = value * 256 + octet;
      octet = 0;
      digits = 0;
    } else {
      const digit = byte - ZERO;
      if (digit < 0 || digit > 9 || ++digits > 3) return -1;
      octet = octet * 10 + digit;
      if (octet > 255) return -1;
    }
  }
  return dots === 3 && digits > 0 ? value * 256 + octet : -1;
}

function parseIpv6(bytes: Uint8Array, from: number, to: number, words: Uint32Array, offset: number): boolean {
  let count = 0;
  let gap = -1;
  let at = from;
  if (bytes[at] === COLON) {
    if (at + 1 >= to || bytes[at + 1] !== COLON) return false;
    gap = 0;
    at += 2;
  } else if (at === to) return false;
  while (at < to) {
    const start = at;
    let group = 0;
    for (let digit = 0; at < to; at++) {
      digit = hexDigit(bytes[at] as number);
      if (digit < 0) break;
      group = group * 16 + digit;
    }
    if (at < to && bytes[at] === DOT) {
      const ipv4 = parseIpv4(bytes, start, to);
      if (ipv4 < 0 || count > 6) return false;
      GROUPS[count++] = ipv4 >>> 16;
      GROUPS[count++] = ipv4 & 0xffff;
      break;
    }
    if (at === start || at - start > 4 || count > 7) return false;
    GROUPS[count++] = group;
    if (at === to) break;
    if (bytes[at++] !== COLON || at === to) return false;
    if (bytes[at] !== COLON) continue;
    if (gap >= 0) return false;
    gap = count;
    at++;
  }
  if (gap < 0 ? count !== 8 : count > 7) return false;
  const shift = 8 - count;
  for (let index = 0; index < 4; index++) {
    words[offset + index] = groupAt(2 * index, gap, shift) * 0x10000 + groupAt(2 * index + 1, gap, shift);
  }
  return true;
}

/** The group at a place of the full address, given where `::` stands and how many groups it stands for. */
function groupAt(place: number, gap: number, missing: number): number {
  if (gap < 0 || place < gap) return GROUPS[place] as number;
  return place < gap + missing ? 0 : (GROUPS[place - missing] as number);
}

/** The groups of the address in hand: parsing is synchronous, and an array per row would be garbage. */
const GROUPS = new Uint16Array(8);
const MAPPED = ascii('[::ffff:');

const PERCENT = 37;
const STAR = 42;
const DOT = 46;
const ZERO = 48;
const COLON = 58;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
