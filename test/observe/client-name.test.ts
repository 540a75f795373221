// The name of a client whose connect operation has no attempt yet, or never had one.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { createMonitor, type Monitor } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';

type Lookup = NonNullable<net.TcpSocketConnectOpts['lookup']>;

let monitor: Monitor;
let server: net.Server;
let port: number;
const sockets: net.Socket[] = [];

beforeEach(async () => {
  monitor = createMonitor({ sampleIntervalMs: 3_600_000, maxNames: 100 });
  server = net.createServer((socket) => socket.on('error', () => undefined).resume());
  port = await listen(server);
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  expect([...internalsOf(monitor).internalErrors]).toEqual([]);
  monitor.close();
  server.close();
});

async function listen(target: net.Server): Promise<number> {
  await once(target.listen(0, '127.0.0.1'), 'listening');
  return (target.address() as net.AddressInfo).port;
}

function keep<T extends net.Socket>(socket: T): T {
  sockets.push(socket);
  return socket.on('error', () => undefined);
}

function closed(socket: net.Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

const fails: Lookup = (_name, _options, done) => {
  setImmediate(done, Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), '', 4);
};
const neverEnds: Lookup = () => undefined;

function finds(address: string): Lookup {
  return (_name, options, done) => {
    setImmediate(() => (options.all ? done(null, [{ address, family: 4 }]) : done(null, address, 4)));
  };
}

/** By name: operations that were begun, and those that are pending. */
function operations(): { readonly [name: string]: readonly [number, number] } {
  const { ledger, poll } = internalsOf(monitor);
  poll();
  const { names, connects } = ledger;
  return Object.fromEntries(
    names
      .entries()
      .filter(({ side }) => side === 'client')
      .map(({ slot, name }) => [name, [connects.started(slot), connects.pending(slot)]]),
  );
}

describe('the name of an operation whose name did not resolve', () => {
  test('has the port that tls.connect() was given', async () => {
    const socket = keep(tls.connect({ host: 'tls-fails.test', port, lookup: fails }));
    monitor.observeSocket(socket);
    await closed(socket);
    expect(operations()).toEqual({ [`tls-fails.test:${port}`]: [1, 0] });
  });

  test('has the port of the agent that connects', async () => {
    const request = http.get({ host: 'http-fails.test', port, lookup: fails, agent: new http.Agent() });
    request.on('error', () => undefined);
    const [socket] = (await once(request, 'socket')) as [net.Socket];
    monitor.observeSocket(keep(socket));
    await closed(socket);
    expect(operations()).toEqual({ [`http-fails.test:${port}`]: [1, 0] });
  });

  test('has the port that the host was connected to before, if there was only one', async () => {
    const connectTo = async (to: number, lookup: Lookup): Promise<void> => {
      const socket = keep(net.connect({ host: 'known.test', port: to, lookup }));
      monitor.observeSocket(socket);
      socket.once('connect', () => socket.destroy());
      await closed(socket);
    };
    await connectTo(port, finds('127.0.0.1'));
    await connectTo(port, fails);
    expect(operations()).toEqual({ [`known.test:${port}`]: [2, 0] });
    const other = net.createServer((socket) => socket.resume());
    const otherPort = await listen(other);
    await connectTo(otherPort, finds('127.0.0.1'));
    await connectTo(port, fails);
    expect(operations()).toEqual({
      [`known.test:${port}`]: [2, 0],
      [`known.test:${otherPort}`]: [1, 0],
      'known.test': [1, 0],
    });
    other.close();
  });

  test('is the host alone where nobody knows the port', async () => {
    const socket = keep(net.connect({ host: 'unknown.test', port, lookup: fails }));
    monitor.observeSocket(socket);
    await closed(socket);
    expect(operations()).toEqual({ 'unknown.test': [1, 0] });
  });

  test('is the one the program chose, and not that of an address', async () => {
    const socket = keep(net.connect({ host: 'chosen.test', port, lookup: fails }));
    monitor.observeSocket(socket, { name: 'chosen' });
    await closed(socket);
    expect(operations()).toEqual({ chosen: [1, 0] });
  });
});

