import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { createMonitor, type Monitor } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { measure } from '../../src/metrics/measure.ts';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { get, listen } from '../support/http-pair.ts';
import { until } from '../support/wait.ts';

let monitor: Monitor;
let warnings: Error[];
let cleanUps: (() => unknown)[] = [];

beforeEach(() => {
  warnings = [];
  monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: (warning) => warnings.push(warning) });
});

afterEach(async () => {
  monitor.close();
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
  cleanUps = [];
});

/** Answers a request when its turn comes: `/hold` waits for the next call of what is returned. */
async function holdingServer(): Promise<{ port: number; release: () => void }> {
  const held: http.ServerResponse[] = [];
  const server = http.createServer((request, response) => {
    if (request.url === '/hold') held.push(response);
    else response.end('ok');
  });
  const port = await listen(server);
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port,
    release: () => {
      for (const response of held.splice(0)) response.end('ok');
    },
  };
}

function agentOf(options: http.AgentOptions = {}): http.Agent {
  const agent = new http.Agent({ keepAlive: true, ...options });
  cleanUps.push(() => agent.destroy());
  return agent;
}

/** By name and label, what a metric of clients says. */
function valuesOf(metric: 'pool_connections' | 'pool_pending_requests' | 'connects_total'): object {
  const points = measure(internalsOf(monitor), metric);
  return Object.fromEntries(
    points.map(({ labels, value }) => [[labels['name'], labels['pool_state']].filter(Boolean).join(' '), value]),
  );
}

function clientNames(): string[] {
  return monitor
    .snapshot()
    .names.filter(({ side }) => side === 'client')
    .map(({ name }) => name);
}

describe('an agent that is observed', () => {
  test('gives its connections its name, and no other connection', async () => {
    const { port } = await holdingServer();
    const [billing, other] = [agentOf(), agentOf()];
    monitor.observeProcess();
    monitor.observeAgent(billing, { name: 'billing' });
    await Promise.all([get(billing, port), get(billing, port), get(other, port)]);
    expect(valuesOf('connects_total')).toEqual({ billing: 2, [`ip:${port}`]: 1 });
  });

  test('is observed without the rest of the process, whose connections are left as they were', async () => {
    const { port } = await holdingServer();
    const [billing, other] = [agentOf(), agentOf()];
    const stop = monitor.observeAgent(billing, { name: 'billing' });
    await Promise.all([get(billing, port), get(billing, port), get(other, port)]);
    expect(valuesOf('connects_total')).toEqual({ billing: 2 });
    expect(monitor.snapshot().upstreams).toMatchObject([{ name: 'billing', opened: 2, connects: { succeeded: 2 } }]);
    const strangers = Object.values(other.freeSockets).flat();
    await until(
      () => Object.values(other.freeSockets).flat().length === 1,
      () => 'the other connection is idle',
    );
    for (const socket of strangers) expect(Object.hasOwn(socket ?? {}, 'emit')).toBe(false);
    stop();
    expect(clientNames()).toEqual(['billing']);
    for (const socket of Object.values(billing.freeSockets).flat())
      expect(Object.hasOwn(socket ?? {}, 'emit')).toBe(false);
    await get(agentOf(), port);
    expect(clientNames()).toEqual(['billing']);
  });

  test('shows what its pool holds', async () => {
    const { port, release } = await holdingServer();
    const agent = agentOf({ maxSockets: 2 });
    monitor.observeProcess();
    monitor.observeAgent(agent, { name: 'pool' });
    const answers = Array.from({ length: 5 }, () => get(agent, port, '/hold'));
    await until(
      () => clientNames().includes('pool'),
      () => 'a connection has a name',
    );
    await until(
      () => valuesOf('pool_pending_requests') !== undefined && monitor.snapshot().names[0]?.open === 2,
      () => 'two connections',
    );
    expect(valuesOf('pool_connections')).toEqual({ 'pool active': 2, 'pool idle': 0 });
    expect(valuesOf('pool_pending_requests')).toEqual({ pool: 3 });
    const done = Promise.all(answers);
    const releasing = setInterval(release, 5);
    await done;
    clearInterval(releasing);
    await until(
      () => Object.values(agent.freeSockets).flat().length === 2,
      () => 'both are idle',
    );
    expect(valuesOf('pool_connections')).toEqual({ 'pool active': 0, 'pool idle': 2 });
    expect(valuesOf('pool_pending_requests')).toEqual({ pool: 0 });
    agent.destroy();
    await until(
      () => monitor.snapshot().names[0]?.open === 0,
      () => 'both are closed',
    );
    // The name stays, at 0: a series that vanishes is no zero.
    expect(valuesOf('pool_connections')).toEqual({ 'pool active': 0, 'pool idle': 0 });
  });

  test('is adopted with the connections that it has, the idle ones included', async () => {
    const { port, release } = await holdingServer();
    const agent = agentOf();
    const held = get(agent, port, '/hold');
    await get(agent, port);
    await until(
      () => Object.values(agent.freeSockets).flat().length === 1,
      () => 'one is idle',
    );
    const stop = monitor.observeAgent(agent, { name: 'late' });
    const named = () => monitor.snapshot().names.find(({ name }) => name === 'late');
    expect(named()).toMatchObject({ adopted: 2, open: 2 });
    expect(valuesOf('pool_connections')).toEqual({ 'late active': 1, 'late idle': 1 });
    release();
    await held;
    stop();
    expect(named()).toMatchObject({ released: 2, open: 0 });
    expect(measure(internalsOf(monitor), 'pool_connections')).toEqual([]);
    stop();
  });

  test('may be named by a function, which is asked where each connection goes', async () => {
    const { port } = await holdingServer();
    const agent = agentOf();
    const asked: unknown[] = [];
    monitor.observeProcess();
    monitor.observeAgent(agent, {
      name: (destination) => {
        asked.push(destination);
        return 'chosen';
      },
    });
    await get(agent, port);
    expect(asked).toEqual([{ host: '127.0.0.1', port }]);
    expect(clientNames()).toEqual(['chosen']);
  });

  test.each([
    ['throws', () => JSON.parse('{')],
    ['returns no name', () => '_reserved'],
    ['returns no text', () => 7],
  ])('by a function that %s has the default name, and one warning says so', async (_, name) => {
    const { port } = await holdingServer();
    const agent = agentOf();
    monitor.observeProcess();
    monitor.observeAgent(agent, { name: name as () => string });
    await Promise.all([get(agent, port), get(agent, port)]);
    expect(clientNames()).toEqual([`ip:${port}`]);
    expect(warnings).toHaveLength(1);
    expect(measure(internalsOf(monitor), 'internal_errors_total')).toContainEqual({
      labels: { component: 'callback' },
      value: 2,
    });
  });

  test('twice is observed once, and keeps no agent alive that is observed', () => {
    const agent = agentOf();
    const stop = monitor.observeAgent(agent, { name: 'one' });
    expect(monitor.observeAgent(agent)).toBe(stop);
  });

  test.each([[undefined], [{}], [[]], ['agent']])('is refused where it is none: %j', (value) => {
    expect(() => monitor.observeAgent(value as unknown as http.Agent)).toThrow(
      /^observeAgent takes an http.Agent, received /,
    );
  });
});

