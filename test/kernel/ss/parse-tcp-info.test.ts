import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SsParser } from '../../../src/kernel/ss/parse-ss.ts';
import { type TcpInfo, TcpInfoReader } from '../../../src/kernel/ss/parse-tcp-info.ts';
import { endpointText, TUPLE } from '../../../src/sockets/tuple.ts';
import { stateName } from '../../../src/tcp/state.ts';

const FIXTURES = new URL('../../fixtures/ss/', import.meta.url);
const ESTAB = 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2';
const NONE: TcpInfo = {
  rttMs: Number.NaN,
  rttDeviationMs: Number.NaN,
  congestionWindow: 10,
  retransmitting: 0,
  retransmitted: 0,
  bytesRetransmitted: 0,
  unacknowledged: 0,
};

describe('tcp_info of one set of live sockets', () => {
  it.each([
    'tani.oneline.txt',
    'tani.multiline.txt',
    'versions/ss-4.9.Htanoeimp.txt',
    'versions/ss-4.20.Htanoeimp.txt',
    'versions/ss-5.5.Htanoeimp.txt',
    'versions/ss-5.5.HOtanoeimp.txt',
    'versions/ss-6.1.Htanoeimp.txt',
    'versions/ss-6.1.HOtanoeimp.txt',
    'versions/ss-7.1.Htanoeimp.txt',
    'versions/ss-7.1.HOtanoeimp.txt',
  ])('reads in %s as regular expressions read it', (name) => {
    const bytes = readFileSync(new URL(name, FIXTURES));
    const { rows, parser } = parse(bytes);
    expect(rows).toEqual(slowly(bytes.toString()));
    expect(rows.length).toBeGreaterThan(40);
    expect(parser).toMatchObject({ unparsed: 0, truncated: false });
  });

  it('is the same on one line and on two', () => {
    const [one, two] = ['tani.oneline.txt', 'tani.multiline.txt'].map(
      (name) => parse(readFileSync(new URL(name, FIXTURES))).rows,
    );
    // The round-trip times moved on between the two calls.
    expect(two?.map(({ local, peer, state }) => ({ local, peer, state }))).toEqual(
      one?.map(({ local, peer, state }) => ({ local, peer, state })),
    );
  });

  it.each(['tani.oneline.txt', 'tani.multiline.txt'])('is the same wherever the chunks of %s end', (name) => {
    const bytes = readFileSync(new URL(name, FIXTURES));
    const whole = parse(bytes).rows;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        expect(parse(bytes, sizes).rows).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });
});

describe('a row', () => {
  it('has what ss says of it', () => {
    const words =
      'cubic wscale:7,7 rto:204 rtt:0.14/0.225 cwnd:11 bytes_retrans:47616 unacked:3 retrans:1/8 lost:1 minrtt:0.006';
    expect(parse(text(`${ESTAB} ${words}`)).rows).toEqual([
      {
        state: 'ESTABLISHED',
        local: '127.0.0.1:1',
        peer: '127.0.0.1:2',
        rttMs: 0.14,
        rttDeviationMs: 0.225,
        congestionWindow: 11,
        retransmitting: 1,
        retransmitted: 8,
        bytesRetransmitted: 47616,
        unacknowledged: 3,
      },
    ]);
  });

  it('keeps nothing of the row before it', () => {
    const { rows } = parse(text(`${ESTAB} rtt:1/2 cwnd:9 retrans:3/4 unacked:5 bytes_retrans:6`, `${ESTAB} cwnd:10`));
    expect(rows[1]).toMatchObject(NONE);
  });

  it.each<readonly [string, Partial<TcpInfo>]>([
    ['rtt:1.23457e+06/0.5', { rttMs: 1_234_570, rttDeviationMs: 0.5 }],
    ['rtt:1', { rttMs: 1 }],
    ['rtt:', {}],
    ['rtt:x/1', { rttDeviationMs: 1 }],
    ['rtt:-1/1', { rttDeviationMs: 1 }],
    ['retrans:0/1', { retransmitted: 1 }],
    ['retrans:5', { retransmitting: 5, retransmitted: Number.NaN }],
    ['unacked:many', { unacknowledged: Number.NaN }],
    ['bytes_retrans:99999999999', { bytesRetransmitted: 99_999_999_999 }],
    ['bytes_retrans:1e999999', { bytesRetransmitted: Number.NaN }],
    ['bbr:(bw:0bps,mrtt:0.006,cwnd_gain:1) minrtt:5 rcv_rtt:7 cwnd_gain:9 data_retrans:9', {}],
  ])('with %s has %o', (words, expected) => {
    expect(parse(text(`${ESTAB} ${words} cwnd:10`)).rows[0]).toMatchObject({ ...NONE, ...expected });
  });

  it('without tcp_info, a mini-socket, is left out, and so are listeners', () => {
    const { rows, parser } = parse(
      text('TIME-WAIT 0 0 127.0.0.1:1 127.0.0.1:2', '\t  ', 'LISTEN 3 8 127.0.0.1:1 0.0.0.0:*', '\t cwnd:10 unacked:3'),
    );
    expect(rows).toEqual([]);
    expect(parser).toMatchObject({ rows: 2, unparsed: 0 });
  });

  it('takes no second line that is not its own', () => {
    const orphaned = ['\t cwnd:1', 'nonsense', '\t cwnd:2', 'UNCONN 0 0 127.0.0.1:1 0.0.0.0:*', '\t cwnd:3'];
    const owned = [`${ESTAB} cwnd:4`, '\t cwnd:5', ESTAB, '\t cwnd:6'];
    const { rows, parser } = parse(text(...orphaned, ...owned, ESTAB, ...orphaned.slice(1)));
    expect(rows.map((row) => row.congestionWindow)).toEqual([4, 6]);
    expect(parser).toMatchObject({ rows: 3, unparsed: 2, unconnected: 2 });
  });

  it('that is cut off is none', () => {
    const { rows, parser } = parse(Buffer.from(`${ESTAB} cwnd:10`));
    expect(rows).toEqual([]);
    expect(parser.truncated).toBe(true);
  });

  it('of any bytes never makes it throw', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
        const parser = parserOf(new TcpInfoReader(() => {}));
        parser.push(Buffer.from(`${ESTAB} `));
        for (const chunk of chunks) parser.push(chunk);
        parser.end();
      }),
    );
  });
});

