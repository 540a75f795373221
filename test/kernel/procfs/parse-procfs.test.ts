import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProcfsParser } from '../../../src/kernel/procfs/parse-procfs.ts';
import { SsParser } from '../../../src/kernel/ss/parse-ss.ts';
import type { RowTimer } from '../../../src/sockets/row.ts';
import { TUPLE } from '../../../src/sockets/tuple.ts';
import { STATE, type StateName } from '../../../src/tcp/state.ts';
import { type PlainRow, plainRow } from '../../support/plain-row.ts';

const FIXTURES = new URL('../../fixtures/', import.meta.url);
const TCP = fixture('proc/net/tcp');
const TCP6 = fixture('proc/net/tcp6');
const [HEADER = ''] = TCP.toString().split('\n');
const ESTAB = '0: 0100007F:1F48 0100007F:B7C8 01 00000000:00000000 00:00000000 00000000 0 0 42 1 0000000000000000 20';

describe('/proc/net/tcp and tcp6 of a namespace with sockets in all states', () => {
  it('read as ss shows the same sockets: state, both endpoints, inode and queues', () => {
    const ss: PlainRow[] = [];
    const parser = new SsParser((row) => ss.push(plainRow(row)));
    parser.push(fixture('ss/tanoe.oneline.txt'));
    const shown = (row: PlainRow): object => {
      const { state, local, peer, inode, receiveQueue, timer } = row;
      // There procfs counts what the timer sent, and netlink the answers to repeated SYNs as well.
      const retransmits = state === 'SYN_RECEIVED' ? undefined : row.retransmits;
      const sendQueue = state === 'LISTEN' ? NaN : row.sendQueue;
      return { state, local, peer, inode, receiveQueue, timer, retransmits, sendQueue };
    };
    const { rows } = parse([TCP, TCP6]);
    expect(rows).toHaveLength(62);
    expect(new Set(rows.map((row) => row.state)).size).toBe(10);
    expect(rows.map(shown).sort(byText)).toEqual(ss.map(shown).sort(byText));
    expect(rows.every((row) => row.cookie === 0)).toBe(true);
  });

  it('have nothing that is no row', () => {
    expect(summary(parse([TCP, TCP6]).parser)).toEqual({
      rows: 62,
      duplicates: 0,
      unconnected: 0,
      unparsed: 0,
      firstUnparsed: undefined,
      truncated: false,
      foreign: false,
    });
  });

  it('give the same rows wherever their chunks end', () => {
    const whole = parse([TCP, TCP6]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        const pieces = parse([TCP, TCP6], sizes);
        expect(pieces.rows).toEqual(whole.rows);
        expect(summary(pieces.parser)).toEqual(summary(whole.parser));
      }),
      { numRuns: 30 },
    );
  });
});

