import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ephemeralPortCount } from '../../src/kernel/procfs/sysctl.ts';
import { EphemeralPorts } from '../../src/sockets/ephemeral-ports.ts';
import type { PortSettings } from '../../src/sockets/port-settings.ts';
import { Upstreams } from '../../src/sockets/upstreams.ts';
import type { StateName } from '../../src/tcp/state.ts';
import { type RowFacts, rowOf } from '../support/row.ts';
import { tupleOf } from '../support/tuple.ts';

const SETTINGS: PortSettings = {
  localPortRange: { from: 40_000, to: 40_031 },
  reservedPorts: [{ from: 40_030, to: 40_040 }],
  timeWaitReuse: 0,
};
const DB = '10.0.0.9:5432';
const SLOT = 2;

/** What a name that connects to DB shows of these rows: `[state, local, peer, facts]`. */
function used(
  rows: readonly (readonly [StateName, string, string, RowFacts?])[],
  { settings = SETTINGS, bound = [] }: { readonly settings?: PortSettings; readonly bound?: readonly string[] } = {},
): number {
  const upstreams = new Upstreams([]);
  upstreams.name(upstreams.remember(tupleOf('10.0.0.1:1', DB)), SLOT);
  for (const address of bound) upstreams.nameBound(-1, SLOT, tupleOf(`${address}:1`, DB));
  const ports = new EphemeralPorts(upstreams, settings);
  for (const [state, local, peer, facts] of rows) {
    if (state === 'LISTEN') ports.addListener(Number(local.split(':').at(-1)));
    else ports.add(rowOf(state, local, peer, facts));
  }
  return ports.usedByName(4)[SLOT] as number;
}

describe('where the kernel chooses the port', () => {
  test('rows in any state count, whoever owns them', () => {
    const states = [
      'SYN_SENT',
      'ESTABLISHED',
      'FIN_WAIT_1',
      'FIN_WAIT_2',
      'CLOSE_WAIT',
      'CLOSING',
      'TIME_WAIT',
    ] as const;
    expect(used(states.map((state, index) => [state, `10.0.0.1:${40_000 + index}`, DB, { inode: index }]))).toBe(7);
  });

  test('one destination from one local address counts, not the sum of all', () => {
    const rows = (peer: string, local: string, count: number): [StateName, string, string][] =>
      Array.from({ length: count }, (_, index) => ['ESTABLISHED', `${local}:${40_000 + index}`, peer]);
    expect(
      used([
        ...rows(DB, '10.0.0.1', 5),
        ...rows(DB, '10.0.0.2', 7),
        ...rows('10.0.0.9:5433', '10.0.0.1', 20),
        ...rows('10.0.0.8:5432', '10.0.0.1', 20),
      ]),
    ).toBe(7);
  });

  test('mapped and plain IPv4 are one address', () => {
    expect(
      used([
        ['ESTABLISHED', '[::ffff:10.0.0.1]:40001', `[::ffff:10.0.0.9]:5432`],
        ['ESTABLISHED', '10.0.0.1:40002', DB],
      ]),
    ).toBe(2);
  });

  test('a port outside the range, or reserved, was not chosen by the kernel', () => {
    expect(
      used([
        ['ESTABLISHED', '10.0.0.1:39999', DB],
        ['ESTABLISHED', '10.0.0.1:40030', DB],
        ['ESTABLISHED', '10.0.0.1:40029', DB],
      ]),
    ).toBe(1);
  });

  test.each([
    { reuse: 0, local: '127.0.0.1', ms: 10_000, counts: true },
    { reuse: 1, local: '10.0.0.1', ms: 58_900, counts: false },
    { reuse: 1, local: '10.0.0.1', ms: 59_000, counts: true },
    { reuse: 1, local: '10.0.0.1', ms: Number.NaN, counts: true },
    { reuse: 2, local: '10.0.0.1', ms: 10_000, counts: true },
    { reuse: 2, local: '127.0.0.1', ms: 10_000, counts: false },
    { reuse: 2, local: '127.9.9.9', ms: 10_000, counts: false },
    { reuse: undefined, local: '127.0.0.1', ms: 10_000, counts: true },
  ])('with tcp_tw_reuse $reuse a TIME_WAIT of $local that has $ms ms left counts: $counts', (each) => {
    const settings = { ...SETTINGS, timeWaitReuse: each.reuse };
    const facts = { timer: 'timewait', timerMs: each.ms } as const;
    expect(used([['TIME_WAIT', `${each.local}:40001`, DB, facts]], { settings })).toBe(each.counts ? 1 : 0);
  });

  test('the loopback of IPv6 is one too', () => {
    const upstreams = new Upstreams([]);
    upstreams.name(upstreams.remember(tupleOf('[::1]:1', '[::1]:80')), SLOT);
    const ports = new EphemeralPorts(upstreams, { ...SETTINGS, timeWaitReuse: 2 });
    ports.add(rowOf('TIME_WAIT', '[::1]:40001', '[::1]:80', { timer: 'timewait', timerMs: 1_000 }));
    ports.add(rowOf('TIME_WAIT', '[::1]:40002', '[::1]:80', { timer: 'timewait', timerMs: 59_500 }));
    expect(ports.usedByName(4)[SLOT]).toBe(1);
  });

  test('only TIME_WAIT is taken over, whatever its timer says', () => {
    const settings = { ...SETTINGS, timeWaitReuse: 1 };
    const facts = { timer: 'timewait', timerMs: 1_000 } as const;
    expect(used([['FIN_WAIT_2', '10.0.0.1:40001', DB, facts]], { settings })).toBe(1);
  });
});

