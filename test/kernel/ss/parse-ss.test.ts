import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LINE_BYTES, SsParser } from '../../../src/kernel/ss/parse-ss.ts';
import type { RowTimer } from '../../../src/sockets/row.ts';
import {
  addressText,
  endpointText,
  isMappedIpv4,
  packAddress,
  TUPLE,
  TUPLE_WORDS,
} from '../../../src/sockets/tuple.ts';
import { STATE, type StateName } from '../../../src/tcp/state.ts';
import { type PlainRow, plainRow } from '../../support/plain-row.ts';

const FIXTURES = new URL('../../fixtures/ss/', import.meta.url);
const VERSIONS = ['4.9', '4.20', '5.5', '6.1', '7.1'] as const;
type Version = (typeof VERSIONS)[number];

describe('one set of live sockets seen by five versions of ss', () => {
  it.each(VERSIONS)('ss %s -Htan reads as the slow parser reads it', (version) => {
    const bytes = fixture(`versions/ss-${version}.Htan.txt`);
    const { rows, parser } = parse(bytes);
    expect(rows).toEqual(slowly(bytes.toString(), '[::]'));
    expect(rows).toHaveLength(62);
    expect(parser).toMatchObject({ rows: 62, unparsed: 0, truncated: false, procfs: false });
  });

  it.each(VERSIONS)('ss %s -Htanoe reads as the slow parser reads it', (version) => {
    const bytes = fixture(`versions/ss-${version}.Htanoe.txt`);
    const { rows, parser } = parse(bytes);
    expect(rows).toEqual(slowly(bytes.toString(), version === '4.9' ? '0.0.0.0' : '[::]'));
    expect(rows).toHaveLength(62);
    expect(parser).toMatchObject({ rows: 62, unparsed: 0, truncated: false, procfs: false });
  });

  it('all versions give the same rows with -e, wildcards, inodes and cookies included', () => {
    const [first, ...others] = VERSIONS.map((version) =>
      // The timers ran on between the five calls.
      parse(fixture(`versions/ss-${version}.Htanoe.txt`)).rows.map((row) => ({ ...row, timerMs: 0 })),
    );
    for (const other of others) expect(other).toEqual(first);
  });

  it('without -e all versions agree up to the wildcard that 4.9 does not tell apart', () => {
    const [first, ...others] = VERSIONS.map((version) =>
      parse(fixture(`versions/ss-${version}.Htan.txt`)).rows.map(({ state, local, peer, ...rest }) => ({
        ...rest,
        state,
        local: local.replace('0.0.0.0', '[::]'),
        peer: peer.replace('0.0.0.0', '[::]'),
      })),
    );
    for (const other of others) expect(other).toEqual(first);
  });

  it.each(VERSIONS)('the header of ss %s is no row and no problem', (version) => {
    const { rows, parser } = parse(fixture(`versions/ss-${version}.tan.txt`));
    expect(rows).toEqual(parse(fixture(`versions/ss-${version}.Htan.txt`)).rows);
    expect(parser.unparsed).toBe(0);
  });

  it('a socket that is only bound, which ss shows since 6.8, is counted apart from the rows', () => {
    expect(parse(fixture('versions/ss-6.1.Htanoe.txt')).parser.unconnected).toBe(0);
    expect(parse(fixture('versions/ss-7.1.Htanoe.txt')).parser.unconnected).toBe(1);
  });
});