describe('a row', () => {
  it.each<readonly [string, StateName]>([
    ['01', 'ESTABLISHED'],
    ['02', 'SYN_SENT'],
    ['03', 'SYN_RECEIVED'],
    ['04', 'FIN_WAIT_1'],
    ['05', 'FIN_WAIT_2'],
    ['06', 'TIME_WAIT'],
    ['08', 'CLOSE_WAIT'],
    ['09', 'LAST_ACK'],
    ['0A', 'LISTEN'],
    ['0B', 'CLOSING'],
    ['0C', 'SYN_RECEIVED'],
  ])('in %s is in state %s', (number, state) => {
    expect(only(ESTAB.replace(' 01 ', ` ${number} `)).state).toBe(state);
  });

  it('in 07 is a socket without a connection, counted apart', () => {
    const { rows, parser } = parseLines(ESTAB.replace(' 01 ', ' 07 '));
    expect(rows).toEqual([]);
    expect(parser).toMatchObject({ rows: 0, unconnected: 1, unparsed: 0 });
  });

  it('is found by its words: from row 10,000 on all columns stand one further to the right', () => {
    const padded = `   0: ${ESTAB.slice(3)}`;
    const far = `10000: ${ESTAB.slice(3).replace('1F48', '1F49')}`;
    const { rows } = parseLines(padded, far);
    expect(rows.map((row) => row.local)).toEqual(['127.0.0.1:8008', '127.0.0.1:8009']);
    expect(rows[1]).toEqual({ ...rows[0], local: '127.0.0.1:8009' });
  });

  it('has its queues in hexadecimal, to be sent first', () => {
    expect(only(ESTAB.replace('00000000:00000000', '0039B600:0001F600'))).toMatchObject({
      sendQueue: 0x39b600,
      receiveQueue: 0x1f600,
    });
  });

  it('of a listener has the length of its accept queue, and no limit: that is not in the file', () => {
    const row = only(ESTAB.replace(' 01 00000000:00000000', ' 0A 00000000:00000003'));
    expect(row).toMatchObject({ receiveQueue: 3, sendQueue: Number.NaN });
  });

  it.each<readonly [string, RowTimer, number]>([
    ['00:00000000', 'none', Number.NaN],
    ['00:00000007', 'none', Number.NaN],
    ['01:00000591', 'on', 14_250],
    ['02:000AED18', 'keepalive', 7_160_560],
    ['03:00000879', 'timewait', 21_690],
    ['04:00000000', 'persist', 0],
    ['09:00000001', 'unknown', 10],
    ['01:00000001FFFFFFFF', 'on', 85_899_345_910],
  ])('with timer %s is %s, %d ms', (spelled, timer, timerMs) => {
    expect(only(ESTAB.replace(' 00:00000000 ', ` ${spelled} `))).toMatchObject({ timer, timerMs, inode: 42 });
  });

  it.each<readonly [string, string, string, number]>([
    ['01:00000014', '00000003', '0', 3],
    ['01:00000014', '0000000F', '2', 15],
    ['04:00000014', '00000003', '12', 12],
    ['02:00000014', '00000003', '1', 1],
    ['03:00000014', '00000000', '0', 0],
    // No timer, no count: so ss says it.
    ['00:00000000', '00000003', '2', 0],
  ])('with timer %s, %s retransmissions and %s probes has sent again %d times', (timer, sent, probes, retransmits) => {
    const line = ESTAB.replace(' 00:00000000 00000000 0 0 ', ` ${timer} ${sent} 1000 ${probes} `);
    expect(only(line)).toMatchObject({ retransmits, inode: 42 });
  });

  it('without a count of retransmissions or probes is none', () => {
    for (const counts of ['x 0 0', '00000000 0 x', '00000000 0 -1']) {
      expect(parseLines(ESTAB.replace(' 00000000 0 0 ', ` ${counts} `)).parser).toMatchObject({ rows: 0, unparsed: 1 });
    }
  });

  it('has its addresses in the byte order of the host', () => {
    const ipv6 = ESTAB.replace(/\w+:1F48/, '000099FD000000000000000001000000:C5C4').replace(
      '0100007F:B7C8',
      '0000000000000000FFFF00000100007F:BE92',
    );
    expect(only(ipv6, true)).toMatchObject({ local: '[fd99::1]:50628', peer: '127.0.0.1:48786' });
    const bigEndian = ESTAB.replace(/\w+:1F48/, 'FD990000000000000000000000000001:C5C4').replace(
      '0100007F:B7C8',
      '00000000000000000000FFFF7F000001:BE92',
    );
    expect(only(bigEndian, false)).toMatchObject({ local: '[fd99::1]:50628', peer: '127.0.0.1:48786' });
    expect(only(ESTAB.replace('0100007F:1F48', 'FEFFA8C0:0001'), true).local).toBe('192.168.255.254:1');
    expect(only(ESTAB.replace('0100007F:1F48', 'C0A8FFFE:0001'), false).local).toBe('192.168.255.254:1');
  });

  it('is handed over in one object that is used for every row', () => {
    const seen = new Set<object>();
    const parser = new ProcfsParser((row) => seen.add(row));
    parser.push(TCP);
    expect(parser.rows).toBe(49);
    expect(seen.size).toBe(1);
  });
});

describe('a row that comes again', () => {
  it('is counted and is no row', () => {
    const { rows, parser } = parseLines(ESTAB, ESTAB, ESTAB.replace('0:', '1:'));
    expect(rows).toHaveLength(1);
    expect(parser.duplicates).toBe(2);
  });

  it('is none if its state has moved on, or its inode is another: SO_REUSEPORT', () => {
    const listen = ESTAB.replace(' 01 ', ' 0A ').replace('0100007F:B7C8', '00000000:0000');
    const { rows, parser } = parseLines(
      ESTAB,
      ESTAB.replace(' 01 ', ' 06 ').replace(' 42 ', ' 0 '),
      listen,
      listen.replace(' 42 ', ' 43 '),
    );
    expect(rows).toHaveLength(4);
    expect(parser.duplicates).toBe(0);
  });

  it('is counted once per file too: both show one namespace', () => {
    const mapped = ESTAB.replaceAll('0100007F', '0000000000000000FFFF00000100007F');
    expect(parse([lines(HEADER, ESTAB), lines(HEADER, mapped)]).parser).toMatchObject({ rows: 1, duplicates: 1 });
  });

  it('takes no more memory the longer the table is', () => {
    const parser = new ProcfsParser(() => {});
    const tables = Array.from({ length: 200 }, (_, table) =>
      lines(
        ...Array.from({ length: 1000 }, (_, row) =>
          ESTAB.replace('0100007F:B7C8', `${hex(table, 8)}:${hex(row, 4)}`).replace(' 42 ', ` ${row} `),
        ),
      ),
    );
    parser.push(lines(HEADER));
    parser.push(tables[0] as Buffer);
    const before = process.memoryUsage().arrayBuffers;
    for (const table of tables) parser.push(table);
    expect(parser).toMatchObject({ rows: 200_000, duplicates: 1000 });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000);
  });
});