describe('the whole process', () => {
  test('finds agents by their connections', async () => {
    const { port } = await holdingServer();
    const agent = agentOf();
    monitor.observeProcess();
    await get(agent, port);
    await until(
      () => Object.values(agent.freeSockets).flat().length === 1,
      () => 'the connection is idle',
    );
    expect(valuesOf('pool_connections')).toEqual({ [`ip:${port} active`]: 0, [`ip:${port} idle`]: 1 });
  });

  test('is named by a function where nothing else has a name', async () => {
    const { port } = await holdingServer();
    const [named, other] = [agentOf(), agentOf()];
    monitor.observeProcess({ name: ({ port: to }) => (to === port ? 'everything' : undefined) });
    monitor.observeAgent(named, { name: 'named' });
    await Promise.all([get(named, port), get(other, port)]);
    expect(clientNames().sort()).toEqual(['everything', 'named']);
  });

  test.each([
    ['handles', 1],
    ['heap', 2],
    ['none', 0],
  ] as const)(
    'adopts what was there before where findExisting is %s: %i of two connections',
    async (findExisting, count) => {
      const { port } = await holdingServer();
      // An idle connection of an agent that nobody knows is no active handle; one that somebody waits on is.
      const agent = agentOf();
      await get(agent, port);
      await until(
        () => Object.values(agent.freeSockets).flat().length === 1,
        () => 'the connection is idle',
      );
      const { connect } = await import('node:net');
      const waiting: net.Socket = connect(port, '127.0.0.1');
      cleanUps.push(() => waiting.destroy());
      await once(waiting, 'connect');
      const stop = monitor.observeProcess({ findExisting });
      const open = (): number => monitor.snapshot().names.find(({ name }) => name === `ip:${port}`)?.open ?? 0;
      expect(open()).toBe(count);
      // The server's own ends are in this process too.
      const server = monitor.snapshot().names.find(({ side, name }) => side === 'server' && name === String(port));
      expect(server?.open ?? 0).toBe(findExisting === 'none' ? 0 : 2);
      stop();
      expect(open()).toBe(0);
      expect(Object.hasOwn(waiting, 'emit')).toBe(false);
    },
  );

  test('adopts idle connections of the global agent', async () => {
    const { port } = await holdingServer();
    await get(http.globalAgent, port);
    await until(
      () => Object.values(http.globalAgent.freeSockets).flat().length === 1,
      () => 'the connection is idle',
    );
    cleanUps.push(() => http.globalAgent.destroy());
    monitor.observeProcess();
    expect(monitor.snapshot().names.find(({ name }) => name === `ip:${port}`)).toMatchObject({ adopted: 1, open: 1 });
  });

  test('gives a server the name that it is shown by right after', async () => {
    monitor.observeProcess();
    const server = http.createServer();
    const port = await listen(server);
    cleanUps.push(() => server.close());
    expect(monitor.snapshot().names.map(({ name }) => name)).toEqual([String(port)]);
    monitor.observeServer(server, { name: 'api' });
    expect(monitor.snapshot().names).toMatchObject([{ name: 'api', node: { listen: 1 } }]);
  });

  test.each([
    [{ findExisting: 'all' }, "findExisting is one of handles, heap, none, received 'all'"],
    [{ name: '_x' }, "observeProcess: name is 1 to 64 printable characters and does not begin with '_', received '_x'"],
    [{ names: 1 }, "observeProcess: unknown option 'names', known are name, findExisting"],
  ])('refuses %j', (options, message) => {
    expect(() => monitor.observeProcess(options as object)).toThrow(new TypeError(message));
  });

  test('observed again is the same observation, and can begin again after its end', () => {
    const stop = monitor.observeProcess();
    expect(monitor.observeProcess()).toBe(stop);
    stop();
    stop();
    const again = monitor.observeProcess();
    expect(again).not.toBe(stop);
    again();
  });
});