describe('where the program binds', () => {
  test('every port of the local address counts once, whatever it is connected to, TIME_WAIT for its whole minute', () => {
    const settings = { ...SETTINGS, timeWaitReuse: 1 };
    const rows = [
      ['ESTABLISHED', '10.0.0.1:40001', DB],
      ['ESTABLISHED', '10.0.0.1:40001', '10.0.0.8:80'],
      ['ESTABLISHED', '10.0.0.1:40002', '10.0.0.8:80'],
      ['TIME_WAIT', '10.0.0.1:40003', '10.0.0.8:80', { timer: 'timewait', timerMs: 1_000 }],
      ['ESTABLISHED', '10.0.0.2:40004', '10.0.0.8:80'],
      ['ESTABLISHED', '10.0.0.1:50000', '10.0.0.8:80'],
    ] as const;
    expect(used(rows, { settings, bound: ['10.0.0.1'] })).toBe(3);
    expect(used(rows, { settings, bound: ['10.0.0.1', '10.0.0.2'] })).toBe(3);
    expect(used(rows, { settings, bound: ['10.0.0.2'] })).toBe(1);
    expect(used(rows, { settings })).toBe(1);
  });

  test('a socket bound to the wildcard shares its port with no address', () => {
    const rows = [
      ['ESTABLISHED', '10.0.0.1:40001', DB],
      ['ESTABLISHED', '10.0.0.2:40001', DB],
      ['ESTABLISHED', '10.0.0.2:40002', '10.0.0.8:80'],
    ] as const;
    expect(used(rows, { bound: ['0.0.0.0'] })).toBe(2);
  });

  test('what a listener accepted at its port is in neither number', () => {
    const rows = [
      ['ESTABLISHED', '10.0.0.1:40001', '10.0.0.8:50000'],
      ['LISTEN', '0.0.0.0:40001', '0.0.0.0:0'],
      ['ESTABLISHED', '10.0.0.1:40002', '10.0.0.8:80'],
    ] as const;
    expect(used(rows, { bound: ['10.0.0.1'] })).toBe(1);
  });

  test('rows are wanted for their local port alone, and only then', () => {
    const upstreams = new Upstreams([]);
    expect(new EphemeralPorts(upstreams, SETTINGS).wants(40_001)).toBe(false);
    upstreams.nameBound(-1, SLOT, tupleOf('10.0.0.1:1', DB));
    const ports = new EphemeralPorts(upstreams, SETTINGS);
    expect([39_999, 40_000, 40_029, 40_030].map((port) => ports.wants(port))).toEqual([false, true, true, false]);
    expect(new EphemeralPorts(upstreams, undefined).wants(40_001)).toBe(false);
  });
});

