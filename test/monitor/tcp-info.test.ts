import net from 'node:net';
import { createMonitor, type Monitor } from 'finwait';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { registerPrometheus } from '../../src/exporters/prometheus.ts';
import { SsRun } from '../../src/kernel/ss/ss-run.ts';
import type { SsRead } from '../../src/kernel/ss/ss-runner.ts';
import { distributions, subscribe } from '../../src/metrics/measure.ts';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { type ReadSs, TcpInfoSampler } from '../../src/monitor/tcp-info.ts';
import { Ledger } from '../../src/sockets/ledger.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';
import { EVENT } from '../../src/tcp/event.ts';
import { testWith } from '../support/tools.ts';
import { tupleOf } from '../support/tuple.ts';
import { until } from '../support/wait.ts';

describe('of the kernel, for our own connections only', () => {
  let monitor: Monitor;
  const open: { destroy(): void }[] = [];

  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
    monitor.close();
  });

  testWith('ss', 'each connection is counted once a sample, on both sides', async () => {
    monitor = createMonitor({ sampleIntervalMs: 3_600_000, sampleTcpInfo: true });
    const register = new Registry();
    registerPrometheus(monitor, { register });
    const recorded: string[] = [];
    subscribe(internalsOf(monitor), 'rtt_seconds', ({ side, name }, value) => {
      expect(value).toBeLessThan(1);
      recorded.push(`${side} ${name}`);
    });
    const server = net.createServer((socket) => {
      open.push(socket);
      socket.pipe(socket);
    });
    monitor.observeServer(server, { name: 'api' });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    for (const name of ['up', 'up', 'elsewhere']) {
      const socket = net.connect(port, '127.0.0.1');
      open.push(socket);
      monitor.observeSocket(socket, { name });
      socket.write('x');
      await new Promise((resolve) => socket.once('data', resolve));
    }
    // A connection of nobody: at our port, and not observed on its own side.
    const stranger = net.connect(port, '127.0.0.1');
    open.push(stranger);
    await until(
      () => monitor.snapshot().names.some(({ side, open: count }) => side === 'server' && count === 4),
      () => 'four are accepted',
    );
    await monitor.sample();
    await monitor.sample();
    expect(counts('rtt_seconds')).toEqual({ 'server api': 8, 'client up': 4, 'client elsewhere': 2 });
    expect(counts('congestion_window_segments')).toEqual({ 'server api': 8, 'client up': 4, 'client elsewhere': 2 });
    expect(recorded).toHaveLength(14);
    const text = await register.metrics();
    expect(text).toContain('nodejs_tcp_rtt_seconds_count{side="client",name="up"} 4');
    expect(text).toContain('nodejs_tcp_retransmitting_sockets{side="client",name="up"} 0');
    server.close();
  });

  test('without the option nothing is asked, and there are no series', async () => {
    monitor = createMonitor({ sampleIntervalMs: 3_600_000 });
    await monitor.sample();
    expect(internalsOf(monitor).collector.tcpInfo).toBe(undefined);
    expect(distributions(internalsOf(monitor), 'rtt_seconds')).toEqual([]);
  });

  function counts(metric: 'rtt_seconds' | 'congestion_window_segments'): object {
    const series = distributions(internalsOf(monitor), metric);
    return Object.fromEntries(
      series.map(({ labels, histogram }) => [`${labels.side} ${labels.name}`, histogram.count]),
    );
  }
});

