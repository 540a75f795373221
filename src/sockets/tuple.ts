/**
 * A pair of endpoints as ten unsigned 32-bit words: local address (4), peer address (4), local port, peer port.
 *
 * IPv4 is kept in its mapped form (`::ffff:a.b.c.d`), because the two ends of one connection may be shown in different
 * families: a dual-stack server's row reads `[::ffff:127.0.0.1]:8003` where its client's reads `127.0.0.1:8003`.
 */
export const TUPLE_WORDS = 10;

/** Where the words of a tuple stand. */
export const TUPLE = { localAddress: 0, peerAddress: 4, localPort: 8, peerPort: 9 } as const;

/** The third word of an IPv4 address in its mapped form. */
export const MAPPED_PREFIX = 0xffff;

/**
 * Writes an IP address into four words of a tuple. A scope (`%eth0`) is stripped. Returns false, and leaves the words
 * undefined, when the text is no IP address.
 *
 * @example packAddress('127.0.0.1', words, TUPLE.peerAddress)
 */
export function packAddress(text: string, words: Uint32Array, offset: number): boolean {
  if (!text.includes(':')) {
    const ipv4 = parseIpv4(text, 0, text.length);
    if (ipv4 < 0) return false;
    words[offset] = 0;
    words[offset + 1] = 0;
    words[offset + 2] = MAPPED_PREFIX;
    words[offset + 3] = ipv4;
    return true;
  }
  return packIpv6(text, words, offset);
}

/** Whether four words hold an IPv4 address in its mapped form. */
export function isMappedIpv4(words: Uint32Array, offset: number): boolean {
  return words[offset] === 0 && words[offset + 1] === 0 && words[offset + 2] === MAPPED_PREFIX;
}

/** Whether four words hold the wildcard address of either family. */
export function isWildcard(words: Uint32Array, offset: number): boolean {
  return (
    words[offset] === 0 &&
    words[offset + 1] === 0 &&
    (words[offset + 2] === 0 || words[offset + 2] === MAPPED_PREFIX) &&
    words[offset + 3] === 0
  );
}

/** Whether the address at an offset is one of this host's loopback: 127.0.0.0/8, mapped or not, or ::1. */
export function isLoopback(words: Uint32Array, offset: number): boolean {
  const last = words[offset + 3] as number;
  if (isMappedIpv4(words, offset)) return last >>> 24 === 127;
  return words[offset] === 0 && words[offset + 1] === 0 && words[offset + 2] === 0 && last === 1;
}

/**
 * The text of an address, IPv4 where it is mapped, IPv6 in the form of RFC 5952 without zero compression of single
 * groups.
 */
export function addressText(words: Uint32Array, offset: number): string {
  const last = words[offset + 3] as number;
  if (isMappedIpv4(words, offset)) {
    return `${last >>> 24}.${(last >>> 16) & 255}.${(last >>> 8) & 255}.${last & 255}`;
  }
  const groups: string[] = [];
  for (let index = 0; index < 4; index++) {
    const word = words[offset + index] as number;
    groups.push((word >>> 16).toString(16), (word & 0xffff).toString(16));
  }
  return compress(groups);
}

/** Writes a tuple with its local address blanked, as a server on the wildcard knows it before anybody has asked. */
export function withAnyLocal(tuple: Uint32Array, into: Uint32Array): Uint32Array {
  for (let index = TUPLE.localAddress; index < TUPLE.peerAddress; index++) into[index] = 0;
  for (let index = TUPLE.peerAddress; index < TUPLE_WORDS; index++) into[index] = tuple[index] as number;
  return into;
}

/** An endpoint as text: `127.0.0.1:8080`, `[::1]:8080`. */
export function endpointText(words: Uint32Array, addressOffset: number, portOffset: number): string {
  const address = addressText(words, addressOffset);
  const port = words[portOffset];
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Both endpoints of a tuple as text. */
export interface Endpoints {
  readonly local: string;
  readonly peer: string;
}

export function endpointsText(words: Uint32Array): Endpoints {
  return {
    local: endpointText(words, TUPLE.localAddress, TUPLE.localPort),
    peer: endpointText(words, TUPLE.peerAddress, TUPLE.peerPort),
  };
}

function parseIpv4(text: string, from: number, to: number): number {
  let value = 0;
  let octet = -1;
  let octets = 0;
  for (let index = from; index <= to; index++) {
    const code = index === to ? DOT : text.charCodeAt(index);
    if (code === DOT) {
      if (octet < 0) return -1;
      value = value * 256 + octet;
      octets++;
      octet = -1;
    } else if (code >= ZERO && code <= NINE) {
      // A leading zero means octal to some resolvers: like node:net, we take such a text for a name.
      if (octet === 0) return -1;
      octet = Math.max(octet, 0) * 10 + (code - ZERO);
      if (octet > 255) return -1;
    } else return -1;
  }
  return octets === 4 ? value : -1;
}

const DOT = 46;
const ZERO = 48;
const NINE = 57;

function packIpv6(text: string, words: Uint32Array, offset: number): boolean {
  const scope = text.indexOf('%');
  const address = scope < 0 ? text : text.slice(0, scope);
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const head = groupsOf(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return false;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return false;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  for (let index = 0; index < 4; index++) {
    words[offset + index] = (groups[2 * index] as number) * 0x10000 + (groups[2 * index + 1] as number);
  }
  return true;
}

/** The 16-bit groups of one half of an IPv6 address; only its very end may be written as IPv4. */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (isEnd && index === parts.length - 1 && part.includes('.')) {
      const ipv4 = parseIpv4(part, 0, part.length);
      if (ipv4 < 0) return undefined;
      groups.push(ipv4 >>> 16, ipv4 & 0xffff);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function compress(groups: readonly string[]): string {
  let best = { start: 0, length: 0 };
  let start = -1;
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] === '0') {
      if (start < 0) start = index;
    } else if (start >= 0) {
      if (index - start > best.length) best = { start, length: index - start };
      start = -1;
    }
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}
