import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginsWithMessage, DiagParser, KIND_BYTES, MAX_MESSAGE_BYTES } from '../../../src/kernel/ss/parse-diag.ts';
import { SsParser } from '../../../src/kernel/ss/parse-ss.ts';
import type { RowFilter } from '../../../src/sockets/row.ts';
import { STATE } from '../../../src/tcp/state.ts';
import { type DiagRow, diagRow, done, failure, message } from '../../support/diag.ts';
import { type PlainRow, plainRow } from '../../support/plain-row.ts';

const FIXTURES = new URL('../../fixtures/ss/', import.meta.url);
const CAPTURE = readFileSync(new URL('tanD.diag.bin', FIXTURES));

describe('the answer of a kernel', () => {
  it('gives the rows that ss makes text of, to the timers, which the text has in whole seconds', () => {
    const text: PlainRow[] = [];
    const lines = new SsParser((row) => text.push(plainRow(row)));
    lines.push(readFileSync(new URL('tanD.Htanoe.txt', FIXTURES)));
    lines.end();
    const { rows, parser } = parse(CAPTURE);
    expect(rows.map((row) => ({ ...row, timerMs: 0 }))).toEqual(text.map((row) => ({ ...row, timerMs: 0 })));
    expect(rows).toHaveLength(36);
    expect(parser).toMatchObject({ rows: 36, unconnected: 0, unparsed: 0, truncated: false, lost: false });
    expect(parser.refusal).toBeUndefined();
    for (const [index, { timerMs }] of rows.entries()) {
      const later = (text[index] as PlainRow).timerMs;
      expect(Number.isNaN(timerMs)).toBe(Number.isNaN(later));
      if (!Number.isNaN(later)) expect(timerMs - later).toBeLessThan(1_100);
      if (!Number.isNaN(later)) expect(timerMs).toBeGreaterThanOrEqual(later);
    }
  });

  it('reads the same wherever its chunks end', () => {
    const whole = parse(CAPTURE).rows;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (sizes) => {
        const { rows, parser } = parse(CAPTURE, { sizes });
        expect(rows).toEqual(whole);
        expect(parser).toMatchObject({ unparsed: 0, truncated: false });
      }),
    );
    expect(parse(CAPTURE, { sizes: [1] }).rows).toEqual(whole);
  });

  it('is asked about row by row, and read whole only where somebody wants it', () => {
    const asked: string[] = [];
    const wants: RowFilter = (state, localPort, peerPort) => {
      asked.push(`${state} ${localPort} ${peerPort}`);
      return state === STATE.LISTEN;
    };
    const { rows, parser } = parse(CAPTURE, { wants });
    expect(asked).toHaveLength(36);
    expect(asked.slice(0, 3)).toEqual(['10 8004 0', '10 8001 0', '1 53578 8001']);
    expect(rows.map(({ local }) => local)).toEqual([
      '127.0.0.1:8004',
      '0.0.0.0:8001',
      '[::]:8002',
      '[::]:8003',
      '[::1]:8005',
    ]);
    expect(parser.rows).toBe(36);
  });

  it.each([CAPTURE.length - 1, CAPTURE.length - 20, CAPTURE.length - 21, 20, 3])(
    'is cut off where %i bytes are left of it',
    (length) => {
      expect(parse(CAPTURE.subarray(0, length)).parser).toMatchObject({ truncated: true, unparsed: 0 });
    },
  );

  it('reads a row with the longest attributes there may be, in pieces', () => {
    const bytes = Buffer.concat([diagRow({ attributes: MAX_MESSAGE_BYTES - 88 }), diagRow({ localPort: 7 })]);
    for (const sizes of [[bytes.length], [1_000], [65_000, 3]]) {
      const { rows, parser } = parse(bytes, { sizes });
      expect(rows.map(({ local }) => local)).toEqual(['0.0.0.0:0', '0.0.0.0:7']);
      expect(parser).toMatchObject({ unparsed: 0, lost: false });
    }
  });

  it('is cut off where it has one of its two dumps only', () => {
    expect(parse(Buffer.concat([diagRow({}), done()])).parser.truncated).toBe(true);
    expect(parse(Buffer.concat([diagRow({}), done(), done()])).parser.truncated).toBe(false);
  });
});

