import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Destinations } from '../../src/diagnose/destinations.ts';
import { HostAddresses } from '../../src/diagnose/host-addresses.ts';
import { type TableSight, TableView, type Viewpoint } from '../../src/diagnose/table-view.ts';
import { PortSet } from '../../src/sockets/port-set.ts';
import { type KernelRow, offer } from '../../src/sockets/row.ts';
import { STATE_LABELS } from '../../src/tcp/state.ts';
import { rowOf } from '../support/row.ts';
import { anyRow } from '../support/rows.ts';

const SETTINGS = { localPortRange: { from: 40_000, to: 40_009 }, reservedPorts: [], timeWaitReuse: 0 };

function viewpoint(changes: Partial<Viewpoint> = {}): Viewpoint {
  const ports = new PortSet();
  ports.add(3000);
  return {
    ports,
    listening: new PortSet(),
    host: new HostAddresses(['10.0.0.1', 'fe80::1', 'nonsense']),
    owned: new Set(),
    destinations: new Destinations(),
    isLearning: false,
    settings: SETTINGS,
    ...changes,
  };
}

function see(rows: readonly KernelRow[], changes: Partial<Viewpoint> = {}): TableSight {
  const view = new TableView(viewpoint(changes));
  for (const row of rows) offer(view, row);
  return view.sight();
}

describe('whose row it is', () => {
  test('the server has the port, a caller on this host goes to it, and the same port of another host is nobody', () => {
    const sight = see([
      rowOf('ESTABLISHED', '10.0.0.1:3000', '10.0.0.7:50000', { inode: 1 }),
      rowOf('TIME_WAIT', '127.0.0.1:3000', '127.0.0.1:40001'),
      rowOf('ESTABLISHED', '127.0.0.1:40002', '127.0.0.1:3000', { inode: 2 }),
      rowOf('ESTABLISHED', '10.0.0.1:40003', '10.0.0.1:3000', { inode: 3 }),
      rowOf('ESTABLISHED', '10.0.0.1:40004', '10.0.0.9:3000', { inode: 4 }),
      rowOf('ESTABLISHED', '10.0.0.1:22', '10.0.0.7:50001', { inode: 5 }),
    ]);
    expect(sight.server).toMatchObject({ established: 1, time_wait: 1, listen: 0 });
    expect(sight.callers).toMatchObject({ established: 2, time_wait: 0 });
    expect(sight.outbound).toMatchObject({ established: 0 });
    expect(sight.netns).toMatchObject({ established: 5, time_wait: 1 });
    expect(sight.rows).toBe(6);
  });

  test("what the target's descriptors hold is outbound, and what it leaves at the same destination too", () => {
    const destinations = new Destinations();
    const rows = [
      rowOf('ESTABLISHED', '10.0.0.1:40001', '10.0.0.9:5432', { inode: 77 }),
      rowOf('TIME_WAIT', '10.0.0.1:40002', '10.0.0.9:5432'),
      rowOf('TIME_WAIT', '10.0.0.1:40003', '10.0.0.9:5433'),
      rowOf('ESTABLISHED', '10.0.0.1:40004', '10.0.0.9:5432', { inode: 78 }),
    ];
    const first = see(rows, { owned: new Set([77]), destinations, isLearning: true });
    expect(first.outbound).toMatchObject({ established: 1, time_wait: 1 });
    // The second process there uses up ports as well.
    expect(first.ports).toEqual([{ whose: 'outbound', destination: '10.0.0.9:5432', used: 3, timeWait: 1, limit: 10 }]);
    const later = see(rows, { owned: new Set([77]), destinations });
    expect(later.outbound).toEqual(first.outbound);
  });
});

test('what another listener of the target has accepted is no outgoing connection, in whatever order rows come', () => {
  const owned = new Set([7, 8]);
  const [listener, accepted, outgoing] = [
    rowOf('LISTEN', '0.0.0.0:4000', '0.0.0.0:0', { inode: 6, sendQueue: 511 }),
    rowOf('ESTABLISHED', '10.0.0.1:4000', '10.0.0.7:50000', { inode: 7 }),
    rowOf('ESTABLISHED', '10.0.0.1:40001', '10.0.0.9:5432', { inode: 8 }),
  ];
  const listening = new PortSet();
  const rows = [listener, accepted, outgoing];
  expect(see(rows, { owned, listening, isLearning: true }).outbound.established).toBe(1);
  expect(see(rows.reverse(), { owned, listening, isLearning: true }).outbound.established).toBe(1);
});