describe('a row', () => {
  it.each<readonly [string, StateName]>([
    ['ESTAB', 'ESTABLISHED'],
    ['SYN-SENT', 'SYN_SENT'],
    ['SYN-RECV', 'SYN_RECEIVED'],
    ['FIN-WAIT-1', 'FIN_WAIT_1'],
    ['FIN-WAIT-2', 'FIN_WAIT_2'],
    ['TIME-WAIT', 'TIME_WAIT'],
    ['CLOSE-WAIT', 'CLOSE_WAIT'],
    ['LAST-ACK', 'LAST_ACK'],
    ['LISTEN', 'LISTEN'],
    ['CLOSING', 'CLOSING'],
  ])('in %s is in state %s', (name, state) => {
    expect(only(`${name} 1 2 10.0.0.1:3 10.0.0.2:4\n`)).toMatchObject({
      state,
      receiveQueue: 1,
      sendQueue: 2,
      local: '10.0.0.1:3',
      peer: '10.0.0.2:4',
    });
  });

  it('is handed over in one object that is used for every row', () => {
    const seen = new Set<object>();
    const parser = new SsParser((row) => seen.add(row));
    parser.push(fixture('versions/ss-6.1.Htan.txt'));
    expect(parser.rows).toBe(62);
    expect(seen.size).toBe(1);
  });

  it('keeps nothing of the row before it', () => {
    const { rows } = parse(text(`${ESTAB} timer:(on,1sec,3) ino:7 sk:8 <->`, ESTAB));
    expect(rows[1]).toMatchObject({ inode: 0, cookie: 0, timer: 'none', timerMs: Number.NaN, retransmits: 0 });
  });

  it('has its details in any order, among unknown ones', () => {
    expect(
      only(text(`${ESTAB} <-> sk:ff new:thing uid:1000 cgroup:/a ino:42 timer:(on,5sec,2) tos:0x0`)),
    ).toMatchObject({ inode: 42, cookie: 255, timer: 'on', timerMs: 5000, retransmits: 2 });
  });

  it('takes the first inode and cookie: the path of a cgroup may spell others', () => {
    expect(only(text(`${ESTAB} ino:1 sk:2 cgroup:/x ino:3 sk:4 timer:(on,1sec,0) <->`))).toMatchObject({
      inode: 1,
      cookie: 2,
    });
  });

  it('has its cookie up to 2^53 and none beyond, where it would be rounded to another', () => {
    expect(only(text(`${ESTAB} ino:1 sk:1fffffffffffff <->`)).cookie).toBe(Number.MAX_SAFE_INTEGER);
    expect(only(text(`${ESTAB} ino:1 sk:20000000000001 <->`)).cookie).toBe(0);
    expect(only(text(`${ESTAB} ino:1 sk:ffffffffffffffff <->`)).cookie).toBe(0);
  });

  it('is read past the users that -p lists, whatever a process calls itself', () => {
    const { rows, parser } = parse(fixture('tlnp.shared-dup-reuseport-evilcomm.txt'));
    expect(rows.map(({ local, sendQueue }) => [local, sendQueue])).toEqual([
      ['127.0.0.1:8090', 7],
      ['127.0.0.1:8090', 5],
      ['127.0.0.1:8080', 512],
    ]);
    expect(parser.unparsed).toBe(0);
    const users = 'users:((")) ino:5 sk:6",pid=1,fd=2),("b",pid=3,fd=4))';
    expect(only(text(`${ESTAB} ${users} ino:1 sk:2 <->`))).toMatchObject({ inode: 1, cookie: 2 });
    expect(only(text(`${ESTAB} users:(("unfinished ino:1`))).toMatchObject({ inode: 0 });
  });

  it('of a Node socket is found between lines of prose', () => {
    const { rows, parser } = parse(fixture('node-states.txt'));
    expect(rows.filter((row) => row.state === 'CLOSE_WAIT')).toHaveLength(4);
    expect(rows.find((row) => row.timer === 'persist')).toMatchObject({
      state: 'CLOSE_WAIT',
      sendQueue: 3791872,
      inode: 1620968,
      cookie: 0x4a5ae,
      timerMs: Number.NaN,
    });
    expect(parser.unparsed).toBeGreaterThan(0);
  });
});

describe('a wildcard', () => {
  it('* is the IPv4 one where the row has netlink details but no v6only:, as up to ss 4.13', () => {
    expect(only(text('LISTEN 0 128 *:80 *:* ino:1 sk:2 <->'))).toMatchObject({
      local: '0.0.0.0:80',
      peer: '0.0.0.0:0',
    });
  });

  it('* is the dual-stack one where v6only: stands beside it, as since ss 4.14', () => {
    const row = only(text('LISTEN 0 128 *:80 *:* ino:1 sk:2 v6only:0 <->'));
    expect(row).toMatchObject({ local: '[::]:80', peer: '[::]:0' });
  });

  it('* is taken for the dual-stack one where nothing tells', () => {
    expect(only(text('LISTEN 0 128 *:80 *:*'))).toMatchObject({ local: '[::]:80', peer: '[::]:0' });
  });
});

