// What HTTP does with a connection, on real connections: requests, idle closes, the keep-alive race.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { createMonitor, type Monitor } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';
import type { Requests } from '../../src/sockets/requests.ts';
import { get, listen } from '../support/http-pair.ts';
import { until } from '../support/wait.ts';

let monitor: Monitor;
let cleanUps: (() => unknown)[] = [];

beforeEach(() => {
  monitor = createMonitor({ sampleIntervalMs: 3_600_000, level: 'full', onWarning: () => undefined });
});

afterEach(async () => {
  monitor.close();
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
  cleanUps = [];
});

function requests(): Requests {
  return internalsOf(monitor).ledger.requests;
}

function slotOf(name: string): number {
  return (
    internalsOf(monitor)
      .ledger.names.entries()
      .find((entry) => entry.name === name)?.slot ?? -1
  );
}

function openOf(name: string): number {
  return monitor.snapshot().names.find((entry) => entry.name === name)?.open ?? -1;
}

function closedOf(name: string): number {
  return monitor.snapshot().names.find((entry) => entry.name === name)?.closed ?? 0;
}

async function serve(
  handler: http.RequestListener,
  options: { keepAliveTimeoutMs?: number; keepAliveTimeoutBufferMs?: number } = {},
): Promise<{ port: number; server: http.Server }> {
  const server = http.createServer(handler);
  server.keepAliveTimeout = options.keepAliveTimeoutMs ?? 60_000;
  monitor.observeServer(server, { name: 'api' });
  const port = await listen(server);
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port, server };
}

function agentOf(options: http.AgentOptions = {}): http.Agent {
  const agent = new http.Agent({ keepAlive: true, ...options });
  monitor.observeAgent(agent, { name: 'up' });
  monitor.observeProcess();
  cleanUps.push(() => agent.destroy());
  return agent;
}

