import { createMonitor, type Monitor } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COLLECTOR_ERRORS, errorKey } from '../../src/kernel/source.ts';
import { measure, type ScalarName } from '../../src/metrics/measure.ts';
import { internalsOf, type MonitorInternals } from '../../src/monitor/monitor.ts';
import type { ListenerRecord } from '../../src/sockets/ledger.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';
import { TUPLE_WORDS } from '../../src/sockets/tuple.ts';
import { EVENT } from '../../src/tcp/event.ts';
import { COUNTERS, fillCollector } from '../support/collector.ts';
import { rowOf } from '../support/row.ts';
import { tupleOf } from '../support/tuple.ts';

const DB = '10.0.0.9:5432';

let monitor: Monitor;
let inside: MonitorInternals;

beforeEach(() => {
  monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: () => undefined });
  inside = internalsOf(monitor);
});
afterEach(() => monitor.close());

/** The series of a metric as text: `db` or `client db node_read` and the value. */
function series(metric: ScalarName): string[] {
  return measure(inside, metric).map(({ labels, value }) => [...Object.values(labels), value].join(' '));
}

function listen(name: string, port: number, inode: number): void {
  const listener: ListenerRecord = {
    ref: new WeakRef({}),
    slot: -1,
    transition: -1,
    flags: 0,
    changedAt: 0,
    observedAt: -1,
    port,
    tuple: new Uint32Array(TUPLE_WORDS),
    inode,
  };
  inside.ledger.assign(listener, 'server', name, true, 0);
  inside.ledger.addListener(listener);
}

function connected(name: string, local: string, peer: string): SocketRecord {
  const { ledger } = inside;
  const record = new SocketRecord({}, FLAG.adopted, 0);
  ledger.assign(record, 'client', name, true, 0);
  ledger.upstreams.name(ledger.rememberUpstream(tupleOf(local, peer)), record.slot);
  ledger.add(record);
  ledger.apply(record, EVENT.adopt, 0);
  ledger.open(record, 0);
  ledger.setTuple(record, tupleOf(local, peer));
  return record;
}