describe('a timer', () => {
  it.each<readonly [string, RowTimer, number]>([
    ['(keepalive,119min,0)', 'keepalive', 119 * 60_000],
    ['(keepalive,1min5sec,0)', 'keepalive', 65_000],
    ['(timewait,40sec,0)', 'timewait', 40_000],
    ['(on,312ms,4)', 'on', 312],
    ['(on,050ms,6)', 'on', 50],
    ['(on,2.484sec,0)', 'on', 2484],
    ['(on,7.584ms,0)', 'on', 7584],
    ['(on,9.001ms,0)', 'on', 9001],
    ['(persist,,0)', 'persist', Number.NaN],
    ['(persist)', 'unknown', Number.NaN],
    ['(on,soon,0)', 'on', Number.NaN],
    ['(on,5,0)', 'on', Number.NaN],
    ['(on,5h,0)', 'on', Number.NaN],
    ['(off,,0)', 'none', Number.NaN],
    ['(unknown,1sec,0)', 'unknown', 1000],
    ['(new,1sec,0)', 'unknown', 1000],
  ])('timer:%s is %s, %d ms', (spelled, timer, timerMs) => {
    expect(only(text(`${ESTAB} timer:${spelled} ino:9 sk:1 <->`))).toMatchObject({ timer, timerMs, inode: 9 });
  });

  it.each<readonly [string, number]>([
    ['(on,200ms,3)', 3],
    ['(on,050ms,6)', 6],
    ['(on,1min36sec,15)', 15],
    ['(on,9.001ms,7)', 7],
    ['(on,9.001sec,7)', 7],
    ['(persist,,4)', 4],
    ['(persist,1min59sec,255)', 255],
    ['(keepalive,14sec,2)', 2],
    ['(keepalive,119min,0)', 0],
    ['(timewait,40sec,0)', 0],
    // Each of them cut off, or not a number: the row stands without it.
    ['(on,200ms,3', 3],
    ['(on,200ms,)', 0],
    ['(on,200ms,x)', 0],
    ['(on,200ms,3,4)', 0],
    ['(on,200ms)', 0],
    ['(on,', 0],
    ['(', 0],
  ])('timer:%s has fired %d times without an answer', (spelled, retransmits) => {
    expect(only(text(`${ESTAB} timer:${spelled} ino:9 sk:1 <->`))).toMatchObject({ retransmits, inode: 9 });
    expect(only(text(`${ESTAB} ino:9 sk:1 <-> timer:${spelled}`))).toMatchObject({ retransmits, inode: 9 });
  });

  it.each(VERSIONS)('of ss %s says how often a SYN that nobody answers was sent again', (version) => {
    const { rows } = parse(fixture(`versions/ss-${version}.Htanoe.txt`));
    const sent = rows.filter(({ state }) => state === 'SYN_SENT').map(({ retransmits }) => retransmits);
    expect(sent.length).toBeGreaterThan(0);
    expect(Math.min(...sent)).toBeGreaterThanOrEqual(1);
    expect(rows.filter(({ timer, retransmits }) => timer === 'none' && retransmits > 0)).toEqual([]);
  });

  it('of a capture that says 7.584ms is 7.584 seconds: ss before 6.11 prints the wrong unit', () => {
    // Asked for one state, ss leaves the State column out.
    const lines = fixture('fw2-timewait.submsec-timer-6.1bug.txt').toString().trimEnd().split('\n');
    const { rows } = parse(text(...lines.map((line) => `FIN-WAIT-2 ${line}`)));
    expect(rows.map(({ timer, timerMs }) => ({ timer, timerMs }))).toEqual(
      Array.from({ length: 3 }, () => ({ timer: 'timewait', timerMs: 7584 })),
    );
  });
});

describe('a table that ss took from procfs', () => {
  it('is recognised by what only netlink tells, and its pointers are no cookies', () => {
    const { rows, parser } = parse(fixture('fallback-procfs.tanoe.txt'));
    expect(parser).toMatchObject({ procfs: true, unparsed: 0, rows: 64 });
    expect(rows.every((row) => row.cookie === 0)).toBe(true);
    expect(rows.filter((row) => row.inode > 0).length).toBeGreaterThan(30);
  });

  it('is not suspected where mini-sockets have no shutdown mask', () => {
    const mini = ['TIME-WAIT', 'FIN-WAIT-2', 'SYN-RECV'].map((state) => ESTAB.replace('ESTAB', state));
    const { rows, parser } = parse(text(...mini.map((row) => `${row} ino:0 sk:5`)));
    expect(parser.procfs).toBe(false);
    expect(rows.map((row) => row.cookie)).toEqual([5, 5, 5]);
  });
});