describe('what came while the table was read has not seen all rows, and waits for the next:', () => {
  test('an endpoint', () => {
    const upstreams = new Upstreams([]);
    const ports = new EphemeralPorts(upstreams, SETTINGS);
    upstreams.name(upstreams.remember(tupleOf('10.0.0.1:1', DB)), SLOT);
    ports.add(rowOf('ESTABLISHED', '10.0.0.1:40001', DB));
    expect(ports.usedByName(4)[SLOT]).toBeNaN();
  });

  test('an address', () => {
    const upstreams = new Upstreams([]);
    upstreams.nameBound(-1, SLOT + 1, tupleOf('10.0.0.1:1', DB));
    const ports = new EphemeralPorts(upstreams, SETTINGS);
    upstreams.nameBound(-1, SLOT, tupleOf('10.0.0.2:1', DB));
    ports.add(rowOf('ESTABLISHED', '10.0.0.2:40001', '10.0.0.8:80'));
    ports.add(rowOf('ESTABLISHED', '10.0.0.1:40001', '10.0.0.8:80'));
    expect([...ports.usedByName(4)]).toEqual([Number.NaN, Number.NaN, Number.NaN, 1]);
  });

  test('everything, where what is known was forgotten meanwhile', () => {
    const upstreams = new Upstreams([]);
    upstreams.name(upstreams.remember(tupleOf('10.0.0.1:1', DB)), SLOT);
    const ports = new EphemeralPorts(upstreams, SETTINGS);
    ports.add(rowOf('ESTABLISHED', '10.0.0.1:40001', DB));
    for (let port = 1; port <= 4_096; port++) upstreams.remember(tupleOf('10.0.0.1:1', `10.0.0.2:${port}`));
    upstreams.name(upstreams.remember(tupleOf('10.0.0.1:1', DB)), SLOT);
    expect(ports.usedByName(4)[SLOT]).toBeNaN();
  });
});

describe('what is not known', () => {
  test('is NaN: without a range, and for a name that connects to nothing known', () => {
    expect(
      used([['ESTABLISHED', '10.0.0.1:40001', DB]], { settings: { ...SETTINGS, localPortRange: undefined } }),
    ).toBeNaN();
    expect(new EphemeralPorts(new Upstreams([]), undefined).limit).toBeNaN();
    expect(new EphemeralPorts(new Upstreams([]), SETTINGS).usedByName(4)).toEqual(new Float64Array(4).fill(Number.NaN));
  });

  test('does not grow without bound: pairs beyond the limit are counted as omitted', () => {
    const upstreams = new Upstreams([]);
    upstreams.name(upstreams.remember(tupleOf('10.0.0.1:1', DB)), SLOT);
    const ports = new EphemeralPorts(upstreams, SETTINGS);
    for (let host = 0; host < 20_000; host++) {
      ports.add(rowOf('ESTABLISHED', `10.1.${host >> 8}.${host & 255}:40001`, DB));
    }
    expect(ports.omitted).toBe(20_000 - 16_384);
    expect(ports.usedByName(4)[SLOT]).toBe(1);
  });
});

test('the limit is the range without reserved ports and those that somebody listens on', () => {
  const range = fc
    .integer({ min: 1, max: 65_535 })
    .chain((from) => fc.record({ from: fc.constant(from), to: fc.integer({ min: from, max: 65_535 }) }));
  fc.assert(
    fc.property(
      range,
      fc.array(range, { maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 65_535 })),
      (localPortRange, reservedPorts, listeners) => {
        const ports = new EphemeralPorts(new Upstreams([]), { localPortRange, reservedPorts, timeWaitReuse: 2 });
        expect(ports.limit).toBe(ephemeralPortCount(localPortRange, reservedPorts));
        for (const port of [...listeners, ...listeners]) ports.addListener(port);
        const taken = new Set(
          listeners.filter(
            (port) =>
              port >= localPortRange.from &&
              port <= localPortRange.to &&
              !reservedPorts.some(({ from, to }) => port >= from && port <= to),
          ),
        );
        expect(ports.limit).toBe(ephemeralPortCount(localPortRange, reservedPorts) - taken.size);
      },
    ),
    { numRuns: 50 },
  );
});