describe('a line that is no row', () => {
  it.each([
    '0:',
    '0 0100007F:1F48 0100007F:B7C8 01 0:0 00:0 0 0 0 42',
    ESTAB.replace('0100007F:1F48', '0100007F'),
    ESTAB.replace('0100007F:1F48', '0100007F:1F4'),
    ESTAB.replace('0100007F:1F48', '0100007:1F48'),
    ESTAB.replace('0100007F:1F48', '0100007G:1F48'),
    ESTAB.replace('0100007F:1F48', '0000000000000000FFFF00000100007F:1F48'),
    ESTAB.replace('1F48', '1F4X'),
    ESTAB.replace(' 01 ', ' 00 '),
    ESTAB.replace(' 01 ', ' 0D '),
    ESTAB.replace(' 01 ', ' ESTAB '),
    ESTAB.replace('00000000:00000000', '00000000'),
    ESTAB.replace('00000000:00000000', '00000000:x'),
    ESTAB.replace(' 00:00000000 ', ' 00: '),
    ESTAB.replace(' 42 1', ''),
    ESTAB.replace(' 42 ', ' -1 '),
    ESTAB.replace(' 42 ', ' 4294967296 '),
    ESTAB.slice(0, 70),
    '\u0000\u0001',
  ])('%j is counted and hides no other', (line) => {
    const { rows, parser } = parseLines(ESTAB, line, ESTAB.replace('1F48', '1F50'));
    expect(rows).toHaveLength(2);
    expect(parser.unparsed).toBe(1);
    expect(parser.firstUnparsed).not.toBe('');
  });

  it('may be blank, and then does not count', () => {
    expect(parseLines('', ESTAB, '  ').parser).toMatchObject({ rows: 1, unparsed: 0 });
  });

  it('without its newline at the end is a truncated file', () => {
    const { rows, parser } = parse([Buffer.concat([lines(HEADER, ESTAB), Buffer.from(ESTAB)])]);
    expect(rows).toHaveLength(1);
    expect(parser).toMatchObject({ rows: 1, unparsed: 0, truncated: true });
    expect(parse([lines(HEADER, ESTAB), Buffer.from(HEADER)]).parser.truncated).toBe(true);
  });
});

describe('a file that is not the kernel’s table', () => {
  it.each([
    ['has other columns', lines(HEADER.replace('tx_queue', 'rtt'), ESTAB), 2],
    ['has a column less', lines(HEADER.replace('retrnsmt', ''), ESTAB), 2],
    ['has no header', lines(ESTAB, ESTAB), 2],
    ['has nothing', Buffer.alloc(0), 0],
    ['has a blank line', lines(''), 0],
  ])('%s: no line of it is a row', (_what, bytes, unparsed) => {
    const { rows, parser } = parse([bytes]);
    expect(rows).toEqual([]);
    expect(parser).toMatchObject({ foreign: true, unparsed });
  });

  it('does not spoil the one after it, nor is forgotten', () => {
    const { rows, parser } = parse([lines('something else', ESTAB), TCP6]);
    expect(rows).toHaveLength(13);
    expect(parser).toMatchObject({ foreign: true, unparsed: 2 });
  });
});

describe('any bytes', () => {
  it('never make it throw', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), fc.boolean(), (chunks, withHeader) => {
        const parser = new ProcfsParser(() => {});
        if (withHeader) parser.push(lines(HEADER));
        for (const chunk of chunks) parser.push(chunk);
        parser.end();
        expect(parser.rows).toBe(0);
      }),
    );
  });

  it('in a row that was one never make it throw, nor a row of what is out of range', () => {
    const states = new Set<number>();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 100 }), fc.integer({ min: 0, max: 255 }))), (changes) => {
        const bytes = lines(HEADER, ESTAB);
        for (const [at, byte] of changes) bytes[HEADER.length + 1 + at] = byte;
        const parser = new ProcfsParser((row) => {
          states.add(row.state);
          expect(row.tuple[TUPLE.localPort]).toBeLessThan(65_536);
          expect(row.inode).toBeGreaterThanOrEqual(0);
        });
        parser.push(bytes);
        parser.end();
      }),
    );
    for (const state of states) expect(state).toBeLessThan(12);
  });
});