describe('a line that is no row', () => {
  it.each([
    'ESTAB',
    'ESTAB 0',
    'ESTAB 0 0 127.0.0.1:1',
    'ESTAB 0 0 127.0.0.1 127.0.0.1:2',
    'ESTAB x 0 127.0.0.1:1 127.0.0.1:2',
    'ESTAB 0 -1 127.0.0.1:1 127.0.0.1:2',
    'ESTAB 0 4294967296 127.0.0.1:1 127.0.0.1:2',
    'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 ino:none sk:1',
    'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 ino:1 sk:0x1',
    'ESTABLISHED 0 0 127.0.0.1:1 127.0.0.1:2',
    'estab 0 0 127.0.0.1:1 127.0.0.1:2',
    'UNKNOWN 0 0 127.0.0.1:1 127.0.0.1:2',
    'UNDEF 0 0 127.0.0.1:1 127.0.0.1:2',
    'tcp ESTAB 0 0 127.0.0.1:1 127.0.0.1:2',
    '0 0 127.0.0.1:1 127.0.0.1:2',
    '\t cubic wscale:7,7 rto:201',
    'Stateful',
    '\u0000\u0001\u0002',
  ])('%j is counted and hides no other', (line) => {
    const { rows, parser } = parse(text(ESTAB, line, ESTAB));
    expect(rows).toHaveLength(2);
    expect(parser.unparsed).toBe(1);
  });

  it('may be blank, and then does not count', () => {
    const { parser } = parse(text('', ESTAB, '   \t', ESTAB));
    expect(parser).toMatchObject({ rows: 2, unparsed: 0, firstUnparsed: undefined });
  });

  it('is quoted if it is the first, shortened, without control characters', () => {
    const { parser } = parse(text(`bad \u001b[31m${'é'.repeat(300)}`, 'worse'));
    expect(parser.unparsed).toBe(2);
    expect(parser.firstUnparsed).toBe(`bad ?[31m${'é'.repeat(191)}`);
  });

  it('a column too few or too many makes of every line', () => {
    for (const name of ['state-close-wait.nostatecol.txt', 'tun.netidcol.txt']) {
      const { rows, parser } = parse(fixture(name));
      expect(rows).toEqual([]);
      expect(parser.unparsed).toBe(fixture(name).toString().trimEnd().split('\n').length);
    }
  });

  it('is dropped and counted once when it is longer than 64 KiB, however it arrives', () => {
    const longest = `${ESTAB} x:${'y'.repeat(MAX_LINE_BYTES - ESTAB.length - 3)}`;
    expect(longest).toHaveLength(MAX_LINE_BYTES);
    const bytes = text(ESTAB, longest, `${longest}y`, `${longest}${longest}`, ESTAB);
    for (const size of [bytes.length, 65_536, 4096, 1000]) {
      const { parser } = parse(bytes, [size]);
      expect(parser).toMatchObject({ rows: 3, unparsed: 2, truncated: false });
      expect(parser.firstUnparsed).toBe(longest.slice(0, 200));
    }
  });

  it('without its newline at the end is truncated output, even if it looks whole', () => {
    const { rows, parser } = parse(Buffer.from(`${ESTAB}\n${ESTAB}`));
    expect(rows).toHaveLength(1);
    expect(parser).toMatchObject({ rows: 1, unparsed: 0, truncated: true });
    expect(parse(Buffer.from(`${ESTAB}\n${'x'.repeat(MAX_LINE_BYTES + 1)}`)).parser.truncated).toBe(true);
  });

  it('does not exist in no output at all', () => {
    expect(parse(Buffer.alloc(0)).parser).toMatchObject({ rows: 0, unparsed: 0, truncated: false });
  });
});

describe('chunks', () => {
  const inputs: readonly (readonly [string, Buffer])[] = [
    ...fixtureNames().map((name) => [name, fixture(name)] as const),
    ['a device with an umlaut', text('ESTAB 0 0 [fe80::1]%lü🙂:1 [fe80::2]:2 ino:1 sk:2 <->', 'schön', ESTAB)],
  ];

  it.each(inputs)('may end anywhere in %s', (_name, bytes) => {
    const whole = parse(bytes);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        const pieces = parse(bytes, sizes);
        expect(pieces.rows).toEqual(whole.rows);
        expect(summary(pieces.parser)).toEqual(summary(whole.parser));
      }),
      { numRuns: 20 },
    );
  });

  it('of any bytes at all never make it throw', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
        const parser = new SsParser(() => {});
        for (const chunk of chunks) parser.push(chunk);
        parser.end();
        expect(parser.rows).toBe(0);
      }),
    );
  });
});