interface PlainInfo extends TcpInfo {
  readonly state: string;
  readonly local: string;
  readonly peer: string;
}

function parse(bytes: Uint8Array, sizes: readonly number[] = [bytes.length]): { rows: PlainInfo[]; parser: SsParser } {
  const rows: PlainInfo[] = [];
  const reader = new TcpInfoReader(({ state, tuple }, info) => {
    rows.push({
      ...info,
      state: stateName(state),
      local: endpointText(tuple, TUPLE.localAddress, TUPLE.localPort),
      peer: endpointText(tuple, TUPLE.peerAddress, TUPLE.peerPort),
    });
  });
  const parser = parserOf(reader);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = at + (sizes[turn % sizes.length] as number);
    parser.push(Uint8Array.from(bytes.subarray(at, end)));
    at = end;
  }
  parser.end();
  return { rows, parser };
}

function parserOf({ onRow, onDetails }: TcpInfoReader): SsParser {
  return new SsParser(onRow, undefined, onDetails);
}

function text(...lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

// The slow reference: the two lines of a row joined, and a regular expression for each number.

const SLOW_STATES: Readonly<Record<string, string>> = {
  ESTAB: 'ESTABLISHED',
  'SYN-RECV': 'SYN_RECEIVED',
};

function slowly(output: string): PlainInfo[] {
  const rows: PlainInfo[] = [];
  for (const line of output.replaceAll('\n\t', ' ').split('\n')) {
    if (!/ cwnd:/.test(line) || /^(LISTEN|UNCONN)/.test(line)) continue;
    const [name = '', , , local = '', peer = ''] = line.split(/\s+/);
    const [, rtt, deviation] = / rtt:([\d.e+]+)\/([\d.e+]+)/.exec(line) ?? [];
    const [, now, total] = / retrans:(\d+)\/(\d+)/.exec(line) ?? [];
    rows.push({
      state: SLOW_STATES[name] ?? name.replaceAll('-', '_'),
      local: slowEndpoint(local),
      peer: slowEndpoint(peer),
      rttMs: Number(rtt ?? Number.NaN),
      rttDeviationMs: Number(deviation ?? Number.NaN),
      congestionWindow: Number(/ cwnd:(\d+)/.exec(line)?.[1]),
      retransmitting: Number(now ?? 0),
      retransmitted: Number(total ?? 0),
      bytesRetransmitted: Number(/ bytes_retrans:(\d+)/.exec(line)?.[1] ?? 0),
      unacknowledged: Number(/ unacked:(\d+)/.exec(line)?.[1] ?? 0),
    });
  }
  return rows;
}

function slowEndpoint(spelled: string): string {
  const [, address = '', port = ''] = /^(.*):(\d+)$/.exec(spelled) ?? [];
  const bare = address
    .replace(/%[^\]]*/, '')
    .replace(/[[\]]/g, '')
    .replace('::ffff:', '');
  return bare.includes(':') ? `[${bare}]:${port}` : `${bare}:${port}`;
}