describe('what ss says', () => {
  function ledgerWith(peers: readonly string[]): Ledger {
    const ledger = new Ledger(20);
    for (const peer of peers) {
      const record = new SocketRecord({}, 0, 0);
      const tuple = tupleOf('10.0.0.1:40000', peer);
      ledger.add(record);
      record.upstream = ledger.rememberUpstream(tuple);
      ledger.assign(record, 'client', 'up', true, 0);
      ledger.apply(record, EVENT.adopt, 0);
      ledger.open(record, 0);
      ledger.setTuple(record, tuple);
    }
    return ledger;
  }

  function adopt(ledger: Ledger, flags: number, local: string, peer: string): SocketRecord {
    const record = new SocketRecord({}, flags | FLAG.adopted, 0);
    ledger.add(record);
    ledger.assign(record, flags === 0 ? 'client' : 'server', 'late', true, 0);
    ledger.apply(record, EVENT.adopt, 0);
    ledger.open(record, 0);
    ledger.setTuple(record, tupleOf(local, peer));
    return record;
  }

  function saying(text: string, asked: (readonly string[])[] = []): ReadSs {
    return async ({ args = [], onRow, onDetails }) => {
      asked.push(args);
      const run = new SsRun(onRow, undefined, onDetails);
      run.takeOutput(Buffer.from(text));
      return { ...run.end(0, 0), via: 'direct', durationMs: 1, blockedMs: 1 } satisfies SsRead;
    };
  }

  test('is asked for by our ports where they are few, and without a filter where they are many', async () => {
    const asked: (readonly string[])[] = [];
    await new TcpInfoSampler(ledgerWith(['10.0.0.2:5432', '10.0.0.3:5432', '10.0.0.2:6379'])).sample(saying('', asked));
    const many = Array.from({ length: 20 }, (_, index) => `10.0.0.2:${1_000 + index}`);
    await new TcpInfoSampler(ledgerWith(many)).sample(saying('', asked));
    expect(asked).toEqual([['-Htni', '(', 'dport', '=', ':5432', 'or', 'dport', '=', ':6379', ')'], ['-Htni']]);
  });

  test.each([
    [16, 16],
    [17, 0],
  ])('of connections with %i ports takes a filter of %i terms', async (ports, terms) => {
    const asked: (readonly string[])[] = [];
    const ledger = ledgerWith(Array.from({ length: ports - 1 }, (_, index) => `10.0.0.2:${1_000 + index}`));
    adopt(ledger, FLAG.server, '10.0.0.1:8080', '10.0.0.9:50000');
    await new TcpInfoSampler(ledger).sample(saying('', asked));
    expect(asked[0]?.filter((word) => word === '=')).toHaveLength(terms);
  });

  test('is asked for by the ports of the connections themselves, however they came to be observed', async () => {
    const asked: (readonly string[])[] = [];
    const ledger = new Ledger(20);
    adopt(ledger, FLAG.server, '10.0.0.1:8080', '10.0.0.9:50000');
    // Connected before it was observed: nobody saw where it was going.
    const client = adopt(ledger, 0, '10.0.0.1:40000', '10.0.0.2:5432');
    expect(client.upstream).toBe(-1);
    const sampler = new TcpInfoSampler(ledger);
    const row = 'ESTAB 0 0 10.0.0.1:40000 10.0.0.2:5432\n\t cubic rtt:41.5/9 cwnd:10\n';
    await sampler.sample(saying(row, asked));
    expect(asked).toEqual([['-Htni', '(', 'sport', '=', ':8080', 'or', 'dport', '=', ':5432', ')']]);
    expect(sampler.roundTripSeconds.at(client.slot).count).toBe(1);
  });

  test('is not asked about what has no row: attempts, and listeners without a connection', async () => {
    const asked: (readonly string[])[] = [];
    const ledger = ledgerWith(['10.0.0.2:5432']);
    ledger.add(new SocketRecord({}, 0, 0));
    const tuple = tupleOf('0.0.0.0:8080', '0.0.0.0:0');
    const [ref, inode] = [new WeakRef({}), 71];
    const times = { changedAt: 0, observedAt: -1 };
    ledger.addListener({ ref, slot: -1, transition: -1, flags: 0, ...times, port: 8080, tuple, inode });
    await new TcpInfoSampler(ledger).sample(saying('', asked));
    expect(asked).toEqual([['-Htni', '(', 'dport', '=', ':5432', ')']]);
  });

  test('is not asked for while there is no connection', async () => {
    expect(await new TcpInfoSampler(new Ledger(20)).sample(saying(''))).toBe(undefined);
  });

  test('segments that were sent again and are not acknowledged make a connection one that retransmits', async () => {
    const sampler = new TcpInfoSampler(ledgerWith(['10.0.0.2:5432', '10.0.0.2:5433']));
    const row = (peer: string, retrans: string): string =>
      `ESTAB 0 9 10.0.0.1:40000 ${peer}\n\t cubic rtt:41.5/9 cwnd:1 ${retrans} unacked:1\n`;
    const text = `${row('10.0.0.2:5432', 'retrans:1/3')}${row('10.0.0.2:5433', 'retrans:0/3')}${row('10.9.9.9:5432', 'retrans:1/1')}`;
    await sampler.sample(saying(text));
    expect([...(sampler.retransmitting ?? [])].filter((count) => count > 0)).toEqual([1]);
    const slot = sampler.retransmitting?.indexOf(1) ?? -1;
    expect(sampler.roundTripSeconds.at(slot)).toMatchObject({ count: 2, sum: 0.083 });
    expect(sampler.congestionWindows.at(slot).counts[0]).toBe(2);
    sampler.forget(slot);
    expect(sampler.roundTripSeconds.at(slot).count).toBe(0);
  });

  describe('after one connection retransmitted', () => {
    const TEXT = 'ESTAB 0 9 10.0.0.1:40000 10.0.0.2:5432\n\t cubic rtt:41.5/9 cwnd:1 retrans:1/3 unacked:1\n';
    let ledger: Ledger;
    let sampler: TcpInfoSampler;
    let slot: number;

    beforeEach(async () => {
      ledger = ledgerWith(['10.0.0.2:5432']);
      slot = ledger.records[0]?.slot ?? -1;
      sampler = new TcpInfoSampler(ledger);
      await sampler.sample(saying(TEXT));
      expect(sampler.retransmitting?.[slot]).toBe(1);
    });

    test('there is no number while a read fails, and what was counted stays counted', async () => {
      expect(await sampler.sample(saying(`${TEXT}garbage\n`))).toMatchObject({ ok: false });
      expect(sampler.retransmitting).toBe(undefined);
      expect(sampler.roundTripSeconds.at(slot).count).toBe(2);
    });

    test('none does once there is no connection', async () => {
      ledger.close(ledger.records[0] as SocketRecord, 1);
      expect(await sampler.sample(saying(TEXT))).toBe(undefined);
      expect(sampler.retransmitting?.every((count) => count === 0)).toBe(true);
    });

    test('the name that gets its place has none', () => {
      sampler.forget(slot);
      expect(sampler.retransmitting?.[slot]).toBe(0);
    });
  });
});