describe('an operation that waits for its lookup', () => {
  test('is pending where its name is certain', () => {
    monitor.observeProcess();
    const socket = keep(tls.connect({ host: 'waits.test', port, lookup: neverEnds }));
    expect(operations()).toEqual({ [`waits.test:${port}`]: [1, 1] });
    socket.destroy();
    // Until 'close'.
    expect(operations()).toEqual({ [`waits.test:${port}`]: [1, 1] });
  });

  test('is aborted when it is destroyed then', async () => {
    monitor.observeProcess();
    const socket = keep(tls.connect({ host: 'given-up.test', port, lookup: neverEnds }));
    socket.destroy();
    operations();
    await closed(socket);
    expect(operations()).toEqual({ [`given-up.test:${port}`]: [1, 0] });
  });

  test('is pending no more when the monitor is closed', () => {
    monitor.observeProcess();
    keep(tls.connect({ host: 'closed.test', port, lookup: neverEnds }));
    expect(operations()).toEqual({ [`closed.test:${port}`]: [1, 1] });
    monitor.close();
    expect(operations()).toEqual({ [`closed.test:${port}`]: [1, 0] });
  });

  test('has its lookup measured, though it was counted before', async () => {
    monitor.observeProcess();
    const socket = keep(net.connect({ host: 'measured.test', port, lookup: finds('127.0.0.1') }));
    monitor.observeSocket(socket, { name: 'measured' });
    expect(operations()).toEqual({ measured: [1, 1] });
    await once(socket, 'connect');
    const { durations } = internalsOf(monitor).ledger.connects;
    expect([durations.lookup.count, durations.tcp.count]).toEqual([1, 1]);
  });
});

describe('a socket that connects again', () => {
  test('has the name of where it goes now', async () => {
    monitor.observeProcess();
    const socket = keep(new net.Socket());
    for (const host of ['first.test', 'second.test']) {
      socket.connect({ host, port, lookup: finds('127.0.0.1') });
      await once(socket, 'connect');
      socket.destroy();
      await closed(socket);
    }
    socket.connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    expect(operations()).toEqual({
      [`first.test:${port}`]: [1, 0],
      [`second.test:${port}`]: [1, 0],
      [`ip:${port}`]: [1, 0],
    });
  });

  test('has not the name of a lookup that failed before', async () => {
    monitor.observeProcess();
    const socket = keep(new net.Socket());
    socket.connect({ host: 'lost.test', port, lookup: fails });
    await closed(socket);
    socket.connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    socket.destroy();
    await closed(socket);
    socket.connect({ host: 'gone.test', port, lookup: fails });
    await closed(socket);
    // Without the port where connect() is seen on the channel alone.
    const names = Object.entries(operations()).map(([name, counts]) => [name.replace(/^(.*\.test):.*$/, '$1'), counts]);
    expect(Object.fromEntries(names)).toEqual({ 'lost.test': [1, 0], 'gone.test': [1, 0], [`ip:${port}`]: [1, 0] });
  });

  test('and is destroyed in that tick, has the name that it had', async () => {
    monitor.observeProcess();
    const socket = keep(new net.Socket());
    socket.connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    socket.destroy();
    await closed(socket);
    socket.connect({ host: '127.0.0.1', port });
    socket.destroy();
    await closed(socket);
    expect(operations()).toEqual({ [`ip:${port}`]: [2, 0] });
  });

  test('in the tick in which it is destroyed, begins a second operation, though nobody saw connect()', async () => {
    const socket = keep(new net.Socket());
    monitor.observeSocket(socket);
    socket.connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    socket.destroy();
    socket.connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    expect(operations()).toEqual({ [`ip:${port}`]: [2, 0] });
    // And the connection before is closed, though its 'close' found a socket that connects.
    expect(monitor.snapshot().names.find(({ name }) => name === `ip:${port}`)).toMatchObject({ opened: 2, open: 1 });
  });

  test('keeps the name that the program chose', async () => {
    const socket = keep(new net.Socket());
    monitor.observeSocket(socket, { name: 'mine' });
    for (const lookup of [fails, finds('127.0.0.1')]) {
      const ended = closed(socket);
      socket.connect({ host: 'again.test', port, lookup }, () => socket.destroy());
      await ended;
    }
    expect(operations()).toEqual({ mine: [2, 0] });
  });
});

test('a connect() that throws is no operation', async () => {
  monitor.observeProcess();
  const socket = keep(new net.Socket());
  expect(() => socket.connect({} as net.SocketConnectOpts)).toThrow('must be specified');
  expect(operations()).toEqual({});
  const other = keep(new net.Socket());
  expect(() => other.connect({} as net.SocketConnectOpts)).toThrow('must be specified');
  other.destroy();
  await closed(other);
  expect(operations()).toEqual({});
});