describe('a row', () => {
  it.each<readonly [string, DiagRow, Partial<PlainRow>]>([
    ['in IPv4', { localAddress: [0x7f000002], localPort: 8001 }, { local: '127.0.0.2:8001' }],
    ['in IPv6', { family: 10, peerAddress: [0xfe800000, 0, 0, 1], peerPort: 65_535 }, { peer: '[fe80::1]:65535' }],
    [
      'in IPv6 of an IPv4 connection',
      { family: 10, localAddress: [0, 0, 0xffff, 0x0a000001], localPort: 80 },
      { local: '10.0.0.1:80' },
    ],
    ['with queues of 4 GB', { receiveQueue: 0xffffffff, sendQueue: 0xfffffffe }, { receiveQueue: 0xffffffff }],
    ['of a descriptor', { inode: 0xfffffff0 }, { inode: 0xfffffff0 }],
    ['with a cookie of 53 bits', { cookie: [0xffffffff, 0x1fffff] }, { cookie: Number.MAX_SAFE_INTEGER }],
    ['with a cookie that no double can hold', { cookie: [0, 0x200000] }, { cookie: 0 }],
    ['with no timer', { timer: 0, timerMs: 7, retransmits: 7 }, { timer: 'none', timerMs: Number.NaN, retransmits: 0 }],
    ['that is sent again', { timer: 1, timerMs: 788, retransmits: 3 }, { timer: 'on', timerMs: 788, retransmits: 3 }],
    ['with keep-alive', { timer: 2, timerMs: 5_776 }, { timer: 'keepalive', timerMs: 5_776 }],
    ['in TIME_WAIT', { state: 6, timer: 3, timerMs: 59_999 }, { state: 'TIME_WAIT', timer: 'timewait' }],
    ['at a window of 0', { timer: 4, timerMs: 0 }, { timer: 'persist', timerMs: 0 }],
    ['with a timer of a later kernel', { timer: 9, timerMs: 1 }, { timer: 'unknown', timerMs: 1 }],
    ['with a timer that is overdue', { timer: 1, timerMs: -4 }, { timerMs: 0 }],
    ['of a handshake', { state: 12 }, { state: 'SYN_RECEIVED' }],
    ['with attributes behind it', { attributes: 37 }, { state: 'ESTABLISHED' }],
  ])('%s reads so in both byte orders', (_, row, expected) => {
    for (const littleEndian of [true, false]) {
      const { rows, parser } = parse(Buffer.concat([diagRow(row, littleEndian), done(littleEndian)]), { littleEndian });
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject(expected);
      expect(parser).toMatchObject({ rows: 1, unparsed: 0 });
    }
  });

  it('that is only bound is counted and is none', () => {
    expect(parse(diagRow({ state: 7 }))).toMatchObject({ rows: [], parser: { rows: 0, unconnected: 1, unparsed: 0 } });
  });

  it.each<readonly [string, Buffer]>([
    ['a state that there is not', diagRow({ state: 0 })],
    ['another one', diagRow({ state: 13 })],
    ['a family that there is not', diagRow({ family: 1 })],
    ['too few bytes', message(20, Buffer.alloc(71))],
    ['another type', message(19, Buffer.alloc(72))],
  ])('with %s is a problem, and the next one is read', (_, bytes) => {
    const { rows, parser } = parse(Buffer.concat([bytes, diagRow({})]));
    expect(rows).toHaveLength(1);
    expect(parser).toMatchObject({ rows: 1, unparsed: 1, lost: false });
    expect(parser.firstUnparsed).toMatch(/^a (row|message) of /);
  });
});

describe('what is no table', () => {
  it.each<readonly [string, Buffer, number]>([
    ['an error', failure(2), 2],
    ['an error in place of the end', done(true, -1), 1],
    ['the first of two errors', Buffer.concat([failure(13), failure(2)]), 13],
    ['an error without a number', message(2, Buffer.alloc(0)), 0],
  ])('%s is a refusal', (_, bytes, errno) => {
    expect(parse(bytes).parser).toMatchObject({ refusal: errno, truncated: true, unparsed: 0 });
  });

  it.each([0, 15, MAX_MESSAGE_BYTES + 1, 0xffffffff])('a message of %i bytes is the end of all reading', (length) => {
    const bytes = Buffer.concat([diagRow({}), Buffer.alloc(4), diagRow({})]);
    bytes.writeUInt32LE(length, 88);
    for (const sizes of [[bytes.length], [1], [90]]) {
      const { rows, parser } = parse(bytes, { sizes });
      expect(rows).toHaveLength(1);
      expect(parser).toMatchObject({ rows: 1, unparsed: 1, lost: true, firstUnparsed: 'bytes that are no message' });
    }
  });

  it('any bytes are rows and counted problems, never an exception', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(diagRow({}), done(), failure(2), message(1, Buffer.alloc(3)), diagRow({ attributes: 5 })),
      fc.integer({ min: 16, max: 140 }).map((length) => {
        const bytes = Buffer.alloc(length, 10);
        bytes.writeUInt32LE(length, 0);
        bytes.writeUInt16LE(20, 4);
        return bytes;
      }),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }), (pieces, sizes) => {
        const { rows, parser } = parse(Buffer.concat(pieces), { sizes });
        expect(parser.rows).toBe(rows.length);
        if (parser.lost) expect(parser.unparsed).toBeGreaterThan(0);
      }),
    );
  });

  it('text is told from messages by the first bytes', () => {
    expect(beginsWithMessage(CAPTURE)).toBe(true);
    for (const littleEndian of [true, false]) expect(beginsWithMessage(done(littleEndian))).toBe(true);
    for (const text of ['ESTAB 0', 'State', '    ', '\n\n\n\n', 'X\n\0\0'.slice(0, 2)]) {
      expect(beginsWithMessage(Buffer.from(text))).toBe(false);
    }
    expect(KIND_BYTES).toBe(4);
  });
});

interface ParseOptions {
  readonly sizes?: readonly number[];
  readonly wants?: RowFilter;
  readonly littleEndian?: boolean;
}

/** Parses in chunks of the given sizes, again and again. */
function parse(
  bytes: Uint8Array,
  { sizes = [bytes.length], wants, littleEndian = true }: ParseOptions = {},
): { readonly rows: PlainRow[]; readonly parser: DiagParser } {
  const rows: PlainRow[] = [];
  const parser = new DiagParser((row) => rows.push(plainRow(row)), wants, littleEndian);
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] as number;
    parser.push(bytes.subarray(at, at + size));
    at += size;
  }
  parser.end();
  return { rows, parser };
}