describe('a row that nobody wants', () => {
  const rows = Array.from(
    { length: 200 },
    (_, index) => `ESTAB 0 0 127.0.0.1:${index + 1} 127.0.0.2:80 ino:7 sk:8 <->`,
  );

  it('is counted, and one that is wanted is read as ever', () => {
    const handed: PlainRow[] = [];
    const asked: (readonly number[])[] = [];
    const parser = new SsParser(
      (row) => handed.push(plainRow(row)),
      (...facts) => {
        asked.push(facts);
        return facts[1] % 100 === 0;
      },
    );
    parser.push(text(...rows));
    parser.end();
    const whole = parse(text(...rows));
    expect(handed).toEqual(whole.rows.filter(({ local }) => /:[12]00$/.test(local)));
    expect(handed).toHaveLength(2);
    expect(asked).toEqual(rows.map((_, index) => [STATE.ESTABLISHED, index + 1, 80]));
    expect(summary(parser)).toEqual(summary(whole.parser));
  });

  it('is no row where its queues or its ports cannot be read', () => {
    const parser = new SsParser(
      () => {},
      () => false,
    );
    parser.push(
      text(
        ...rows,
        'ESTAB 0 x 1.1.1.1:1 1.1.1.1:2',
        'ESTAB 0 0 1.1.1.1:1 1.1.1.1',
        'ESTAB 0 0 1.1.1.1:99999 1.1.1.1:1',
      ),
    );
    parser.end();
    expect(parser).toMatchObject({ rows: 200, unparsed: 3 });
  });

  it('still tells that ss has fallen back to procfs', () => {
    const parser = new SsParser(
      () => {},
      () => false,
    );
    parser.push(text('ESTAB 0 0 127.0.0.1:1 127.0.0.2:80 ino:7 sk:8'));
    parser.end();
    expect(parser.procfs).toBe(true);
  });
});

describe('any row', () => {
  it.each(VERSIONS)('that ss %s -Htanoe prints is read back', (version) => {
    fc.assert(
      fc.property(fc.array(anySocket(), { maxLength: 20 }), (sockets) => {
        const { rows, parser } = parse(text(...sockets.map((socket) => print(socket, version))));
        expect(rows).toEqual(sockets.map(expectation));
        expect(parser.unparsed).toBe(0);
      }),
    );
  });
});

// The parser under test and what it saw, as plain data.

const ESTAB = 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2';

function parse(bytes: Uint8Array, sizes: readonly number[] = [bytes.length]): { rows: PlainRow[]; parser: SsParser } {
  const rows: PlainRow[] = [];
  const parser = new SsParser((row) => rows.push(plainRow(row)));
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = at + (sizes[turn % sizes.length] as number);
    parser.push(Uint8Array.from(bytes.subarray(at, end)));
    at = end;
  }
  parser.end();
  return { rows, parser };
}

function only(input: string | Uint8Array): PlainRow {
  const { rows, parser } = parse(Buffer.from(input));
  expect(parser).toMatchObject({ rows: 1, unparsed: 0 });
  return rows[0] as PlainRow;
}

function summary({ rows, unconnected, unparsed, firstUnparsed, truncated, procfs }: SsParser): object {
  return { rows, unconnected, unparsed, firstUnparsed, truncated, procfs };
}

function text(...lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(name, FIXTURES));
}

function fixtureNames(): string[] {
  return readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.txt'));
}

// The slow reference: split at blanks, regular expressions, and the knowledge of which version is being read.

const SLOW_STATES: Readonly<Record<string, StateName>> = {
  ESTAB: 'ESTABLISHED',
  'SYN-SENT': 'SYN_SENT',
  'SYN-RECV': 'SYN_RECEIVED',
  'FIN-WAIT-1': 'FIN_WAIT_1',
  'FIN-WAIT-2': 'FIN_WAIT_2',
  'TIME-WAIT': 'TIME_WAIT',
  'CLOSE-WAIT': 'CLOSE_WAIT',
  'LAST-ACK': 'LAST_ACK',
  LISTEN: 'LISTEN',
  CLOSING: 'CLOSING',
};