describe('requests', () => {
  test('are counted at both ends, and per connection when that closes', async () => {
    const { port } = await serve((_request, response) => response.end('hello'));
    const agent = agentOf();
    for (let index = 0; index < 3; index++) await get(agent, port);
    await until(
      () => requests().count(slotOf('up')) === 3,
      () => 'three requests of the client',
    );
    expect(requests().count(slotOf('api'))).toBe(3);
    agent.destroy();
    await until(
      () => openOf('up') === 0 && openOf('api') === 0,
      () => 'the connection is closed',
    );
    expect(requests().perConnection.at(slotOf('up'))).toMatchObject({ count: 1, sum: 3 });
    expect(requests().perConnection.at(slotOf('api'))).toMatchObject({ count: 1, sum: 3 });
    expect(requests().idleCloses(slotOf('up'), 'local')).toBe(1);
    expect(requests().idleCloses(slotOf('api'), 'remote')).toBe(1);
    expect(requests().idleAtClose.at(slotOf('api')).count).toBe(1);
  });

  test('without keep-alive are one per connection, and such a close is no idle one', async () => {
    const { port } = await serve((_request, response) => response.end('hello'));
    const agent = agentOf({ keepAlive: false });
    for (let index = 0; index < 3; index++) await get(agent, port);
    await until(
      () => openOf('up') === 0 && openOf('api') === 0,
      () => 'the connections are closed',
    );
    for (const name of ['up', 'api']) {
      expect(requests().count(slotOf(name)), name).toBe(3);
      expect(requests().perConnection.at(slotOf(name)), name).toMatchObject({ count: 3, sum: 3 });
      expect(requests().idleCloses(slotOf(name), 'local') + requests().idleCloses(slotOf(name), 'remote'), name).toBe(
        0,
      );
      expect(requests().activeCloses(slotOf(name), 'local') + requests().activeCloses(slotOf(name), 'remote')).toBe(0);
    }
  });

  test.each(['standard', 'full'] as const)(
    'at level %s a connection that the server ends with its answer is no idle one, and one that it closes is',
    async (level) => {
      monitor.close();
      monitor = createMonitor({ sampleIntervalMs: 3_600_000, level, onWarning: () => undefined });
      const { port, server } = await serve((request, response) => {
        if (request.url === '/last') response.setHeader('connection', 'close');
        response.end('hello');
      });
      const agent = agentOf();
      await get(agent, port, '/last');
      await until(
        () => closedOf('api') === 1,
        () => 'the first connection is closed',
      );
      expect(requests().idleCloses(slotOf('api'), 'local')).toBe(0);
      await get(agent, port);
      await until(
        () => Object.values(agent.freeSockets).flat().length === 1,
        () => 'the second connection is idle',
      );
      server.closeIdleConnections();
      await until(
        () => closedOf('api') === 2,
        () => 'the second connection is closed',
      );
      expect(requests().idleCloses(slotOf('api'), 'local')).toBe(1);
      expect(requests().idleAtClose.at(slotOf('api')).count).toBe(level === 'full' ? 1 : 0);
    },
  );

  test('that are not answered when the connection closes make it a close with an active request', async () => {
    const { port } = await serve((request, response) => {
      if (request.url === '/hang') response.write('begun');
      else request.socket.destroy();
    });
    const agent = agentOf();
    await expect(get(agent, port, '/destroyed')).rejects.toThrow();
    const hanging = http.get({ host: '127.0.0.1', port, path: '/hang', agent });
    hanging.on('error', () => undefined);
    const [response] = (await once(hanging, 'response')) as [http.IncomingMessage];
    await once(
      response.on('error', () => undefined),
      'data',
    );
    hanging.destroy();
    await until(
      () => openOf('up') === 0 && openOf('api') === 0,
      () => 'the connections are closed',
    );
    expect(requests().activeCloses(slotOf('up'), 'remote')).toBe(1);
    expect(requests().activeCloses(slotOf('up'), 'local')).toBe(1);
    expect(requests().activeCloses(slotOf('api'), 'local')).toBe(1);
    expect(requests().activeCloses(slotOf('api'), 'remote')).toBe(1);
    // The first request on its connection cannot be late.
    expect(requests().reusedErrors(slotOf('up'))).toBe(0);
  });

  test('that upgrade leave HTTP: their close is neither idle nor active', async () => {
    const { port, server } = await serve((_request, response) => response.end());
    server.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n');
    });
    const agent = agentOf();
    const headers = { connection: 'Upgrade', upgrade: 'raw' };
    const request = http.get({ host: '127.0.0.1', port, agent, headers });
    request.on('upgrade', (_response, socket) => socket.resume().end());
    await until(
      () => closedOf('up') === 1 && closedOf('api') === 1,
      () => 'the connection is closed',
    );
    for (const name of ['up', 'api']) {
      const slot = slotOf(name);
      expect(requests().count(slot), name).toBe(1);
      for (const cause of ['local', 'remote', 'keep_alive_timeout'] as const)
        expect(requests().idleCloses(slot, cause)).toBe(0);
      for (const initiator of ['local', 'remote', 'unknown'] as const)
        expect(requests().activeCloses(slot, initiator)).toBe(0);
    }
  });
});