describe('any table', () => {
  it('that the kernel prints is read back', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    const socket = fc.record({
      local: fc.tuple(word, fc.nat({ max: 0xffff })),
      peer: fc.tuple(word, fc.nat({ max: 0xffff })),
      state: fc.constantFrom(1, 2, 3, 4, 5, 6, 8, 9, 10, 11),
      queues: fc.tuple(word, word),
      timer: fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 1_000_000 })),
      again: fc.tuple(fc.nat({ max: 255 }), fc.nat({ max: 255 })),
      inode: word,
    });
    fc.assert(
      fc.property(fc.uniqueArray(socket, { selector: ({ inode }) => inode, maxLength: 50 }), (sockets) => {
        const printed = sockets.map(({ local, peer, state, queues, timer, again, inode }, index) => {
          const [at, to] = [local, peer].map(([address, port]) => `${hex(address, 8)}:${hex(port, 4)}`);
          const [tx, rx] = queues.map((queue) => hex(queue, 8));
          const when = `${hex(timer[0], 2)}:${hex(timer[1], 8)}`;
          const [sent, probes] = [hex(again[0], 8), String(again[1]).padStart(8)];
          return `${String(index + 9990).padStart(4)}: ${at} ${to} ${hex(state, 2)} ${tx}:${rx} ${when} ${sent}  1000 ${probes} ${inode} 1`;
        });
        const rows: object[] = [];
        const parser = new ProcfsParser(
          ({ tuple, ...row }) => rows.push({ ...row, tuple: Array.from(tuple) }),
          undefined,
          false,
        );
        parser.push(lines(HEADER, ...printed));
        expect(rows).toEqual(
          sockets.map(({ local, peer, state, queues, timer, again, inode }) => ({
            state,
            tuple: [0, 0, 0xffff, local[0], 0, 0, 0xffff, peer[0], local[1], peer[1]],
            receiveQueue: queues[1],
            sendQueue: state === 10 ? Number.NaN : queues[0],
            inode,
            cookie: 0,
            timer: (['none', 'on', 'keepalive', 'timewait', 'persist'] as const)[timer[0]],
            timerMs: timer[0] === 0 ? Number.NaN : timer[1] * 10,
            retransmits: timer[0] === 0 ? 0 : again[timer[0] === 1 ? 0 : 1],
          })),
        );
      }),
    );
  });
});

// The parser under test and what it saw, as plain data.

describe('rows that nobody wants', () => {
  it('are counted and not handed on', () => {
    const asked: (readonly number[])[] = [];
    const handed: number[] = [];
    const parser = new ProcfsParser(
      (row) => {
        handed.push(row.tuple[TUPLE.localPort] as number);
      },
      (...facts) => {
        asked.push(facts);
        return facts[1] === 0x1f49;
      },
      true,
    );
    parser.push(
      Buffer.from(
        `${HEADER}
   0: 0100007F:1F48 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 40771 1 0 100 0 0 10 0
   1: 0100007F:1F49 0100007F:1F50 08 00000000:00000001 00:00000000 00000000     0        0 40772 1 0 100 0 0 10 0
`,
      ),
    );
    parser.end();
    expect(asked).toEqual([
      [STATE.LISTEN, 0x1f48, 0],
      [STATE.CLOSE_WAIT, 0x1f49, 0x1f50],
    ]);
    expect(handed).toEqual([0x1f49]);
    expect(parser.rows).toBe(2);
  });
});

function parse(
  files: readonly Uint8Array[],
  sizes?: readonly number[],
  littleEndian = true,
): { rows: PlainRow[]; parser: ProcfsParser } {
  const rows: PlainRow[] = [];
  const parser = new ProcfsParser((row) => rows.push(plainRow(row)), undefined, littleEndian);
  for (const bytes of files) {
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const end = at + (sizes === undefined ? bytes.length : (sizes[turn % sizes.length] as number));
      parser.push(Uint8Array.from(bytes.subarray(at, end)));
      at = end;
    }
    parser.end();
  }
  return { rows, parser };
}

function parseLines(...rows: readonly string[]): { rows: PlainRow[]; parser: ProcfsParser } {
  return parse([lines(HEADER, ...rows)]);
}

function only(line: string, littleEndian = true): PlainRow {
  const { rows, parser } = parse([lines(HEADER, line)], undefined, littleEndian);
  expect(parser).toMatchObject({ rows: 1, unparsed: 0 });
  return rows[0] as PlainRow;
}

function summary(parser: ProcfsParser): object {
  const { rows, duplicates, unconnected, unparsed, firstUnparsed, truncated, foreign } = parser;
  return { rows, duplicates, unconnected, unparsed, firstUnparsed, truncated, foreign };
}

function lines(...texts: readonly string[]): Buffer {
  return Buffer.from(texts.map((text) => `${text}\n`).join(''));
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(name, FIXTURES));
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

function byText(one: object, other: object): number {
  return JSON.stringify(one).localeCompare(JSON.stringify(other));
}
