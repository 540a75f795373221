// What waits, held against the queues that ss shows.
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createMonitor, type Monitor } from 'finwait';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { measure, type ScalarName } from '../../src/metrics/measure.ts';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { createCertificate } from '../support/certificate.ts';
import { testWith } from '../support/tools.ts';
import { until } from '../support/wait.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/programs/shared-listener.mjs', import.meta.url));

let monitor: Monitor;
const ends: (() => void)[] = [];

beforeEach(async () => {
  monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: () => undefined });
  // The first sample comes by itself: on a busy machine it would be under way when a test asks for its own, and joined.
  await monitor.sample();
});
afterEach(() => {
  monitor.close();
  for (const end of ends.splice(0).reverse()) end();
});

/** What ss shows of the sockets at a port, or connected to it: `listener`, `server` or `client`, Recv-Q and Send-Q. */
async function table(port: number): Promise<{ readonly [row: string]: readonly number[] }> {
  const { stdout } = await promisify(execFile)('ss', ['-Htan', `( sport = :${port} or dport = :${port} )`]);
  // The port may have been another socket's: what is left of that is nobody's queue.
  const rows = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('TIME-WAIT'));
  return Object.fromEntries(
    rows.map((line) => {
      const [state, received, sent, local] = line.split(/\s+/);
      const end = local?.endsWith(`:${port}`) === true ? 'server' : 'client';
      return [state === 'LISTEN' ? 'listener' : end, [Number(received), Number(sent)]];
    }),
  );
}

/** Takes a sample before and after which ss shows the same; returns what it shows. */
async function quietSample(port: number): ReturnType<typeof table> {
  let before: Awaited<ReturnType<typeof table>> = {};
  await until(
    async () => {
      before = await table(port);
      expect(await monitor.sample()).toMatchObject({ ok: true });
      return JSON.stringify(await table(port)) === JSON.stringify(before);
    },
    () => `the queues stand still, they were ${JSON.stringify(before)}`,
  );
  return before;
}

/** The values of a metric by one of its labels. */
function values(metric: ScalarName, label: 'name' | 'queue', name = 'api'): { readonly [value: string]: number } {
  const points = measure(internalsOf(monitor), metric).filter(({ labels }) => labels.name === name);
  return Object.fromEntries(points.map(({ labels, value }) => [labels[label] ?? '', value]));
}

describe('an accept queue', () => {
  let child: ChildProcess;
  let port: number;

  /** A listener that nobody accepts from: its other owner stands still, and ours has a descriptor of it only. */
  async function listen(backlog: number): Promise<void> {
    child = fork(PROGRAM, [String(backlog)]);
    ends.push(() => child.kill('SIGKILL'));
    const [message, handle] = (await once(child, 'message')) as [number, { close(): void }];
    port = message;
    child.kill('SIGSTOP');
    ends.push(() => handle.close());
    const server = new net.Server();
    (server as unknown as { _handle: object })._handle = handle;
    monitor.observeServer(server, { name: 'api' });
  }

  async function connect(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const socket = net.connect(port, '127.0.0.1');
      ends.push(() => socket.destroy());
      socket.on('error', () => undefined);
      await once(socket, 'connect');
    }
  }

  testWith('ss', 'is as long as ss says, and as long as there are connections that nobody accepts', async () => {
    await listen(8);
    expect(await monitor.sample()).toMatchObject({ ok: true });
    expect(values('accept_queue_connections', 'name')).toEqual({ api: 0 });
    await connect(5);
    // Of a listening socket ss shows the length of the queue as Recv-Q, and its limit as Send-Q.
    expect(await quietSample(port)).toMatchObject({ listener: [5, 8] });
    expect(values('accept_queue_connections', 'name')).toEqual({ api: 5 });
    expect(values('accept_queue_limit', 'name')).toEqual({ api: 8 });
    expect(monitor.snapshot().names).toMatchObject([{ name: 'api', acceptQueue: { connections: 5, limit: 8 } }]);
    const { collector, ledger } = internalsOf(monitor);
    expect(collector.column?.waiting[ledger.names.entries()[0]?.slot ?? -1]).toBe(5);
  });

  testWith('ss', 'is full with one more than its limit, and empty again once somebody accepts', async () => {
    await listen(3);
    await connect(4);
    expect(await monitor.sample()).toMatchObject({ ok: true });
    expect(values('accept_queue_connections', 'name')).toEqual({ api: 4 });
    expect(values('accept_queue_limit', 'name')).toEqual({ api: 3 });
    const [verdict] = monitor.snapshot().verdicts;
    expect(verdict).toMatchObject({ kind: 'accept_queue_full', name: 'api', evidence: { connections: 4, limit: 4 } });
    expect(verdict?.sentence).toContain('though the event loop was free');
    child.kill('SIGCONT');
    await until(
      async () => {
        expect(await monitor.sample()).toMatchObject({ ok: true });
        return values('accept_queue_connections', 'name')['api'] === 0;
      },
      () => 'the queue is empty',
    );
  });
});