describe('with a table at hand', () => {
  test('an accept queue is shown by name, with its limit', () => {
    listen('api', 80, 1);
    listen('worker', 81, 0);
    connected('db', '10.0.0.1:40000', DB);
    fillCollector(inside, [rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0', { inode: 1, receiveQueue: 3, sendQueue: 511 })]);
    expect(series('accept_queue_connections')).toEqual(['api 3']);
    expect(series('accept_queue_limit')).toEqual(['api 511']);
  });

  test('a limit that procfs does not tell is absent, the queue is not', () => {
    listen('api', 80, 1);
    fillCollector(inside, [
      rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0', { inode: 1, receiveQueue: 3, sendQueue: Number.NaN }),
    ]);
    expect(series('accept_queue_connections')).toEqual(['api 3']);
    expect(series('accept_queue_limit')).toEqual([]);
  });

  test('what is queued is shown four ways', () => {
    const record = connected('db', '10.0.0.1:40000', DB);
    inside.ledger.nodeQueues.set(record, 1, 2);
    fillCollector(inside, [rowOf('CLOSE_WAIT', '10.0.0.1:40000', DB, { inode: 7, receiveQueue: 3, sendQueue: 4 })]);
    expect(series('queued_bytes')).toEqual([
      'client db node_read 1',
      'client db node_write 2',
      'client db kernel_receive 3',
      'client db kernel_send 4',
    ]);
    expect(monitor.snapshot().sockets).toMatchObject([
      { queued: { nodeRead: 1, nodeWrite: 2, kernelReceive: 3, kernelSend: 4 }, inode: 7 },
    ]);
  });

  test('local ports are shown for names that connect to something, beside the limit', () => {
    listen('api', 33_000, 1);
    connected('db', '10.0.0.1:40000', DB);
    inside.ledger.names.slotOf('client', 'adopted', true, 0);
    fillCollector(inside, [
      rowOf('LISTEN', '0.0.0.0:33000', '0.0.0.0:0', { inode: 1, sendQueue: 511 }),
      rowOf('ESTABLISHED', '10.0.0.1:40000', DB, { inode: 7 }),
      rowOf('ESTABLISHED', '10.0.0.1:40001', DB, { inode: 9 }),
    ]);
    expect(series('ephemeral_ports_used')).toEqual(['db 2']);
    expect(series('ephemeral_ports_limit')).toEqual(['28231']);
  });

  test('when the local ports are used up is shown once it is in sight, and 0 while there is none', () => {
    const { slot } = connected('db', '10.0.0.1:40000', DB);
    const row = rowOf('ESTABLISHED', '10.0.0.1:40000', DB, { inode: 7 });
    fillCollector(inside, [row]);
    expect(series('ephemeral_ports_exhaustion_seconds')).toEqual([]);
    inside.ledger.connects.start(slot);
    inside.ledger.connects.fail(slot, 'port_exhausted');
    expect(series('ephemeral_ports_exhaustion_seconds')).toEqual(['db 0']);
  });

  test('the source that it came from is the active one', () => {
    fillCollector(inside);
    expect(series('collector_active')).toEqual(['ss 1', 'procfs 0']);
    inside.collector.source = 'procfs';
    expect(series('collector_active')).toEqual(['ss 0', 'procfs 1']);
  });

  test('whatever was left out of it makes it truncated', () => {
    listen('api', 80, 1);
    fillCollector(inside);
    expect(series('collector_truncated')).toEqual(['0']);
    const row = rowOf('CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5000', { inode: 9 });
    fillCollector(
      inside,
      Array.from({ length: 20_001 }, () => row),
    );
    expect(series('collector_truncated')).toEqual(['1']);
  });
});

describe('without a recent table', () => {
  test('what only it tells is absent; what Node knows is there, at 0 from the start', () => {
    listen('api', 80, 1);
    connected('db', '10.0.0.1:40000', DB);
    for (const metric of [
      'accept_queue_connections',
      'accept_queue_limit',
      'ephemeral_ports_used',
      'ephemeral_ports_limit',
      'ephemeral_ports_exhaustion_seconds',
    ] as const) {
      expect(series(metric), metric).toEqual([]);
    }
    expect(series('queued_bytes')).toEqual([
      'server api node_read 0',
      'server api node_write 0',
      'client db node_read 0',
      'client db node_write 0',
    ]);
    expect(series('collector_active')).toEqual(['ss 0', 'procfs 0']);
  });
});

describe('beside the table', () => {
  const counters = {
    netns_listen_overflows_total: COUNTERS.listenOverflows,
    netns_listen_drops_total: COUNTERS.listenDrops,
    netns_time_wait_created_total: COUNTERS.timeWaitCreated,
    netns_retransmitted_segments_total: COUNTERS.retransmittedSegments,
    netns_resets_sent_total: COUNTERS.resetsSent,
    netns_syn_retransmits_total: COUNTERS.synRetransmits,
    netns_syn_cookies_sent_total: COUNTERS.synCookiesSent,
  } as const;

  test.each(Object.entries(counters) as [ScalarName, number][])('%s is the counter of the kernel', (metric, value) => {
    expect(series(metric)).toEqual([]);
    fillCollector(inside);
    expect(series(metric)).toEqual([String(value)]);
    inside.collector.counters = Object.fromEntries(Object.keys(COUNTERS).map((key) => [key, undefined])) as never;
    expect(series(metric), 'a kernel that has no such counter').toEqual([]);
  });

  test('descriptors are shown where they are known', () => {
    expect([series('open_fds'), series('max_fds')]).toEqual([[], []]);
    fillCollector(inside);
    expect([series('open_fds'), series('max_fds')]).toEqual([['27'], ['1024']]);
    inside.collector.descriptors = { open: undefined, limit: Number.POSITIVE_INFINITY };
    expect([series('open_fds'), series('max_fds')]).toEqual([[], ['Infinity']]);
  });

  test('every pair of a source and what may go wrong with it is there from the start, each counted for itself', () => {
    expect(series('collector_errors_total')).toEqual(
      COLLECTOR_ERRORS.map(({ source, reason }) => `${source} ${reason} 0`),
    );
    inside.collector.errors.set(errorKey({ source: 'procfs', reason: 'timeout' }), 3);
    expect(series('collector_errors_total').filter((text) => !text.endsWith(' 0'))).toEqual(['procfs timeout 3']);
  });
});