function slowly(output: string, star: string): PlainRow[] {
  const lines = output.trimEnd().split('\n');
  const connected = lines.filter((line) => !line.startsWith('UNCONN'));
  return connected.map((line) => {
    const [state, receiveQueue, sendQueue, local, peer, ...details] = line.trim().split(/\s+/) as [
      string,
      string,
      string,
      string,
      string,
      ...string[],
    ];
    const [, timer, time, retransmits] = /^timer:\(([^,]*),([^,]*),([^)]*)\)/.exec(details.join(' ')) ?? [];
    return {
      state: SLOW_STATES[state] as StateName,
      local: slowEndpoint(local, star),
      peer: slowEndpoint(peer, star),
      receiveQueue: Number(receiveQueue),
      sendQueue: Number(sendQueue),
      inode: Number(detail(details, 'ino:') ?? 0),
      cookie: Number(`0x${detail(details, 'sk:') ?? 0}`),
      timer: (timer as RowTimer | undefined) ?? 'none',
      timerMs: slowTime(time),
      retransmits: Number(retransmits ?? 0),
    };
  });
}

function detail(details: readonly string[], key: string): string | undefined {
  return details.find((word) => word.startsWith(key))?.slice(key.length);
}

function slowEndpoint(spelled: string, star: string): string {
  const [, address, port] = /^(.*):(\d+|\*)$/.exec(spelled) as unknown as [string, string, string];
  const bare = address.replace(/%[^\]]*/, '').replace(/[[\]]/g, '');
  const words = new Uint32Array(TUPLE_WORDS);
  expect(packAddress(bare === '*' ? star.replace(/[[\]]/g, '') : bare, words, 0)).toBe(true);
  words[TUPLE.localPort] = port === '*' ? 0 : Number(port);
  return endpointText(words, TUPLE.localAddress, TUPLE.localPort);
}

function slowTime(spelled: string | undefined): number {
  if (spelled === undefined || spelled === '') return Number.NaN;
  const [, minutes, seconds, fraction, milliseconds] =
    /^(?:(\d+)min)?(?:(\d+)sec)?(?:(\d+\.\d+)(?:ms|sec))?(?:(\d+)ms)?$/.exec(spelled) as RegExpExecArray;
  return Math.round(
    Number(minutes ?? 0) * 60_000 + (Number(seconds ?? 0) + Number(fraction ?? 0)) * 1000 + Number(milliseconds ?? 0),
  );
}

// Sockets as the kernel has them, and how the versions of ss print them.

interface AnySocket {
  readonly ipv6: boolean;
  readonly state: string;
  readonly local: Uint32Array;
  readonly peer: Uint32Array;
  readonly localPort: number;
  readonly peerPort: number;
  readonly device: string | undefined;
  readonly v6only: boolean;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly inode: number;
  readonly cookie: number;
  readonly uid: number;
  readonly timer: Exclude<RowTimer, 'none'> | undefined;
  readonly leftMs: number;
  readonly retransmits: number;
}

function anySocket(): fc.Arbitrary<AnySocket> {
  const port = fc.integer({ min: 1, max: 65_535 });
  const queue = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0x7fffffff }));
  const word = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0xffffffff }));
  const ipv4 = fc.integer({ min: 1, max: 0xffffffff }).map((last) => Uint32Array.of(0, 0, 0xffff, last));
  // The first word is never 0, so no address is mapped, a wildcard or one that inet_ntop ends with dots.
  const ipv6 = fc
    .tuple(fc.integer({ min: 1, max: 0xffffffff }), word, word, word)
    .map((words) => Uint32Array.from(words));
  return fc
    .record({ ipv6: fc.boolean(), listen: fc.boolean(), wildcard: fc.boolean(), mapped: fc.boolean() })
    .chain(({ ipv6: isIpv6, listen, wildcard, mapped }) => {
      const address = isIpv6 && !mapped ? ipv6 : ipv4;
      const any = fc.constant(isIpv6 ? new Uint32Array(4) : Uint32Array.of(0, 0, 0xffff, 0));
      const states = Object.keys(SLOW_STATES).filter((name) => name !== 'LISTEN');
      return fc.record({
        ipv6: fc.constant(isIpv6),
        state: listen ? fc.constant('LISTEN') : fc.constantFrom(...states),
        local: listen && wildcard ? any : address,
        peer: listen ? any : address,
        localPort: port,
        peerPort: listen ? fc.constant(0) : port,
        device: fc.constantFrom(undefined, undefined, 'eth0', 'br-1a2b', 'eth0.100'),
        v6only: fc.boolean(),
        receiveQueue: queue,
        sendQueue: queue,
        inode: fc.integer({ min: 0, max: 0xffffffff }),
        cookie: fc.maxSafeNat(),
        uid: fc.constantFrom(0, 1000),
        timer: fc.constantFrom(undefined, 'on', 'keepalive', 'timewait', 'persist', 'unknown'),
        leftMs: fc.oneof(fc.integer({ min: 0, max: 12_000 }), fc.integer({ min: 0, max: 8_000_000 })),
        retransmits: fc.nat({ max: 255 }),
      });
    });
}

