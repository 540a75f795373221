// Messages of netlink as the kernel answers a request for its TCP sockets, after include/uapi/linux/{netlink,inet_diag}.h.

/** The fields of a struct inet_diag_msg; what is not given is 0, of a connection in IPv4. */
export interface DiagRow {
  readonly family?: number;
  readonly state?: number;
  readonly timer?: number;
  readonly retransmits?: number;
  readonly localPort?: number;
  readonly peerPort?: number;
  readonly localAddress?: readonly number[];
  readonly peerAddress?: readonly number[];
  /** The lower word, and the upper one. */
  readonly cookie?: readonly [number, number];
  readonly timerMs?: number;
  readonly receiveQueue?: number;
  readonly sendQueue?: number;
  readonly inode?: number;
  /** How many bytes follow it. */
  readonly attributes?: number;
}

/** A message of a type, filled up to a multiple of 4 bytes. */
export function message(type: number, body: Uint8Array, littleEndian = true): Buffer {
  const bytes = Buffer.alloc((HEADER_BYTES + body.length + 3) & ~3);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(0, HEADER_BYTES + body.length, littleEndian);
  view.setUint16(4, type, littleEndian);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** One row. */
export function diagRow(row: DiagRow, littleEndian = true): Buffer {
  const body = Buffer.alloc(72 + (row.attributes ?? 0), 0xff);
  const view = new DataView(body.buffer, body.byteOffset);
  view.setUint8(0, row.family ?? 2);
  view.setUint8(1, row.state ?? 1);
  view.setUint8(2, row.timer ?? 0);
  view.setUint8(3, row.retransmits ?? 0);
  view.setUint16(4, row.localPort ?? 0);
  view.setUint16(6, row.peerPort ?? 0);
  for (let word = 0; word < 4; word++) {
    view.setUint32(8 + word * 4, row.localAddress?.[word] ?? 0);
    view.setUint32(24 + word * 4, row.peerAddress?.[word] ?? 0);
  }
  const [low, high] = row.cookie ?? [0, 0];
  view.setUint32(44, low, littleEndian);
  view.setUint32(48, high, littleEndian);
  view.setInt32(52, row.timerMs ?? 0, littleEndian);
  view.setUint32(56, row.receiveQueue ?? 0, littleEndian);
  view.setUint32(60, row.sendQueue ?? 0, littleEndian);
  view.setUint32(68, row.inode ?? 0, littleEndian);
  return message(20, body, littleEndian);
}

/** The end of a dump, or with a number below 0 its failure. */
export function done(littleEndian = true, code = 0): Buffer {
  return message(3, number(code, littleEndian), littleEndian);
}

/** The kernel's answer to a request that it does not grant. */
export function failure(errno: number, littleEndian = true): Buffer {
  return message(2, number(-errno, littleEndian), littleEndian);
}

function number(value: number, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, littleEndian);
  return bytes;
}

const HEADER_BYTES = 16;
