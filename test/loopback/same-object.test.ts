import { once } from 'node:events';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { createMonitor, type Monitor, type NameSnapshot } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { COUNT } from '../../src/sockets/ledger.ts';
import { until } from '../support/wait.ts';

// One socket or server object that has one kernel socket after another, or is met when the kernel is at work already.

let monitor: Monitor;
let server: Server;
let open: { destroy(): unknown }[];

beforeEach(async () => {
  open = [];
  monitor = createMonitor({ sampleIntervalMs: 3_600_000 });
  server = net.createServer((socket) => keep(socket).pipe(socket));
  await listenOn(server);
});

afterEach(async () => {
  for (const socket of open) socket.destroy();
  if (server.listening) server.close();
  await until(
    () => openConnections().length === 0,
    () => `nothing is open, and not: ${openConnections().join(', ')}`,
  );
  expect(monitor.snapshot().illegal).toEqual([]);
  expect([...internalsOf(monitor).internalErrors]).toEqual([]);
  monitor.close();
});

function openConnections(): string[] {
  return monitor
    .snapshot()
    .names.filter((of) => of.open > 0)
    .map(({ side, name }) => `${side} ${name}`);
}

function keep(socket: Socket): Socket {
  open.push(socket);
  return socket.on('error', () => {});
}

async function listenOn(target: Server, host = '127.0.0.1'): Promise<number> {
  target.listen(0, host);
  await once(target, 'listening');
  return portOf(target);
}

function portOf(target: Server): number {
  return (target.address() as AddressInfo).port;
}

function named(name: string): NameSnapshot | undefined {
  return monitor.snapshot().names.find((of) => of.name === name);
}

function clientNames(): string[] {
  return monitor
    .snapshot()
    .names.filter(({ side }) => side === 'client')
    .map(({ name }) => name);
}

/** What was counted under a name. */
function bytesOf(name: string): [received: number, sent: number] {
  const { ledger } = internalsOf(monitor);
  const slot = ledger.names.entries().find((entry) => entry.name === name)?.slot ?? -1;
  return [ledger.count(slot, COUNT.bytesReceived), ledger.count(slot, COUNT.bytesSent)];
}

test('a server that listens elsewhere while a connection keeps it from closing counts one LISTEN, at the new port', async () => {
  monitor.observeServer(server);
  const before = portOf(server);
  const client = keep(net.connect(before, '127.0.0.1'));
  await once(client, 'connect');
  await until(
    () => named(String(before))?.open === 1,
    () => 'the connection is accepted',
  );
  server.close();
  const after = await listenOn(server);
  expect(after).not.toBe(before);
  expect(named(String(before))?.node.listen).toBe(0);
  expect(named(String(after))?.node.listen).toBe(1);
  client.destroy();
  server.close();
  await once(server, 'close');
  for (const port of [before, after]) expect(named(String(port))?.node.listen).toBe(0);
});

describe('a socket that is observed while its connect(2) is under way', () => {
  test('gets its name, and its place in the gauges, when it is connected', async () => {
    const socket = keep(net.connect(portOf(server), '127.0.0.1'));
    await once(socket, 'connectionAttempt');
    monitor.observeSocket(socket);
    expect(clientNames()).toEqual([]);
    await once(socket, 'connect');
    const name = `ip:${portOf(server)}`;
    expect(clientNames()).toEqual([name]);
    expect(named(name)).toMatchObject({ opened: 1, open: 1, node: { syn_sent: 0, established: 1 } });
  });

  test('has a name that the program chose from the start', async () => {
    const socket = keep(net.connect(portOf(server), '127.0.0.1'));
    await once(socket, 'connectionAttempt');
    monitor.observeSocket(socket, { name: 'echo' });
    expect(named('echo')?.node.syn_sent).toBe(1);
    await once(socket, 'connect');
    expect(named('echo')?.node).toMatchObject({ syn_sent: 0, established: 1 });
  });

  test('and destroyed before it is connected, leaves nothing behind but an aborted operation', async () => {
    const socket = keep(net.connect(portOf(server), '127.0.0.1'));
    await once(socket, 'connectionAttempt');
    monitor.observeSocket(socket);
    socket.destroy();
    await once(socket, 'close');
    const { records, connects, names } = internalsOf(monitor).ledger;
    expect(records).toEqual([]);
    // To which port it went nobody tells any more.
    expect(clientNames()).toEqual(['ip']);
    const slot = names.entries().find(({ name }) => name === 'ip')?.slot ?? -1;
    expect([connects.started(slot), connects.failed(slot, 'aborted'), connects.pending(slot)]).toEqual([1, 1, 0]);
  });
});

describe('connect() in the tick of the end before', () => {
  test('destroy() counts as our close, with the bytes of the connection', async () => {
    const socket = keep(net.connect(portOf(server), '127.0.0.1'));
    monitor.observeSocket(socket, { name: 'echo' });
    socket.write('hello');
    await once(socket, 'data');
    socket.destroy();
    socket.connect(portOf(server), '127.0.0.1');
    await once(socket, 'connect');
    expect(named('echo')).toMatchObject({ opened: 2, closed: 1, open: 1, resetsSent: 0 });
    expect(bytesOf('echo')).toEqual([5, 5]);
    expect(internalsOf(monitor).ledger.closedTuples.size).toBe(1);
  });

  test('resetAndDestroy() counts as the reset it was', async () => {
    const socket = keep(net.connect(portOf(server), '127.0.0.1'));
    monitor.observeSocket(socket, { name: 'echo' });
    await once(socket, 'connect');
    socket.resetAndDestroy();
    socket.connect(portOf(server), '127.0.0.1');
    await once(socket, 'connect');
    expect(named('echo')).toMatchObject({ opened: 2, closed: 1, open: 1, resetsSent: 1 });
    socket.destroy();
    await once(socket, 'close');
    expect(named('echo')).toMatchObject({ opened: 2, closed: 2, resetsSent: 1 });
  });
});

describe('the default name', () => {
  test('is of the host that this connect() was given, not of the one before', async () => {
    const local = net.createServer((socket) => keep(socket).resume());
    const port = await listenOn(local, 'localhost');
    const socket = keep(new net.Socket());
    monitor.observeSocket(socket);
    for (const host of ['localhost', (local.address() as AddressInfo).address, 'localhost']) {
      socket.connect(port, host);
      await once(socket, 'connect');
      socket.destroy();
      await once(socket, 'close');
    }
    expect(named(`localhost:${port}`)).toMatchObject({ opened: 2, closed: 2 });
    expect(named(`ip:${port}`)).toMatchObject({ opened: 1, closed: 1 });
    local.close();
    await once(local, 'close');
  });
});

test('connections beyond the limit of names are counted when they open, attempts are not', async () => {
  const crowded = createMonitor({ sampleIntervalMs: 3_600_000, maxNames: 1 });
  const { names } = internalsOf(crowded).ledger;
  crowded.observeServer(server, { name: 'api' });
  const refused = keep(new net.Socket());
  crowded.observeSocket(refused, { name: 'nobody' });
  expect(names.overflowed).toBe(0);
  const socket = keep(net.connect(portOf(server), '127.0.0.1'));
  crowded.observeSocket(socket);
  await once(socket, 'connect');
  expect(names.overflowed).toBe(1);
  crowded.close();
});