describe('the idle timer', () => {
  test('of a server closes what is idle', async () => {
    const { port } = await serve((_request, response) => response.end('hello'), { keepAliveTimeoutMs: 100 });
    // An agent would heed the hint of the server, and be first.
    const client = net.connect(port, '127.0.0.1');
    cleanUps.push(() => client.destroy());
    client.resume().write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(
      () => client.destroyed,
      () => 'the server closes',
      5_000,
    );
    await until(
      () => openOf('api') === 0,
      () => 'both ends are closed',
    );
    expect(requests().idleCloses(slotOf('api'), 'keep_alive_timeout')).toBe(1);
    expect(requests().idleAtClose.at(slotOf('api')).sum).toBeGreaterThan(0.09);
  });

  test('of the other side is a remote close', async () => {
    const accepted: net.Socket[] = [];
    const server = net.createServer((socket) => {
      accepted.push(socket.on('error', () => undefined));
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    cleanUps.push(() => server.close());
    const agent = agentOf();
    await get(agent, await listen(server));
    await until(
      () => Object.keys(agent.freeSockets).length > 0,
      () => 'the connection is idle',
    );
    for (const socket of accepted) socket.end();
    await until(
      () => openOf('up') === 0,
      () => 'the server closes',
    );
    expect(requests().idleCloses(slotOf('up'), 'remote')).toBe(1);
    expect(requests().reusedErrors(slotOf('up'))).toBe(0);
  });

  test('of an agent closes what is idle', async () => {
    const { port } = await serve((_request, response) => response.end('hello'));
    const agent = agentOf({ timeout: 100 });
    await get(agent, port);
    await until(
      () => openOf('up') === 0,
      () => 'the agent closes',
      5_000,
    );
    expect(requests().idleCloses(slotOf('up'), 'keep_alive_timeout')).toBe(1);
  });
});

describe('the keep-alive race', () => {
  /** Answers the first request of a connection, and closes or resets the connection when the second one arrives. */
  async function raceServer(close: (socket: net.Socket) => void, hint = ''): Promise<number> {
    const server = net.createServer((socket) => {
      let count = 0;
      socket.on('error', () => undefined);
      socket.on('data', () => {
        if (++count > 1) close(socket);
        else socket.write(`HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n${hint}Content-Length: 2\r\n\r\nok`);
      });
    });
    cleanUps.push(() => server.close());
    return listen(server);
  }

  test.each([
    ['a FIN', (socket: net.Socket) => socket.destroy(), 'ECONNRESET'],
    ['an RST', (socket: net.Socket) => socket.resetAndDestroy(), 'ECONNRESET'],
  ])('lost by %s is counted, with the idle time and what the server had announced', async (_, close, code) => {
    const port = await raceServer(close, 'Keep-Alive: timeout=7, max=100\r\n');
    const agent = agentOf();
    await get(agent, port);
    await until(
      () => Object.keys(agent.freeSockets).length === 1,
      () => 'the connection is idle',
    );
    await expect(get(agent, port)).rejects.toMatchObject({ code });
    await until(
      () => openOf('up') === 0,
      () => 'the connection is closed',
    );
    expect(requests().reusedErrors(slotOf('up'))).toBe(1);
    expect(requests().keepAliveSeconds[slotOf('up')]).toBe(7);
    const race = requests().race(slotOf('up'));
    expect(race?.count).toBe(1);
    expect(race?.idleMs).toBeLessThan(5_000);
    expect(race?.shortestIdleMs).toBe(race?.idleMs);
  });

  test('is none where the program gave the request up', async () => {
    const port = await raceServer(() => undefined);
    const agent = agentOf();
    await get(agent, port);
    const second = http.get({ host: '127.0.0.1', port, agent });
    second.on('error', () => undefined);
    await until(
      () => second.reusedSocket && second.writableFinished,
      () => 'the second request is sent',
    );
    second.destroy();
    await until(
      () => openOf('up') === 0,
      () => 'the connection is closed',
    );
    expect(requests().reusedErrors(slotOf('up'))).toBe(0);
    expect(requests().activeCloses(slotOf('up'), 'local')).toBe(1);
  });

  test('is none where the answer had begun', async () => {
    const port = await raceServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok');
      setImmediate(() => socket.end());
    });
    const agent = agentOf();
    await get(agent, port);
    await expect(get(agent, port)).rejects.toThrow('aborted');
    await until(
      () => openOf('up') === 0,
      () => 'the connection is closed',
    );
    expect(requests().reusedErrors(slotOf('up'))).toBe(0);
    expect(requests().activeCloses(slotOf('up'), 'remote')).toBe(1);
  });
});