describe('the accept queue', () => {
  test('listeners that share the port are added up, and what waits has no inode', () => {
    const sight = see([
      rowOf('LISTEN', '0.0.0.0:3000', '0.0.0.0:0', { receiveQueue: 9, sendQueue: 8, inode: 1 }),
      rowOf('LISTEN', '0.0.0.0:3000', '0.0.0.0:0', { receiveQueue: 1, sendQueue: 8, inode: 2 }),
      rowOf('LISTEN', '0.0.0.0:4000', '0.0.0.0:0', { receiveQueue: 5, sendQueue: 511, inode: 3 }),
      rowOf('ESTABLISHED', '127.0.0.1:3000', '127.0.0.1:40001', { cookie: 5 }),
      rowOf('CLOSE_WAIT', '127.0.0.1:3000', '127.0.0.1:40002'),
      rowOf('ESTABLISHED', '127.0.0.1:3000', '127.0.0.1:40003', { inode: 9, cookie: 6 }),
      rowOf('FIN_WAIT_2', '127.0.0.1:3000', '127.0.0.1:40004'),
    ]);
    expect(sight.queue).toEqual({ connections: 10, limit: 16, listeners: 2 });
    expect(sight.server.listen).toBe(2);
    expect([...sight.waiting]).toEqual([5, '127.0.0.1:3000 127.0.0.1:40002']);
  });

  test('without a listener there is none, and by procfs its limit is not known', () => {
    expect(see([]).queue).toBeUndefined();
    expect(see([rowOf('LISTEN', '[::]:3000', '[::]:0', { sendQueue: Number.NaN })]).queue?.limit).toBeNaN();
  });
});

test('what waits, what is lost and what nobody reads is told by queues and timers', () => {
  const server = (facts: object): KernelRow => rowOf('ESTABLISHED', '127.0.0.1:3000', '127.0.0.1:40001', facts);
  const { serverEnd } = see([
    server({ inode: 1, receiveQueue: 100 }),
    server({ inode: 1, receiveQueue: 1, sendQueue: 50 }),
    server({ inode: 1, sendQueue: 7, timer: 'persist' }),
    server({ inode: 1, sendQueue: 7, timer: 'on', retransmits: 2 }),
    server({ inode: 1, sendQueue: 7, timer: 'on' }),
    rowOf('SYN_RECEIVED', '127.0.0.1:3000', '127.0.0.1:40002', { timer: 'on', retransmits: 1, sendQueue: 1 }),
    rowOf('CLOSE_WAIT', '127.0.0.1:3000', '127.0.0.1:40003', { inode: 3, receiveQueue: 1 }),
    rowOf('CLOSE_WAIT', '127.0.0.1:3000', '127.0.0.1:40004', { receiveQueue: 1 }),
  ]);
  expect(serverEnd).toEqual({
    unread: 4,
    unreadBytes: 103,
    unsent: 4,
    unsentBytes: 71,
    zeroWindow: 1,
    retransmitting: 1,
    synRetransmitting: 1,
    closeWaitHeld: 1,
  });
});

describe('local ports', () => {
  const caller = (
    port: number,
    state: Parameters<typeof rowOf>[0],
    facts: object = {},
    from = '127.0.0.1',
  ): KernelRow => rowOf(state, `${from}:${port}`, '127.0.0.1:3000', facts);

  test('those towards one destination from one address count, the worst first', () => {
    const sight = see([
      caller(40_001, 'ESTABLISHED', { inode: 1 }),
      caller(40_002, 'TIME_WAIT', { timer: 'timewait', timerMs: 30_000 }),
      caller(40_003, 'SYN_SENT', { inode: 2 }),
      caller(40_001, 'ESTABLISHED', { inode: 3 }, '127.0.0.2'),
      caller(50_000, 'ESTABLISHED', { inode: 4 }),
      rowOf('LISTEN', '0.0.0.0:40005', '0.0.0.0:0'),
    ]);
    expect(sight.ports).toEqual([
      { whose: 'callers', destination: '127.0.0.1:3000', used: 3, timeWait: 1, limit: 9 },
      { whose: 'callers', destination: '127.0.0.1:3000', used: 1, timeWait: 0, limit: 9 },
    ]);
  });

  test.each([
    [0, 30_000, 1],
    [1, 30_000, 0],
    [2, 30_000, 0],
    [1, 59_500, 1],
  ])('with tcp_tw_reuse %i a TIME_WAIT with %i ms left uses %i', (timeWaitReuse, timerMs, used) => {
    const { ports } = see([caller(40_001, 'TIME_WAIT', { timer: 'timewait', timerMs })], {
      settings: { ...SETTINGS, timeWaitReuse },
    });
    expect(ports[0]?.used ?? 0).toBe(used);
  });

  test('where the range is not known, all count and there is no limit', () => {
    const settings = { localPortRange: undefined, reservedPorts: undefined, timeWaitReuse: undefined };
    expect(see([caller(1_024, 'ESTABLISHED', { inode: 1 })], { settings }).ports).toEqual([
      { whose: 'callers', destination: '127.0.0.1:3000', used: 1, timeWait: 0 },
    ]);
  });
});

test('every row of any table is counted once for the namespace, and at most once for an end', () => {
  fc.assert(
    fc.property(fc.array(anyRow), fc.boolean(), (rows, isLearning) => {
      const owned = new Set(rows.filter((_, index) => index % 2 === 0).map(({ inode }) => inode));
      const { netns, server, callers, outbound, ...sight } = see(rows, { owned, isLearning });
      const total = (states: typeof netns): number => STATE_LABELS.reduce((sum, state) => sum + states[state], 0);
      expect(total(netns)).toBe(rows.length);
      expect(sight.rows).toBe(rows.length);
      expect(total(server) + total(callers) + total(outbound)).toBeLessThanOrEqual(rows.length);
    }),
  );
});