describe('queued bytes', () => {
  testWith('ss', 'are what ss shows of both ends, and what the streams hold', async () => {
    const server = net.createServer();
    ends.push(() => server.close());
    monitor.observeServer(server, { name: 'api' });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const client = net.connect(port, '127.0.0.1');
    ends.push(() => client.destroy());
    monitor.observeSocket(client, { name: 'upstream' });
    const [accepted] = (await once(server, 'connection')) as [net.Socket];
    ends.push(() => accepted.destroy());

    // Nobody reads: the server's stream takes a buffer full and stops, then both kernels' queues fill up.
    accepted.once('readable', () => undefined);
    client.write(Buffer.alloc(16_777_216));
    let queues = await quietSample(port);
    await until(
      async () => {
        queues = await quietSample(port);
        return (queues['server']?.[0] ?? 0) > 100_000 && (queues['client']?.[1] ?? 0) > 100_000;
      },
      () => `both kernels' queues are full: ${JSON.stringify(queues)}`,
    );
    const { server: [serverReceives, serverSends] = [], client: [clientReceives, clientSends] = [] } = queues;
    expect(accepted.readableLength).toBeGreaterThan(0);
    expect(values('queued_bytes', 'queue', 'api')).toEqual({
      node_read: accepted.readableLength,
      node_write: 0,
      kernel_receive: serverReceives,
      kernel_send: serverSends,
    });
    expect(values('queued_bytes', 'queue', 'upstream')).toEqual({
      node_read: 0,
      node_write: client.writableLength,
      kernel_receive: clientReceives,
      kernel_send: clientSends,
    });
    expect(client.writableLength).toBeGreaterThan(1_000_000);

    client.destroy();
    await once(client, 'close');
    expect(values('queued_bytes', 'queue', 'upstream')).toMatchObject({ node_read: 0, node_write: 0 });
  });

  testWith(
    'ss',
    'are on TLS those of the TLSSocket: what it has decrypted, and what it has not encrypted',
    async () => {
      const { key, cert } = createCertificate();
      const server = tls.createServer({ key, cert });
      ends.push(() => server.close());
      monitor.observeServer(server, { name: 'api' });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as net.AddressInfo;
      const client = tls.connect({ port, host: '127.0.0.1', ca: cert, servername: 'localhost' });
      ends.push(() => client.destroy());
      monitor.observeSocket(client, { name: 'upstream' });
      const [accepted] = (await once(server, 'secureConnection')) as [tls.TLSSocket];
      ends.push(() => accepted.destroy());
      accepted.once('readable', () => undefined);
      client.write(Buffer.alloc(16_777_216));
      await until(
        () => accepted.readableLength > 0,
        () => 'the server reads ahead',
      );
      await quietSample(port);
      expect(accepted.readableLength).toBeGreaterThan(0);
      expect(client.writableLength).toBeGreaterThan(1_000_000);
      expect(values('queued_bytes', 'queue', 'api')).toMatchObject({
        node_read: accepted.readableLength,
        node_write: 0,
      });
      expect(values('queued_bytes', 'queue', 'upstream')).toMatchObject({
        node_read: 0,
        node_write: client.writableLength,
      });
    },
  );
});