function expectation(socket: AnySocket): PlainRow {
  return {
    state: SLOW_STATES[socket.state] as StateName,
    local: endpointText(Uint32Array.of(...socket.local, socket.localPort), 0, 4),
    peer: endpointText(Uint32Array.of(...socket.peer, socket.peerPort), 0, 4),
    receiveQueue: socket.receiveQueue,
    sendQueue: socket.sendQueue,
    inode: socket.inode,
    cookie: socket.cookie,
    timer: socket.timer ?? 'none',
    timerMs: socket.timer === undefined ? Number.NaN : printedTime(socket.leftMs, '7.1').means,
    retransmits: socket.timer === undefined ? 0 : socket.retransmits,
  };
}

function print(socket: AnySocket, version: Version): string {
  const old = version === '4.9';
  const pad = ' '.repeat(version === '4.20' || version === '5.5' ? 30 : 3);
  const { state, timer } = socket;
  const full = !['TIME-WAIT', 'SYN-RECV', 'FIN-WAIT-2'].includes(state);
  const details = [
    timer && `timer:(${timer},${printedTime(socket.leftMs, version).spelled},${socket.retransmits})`,
    socket.uid > 0 && `uid:${socket.uid}`,
    `ino:${socket.inode}`,
    `sk:${socket.cookie.toString(16)}`,
    full && (version === '6.1' || version === '7.1') && 'cgroup:/a',
    state === 'LISTEN' && socket.ipv6 && `v6only:${socket.v6only ? 1 : 0}`,
    full && '<->',
  ];
  const local = printedEndpoint(socket, socket.local, socket.localPort, socket.device, old);
  const peer = printedEndpoint(socket, socket.peer, socket.peerPort, undefined, old);
  const line = `${state}${pad}${socket.receiveQueue} ${socket.sendQueue}${pad}${local}${pad}${peer}${pad}`;
  return `${line}${details.filter(Boolean).join(' ')}${version === '7.1' ? '' : pad}`;
}

function printedEndpoint(
  { ipv6, v6only }: AnySocket,
  words: Uint32Array,
  port: number,
  device: string | undefined,
  old: boolean,
): string {
  const scope = device === undefined ? '' : `%${device}`;
  const end = `${scope}:${port === 0 ? '*' : port}`;
  const any = words[3] === 0 && words[0] === 0;
  if (!ipv6) return `${any && old ? '*' : addressText(words, 0)}${end}`;
  if (any && !old && !v6only) return `*${end}`;
  const address = any ? '::' : `${isMappedIpv4(words, 0) ? '::ffff:' : ''}${addressText(words, 0)}`;
  return old ? `${address}${end}` : `[${address}]${end}`;
}

/** How ss rounds and spells the time left on a timer. */
function printedTime(leftMs: number, version: Version): { spelled: string; means: number } {
  const minutes = Math.floor(leftMs / 60_000);
  const seconds = minutes > 9 ? 0 : Math.floor(leftMs / 1000) % 60;
  const milliseconds = minutes > 0 || seconds > 9 ? 0 : leftMs % 1000;
  const digits = String(milliseconds).padStart(3, '0');
  let spelled = minutes > 0 ? `${minutes}min` : '';
  if (seconds > 0 && milliseconds > 0) spelled += `${seconds}.${digits}${version === '7.1' ? 'sec' : 'ms'}`;
  else if (seconds > 0) spelled += `${seconds}sec`;
  else if (milliseconds > 0) spelled += `${digits}ms`;
  return { spelled, means: spelled === '' ? Number.NaN : minutes * 60_000 + seconds * 1000 + milliseconds };
}
