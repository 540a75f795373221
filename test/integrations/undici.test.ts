import diagnosticsChannel from 'node:diagnostics_channel';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { createMonitor, type Monitor } from 'finwait';
import { observeUndici } from 'finwait/undici';
import * as undici7 from 'undici';
import { RetryAgent, Agent as SevenAgent } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { measure } from '../../src/metrics/measure.ts';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { createCertificate } from '../support/certificate.ts';
import { listen } from '../support/http-pair.ts';
import { openHole } from '../support/scenario-peers.ts';
import { UNDICI_VERSIONS, type Undici } from '../support/undici-versions.ts';
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
  expect(warnings).toEqual([]);
});

type Metric =
  | 'connects_total'
  | 'connect_failures_total'
  | 'connections_opened_total'
  | 'connections_adopted_total'
  | 'open_connections'
  | 'pool_connections'
  | 'pool_pending_requests'
  | 'reused_connection_errors_total'
  | 'closed_with_active_request_total'
  | 'idle_closes_total'
  | 'keep_alive_timeout_seconds';

/** What a metric says of client connections, without what is 0, by name and label. */
function valuesOf(metric: Metric): Record<string, number> {
  const points = measure(internalsOf(monitor), metric).filter(({ labels }) => labels['side'] !== 'server');
  return Object.fromEntries(
    points
      .filter(({ value }) => typeof value === 'number' && value !== 0)
      .map(({ labels, value }) => {
        const { name, side: _, ...others } = labels;
        return [[name, ...Object.values(others)].join(' '), value as number];
      }),
  );
}

async function becomes(metric: Metric, expected: Record<string, number>): Promise<void> {
  const isSame = (): boolean => JSON.stringify(valuesOf(metric)) === JSON.stringify(expected);
  await until(isSame, () => `${metric} ${JSON.stringify(expected)}, it is ${JSON.stringify(valuesOf(metric))}`);
}

interface TestServer {
  readonly port: number;
  readonly url: string;
  /** Answers the requests to `/hold`. */
  release(): void;
  readonly server: http.Server;
}

/** Answers at once, when it is told to (`/hold`), never (`/kill` ends the connection), or last (`/last`). */
async function serve(
  options: http.ServerOptions = {},
  tls?: ReturnType<typeof createCertificate>,
): Promise<TestServer> {
  const held: http.ServerResponse[] = [];
  const answer: http.RequestListener = (request, response) => {
    if (request.url === '/hold') held.push(response);
    else if (request.url === '/kill') request.socket.destroy();
    else if (request.url === '/last') response.writeHead(200, { connection: 'close' }).end('ok');
    else response.end('ok');
  };
  const server = tls ? https.createServer({ ...options, ...tls }, answer) : http.createServer(options, answer);
  server.on('connect', (_request, socket: net.Socket, head: Buffer) => {
    const to = net.connect(Number(_request.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      to.write(head);
      socket.pipe(to).pipe(socket);
    });
    for (const end of [to, socket]) end.on('error', () => [to, socket].map((each) => each.destroy()));
    cleanUps.push(() => to.destroy());
  });
  server.on('upgrade', (_request, socket: net.Socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
    socket.on('error', () => undefined).resume();
    socket.on('end', () => socket.end());
  });
  const port = await listen(server);
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port,
    server,
    url: `${tls ? 'https' : 'http'}://localhost:${port}`,
    release() {
      for (const response of held.splice(0)) response.end('ok');
    },
  };
}

function opens<T extends { destroy(): Promise<void> }>(dispatcher: T): T {
  cleanUps.push(() => dispatcher.destroy());
  return dispatcher;
}

/** One way to make requests: a version of undici, or fetch. */
interface Way {
  /** Makes a dispatcher of its own; undefined where the global one is used. */
  dispatcher(options?: object): object | undefined;
  get(url: string, dispatcher: object | undefined, signal?: AbortSignal): Promise<string>;
}

function wayOf(load: () => Undici): Way {
  return {
    dispatcher: (options = {}) => opens(new (load().Agent)(options)),
    async get(url, dispatcher, signal) {
      const { body } = await load().request(url, { dispatcher: dispatcher as never, signal });
      return await body.text();
    },
  };
}

const FETCH: Way = {
  dispatcher: () => undefined,
  get: async (url, _, signal) => await (await fetch(url, { signal: signal ?? null })).text(),
};

const WAYS = [
  ...UNDICI_VERSIONS.map(([title, load, runs]) => [title, wayOf(load), runs] as const),
  ['fetch', FETCH, test] as const,
];

const NAMED = { name: 'api' };
type NamedOptions = Parameters<typeof observeUndici>[2];

function observe(dispatcher: object | undefined, options: NamedOptions = NAMED): () => void {
  const stop = observeUndici(monitor, dispatcher as never, options);
  cleanUps.push(stop);
  return stop;
}

describe.each(WAYS)('%s', (title, way, runs) => {
  describe.each(['observed by itself', 'in a process that is observed'])('%s', (scope) => {
    beforeEach(() => {
      if (scope !== 'observed by itself') monitor.observeProcess();
    });

    runs('has its name from connect() on, whatever comes of it', async () => {
      const { url } = await serve();
      const dispatcher = way.dispatcher();
      observe(dispatcher);
      await way.get(url, dispatcher);
      expect(valuesOf('connects_total')).toEqual({ api: 1 });
      expect(valuesOf('connections_opened_total')).toEqual({ api: 1 });
      const refused = await serve();
      await new Promise((resolve) => refused.server.close(resolve));
      await expect(way.get(refused.url, dispatcher)).rejects.toThrow();
      expect(Object.keys(valuesOf('connect_failures_total'))).toEqual(['api refused']);
    });

    runs('is named by where each connection goes', async () => {
      const { url, port } = await serve();
      const dispatcher = way.dispatcher();
      observe(dispatcher, { name: ({ host, port: to }) => (host === 'localhost' && to === port ? 'ours' : undefined) });
      await way.get(url, dispatcher);
      await way.get(url.replace('localhost', '127.0.0.1'), dispatcher);
      expect(valuesOf('connections_opened_total')).toEqual({ ours: 1, [`ip:${port}`]: 1 });
    });

    runs('shows what its pool holds', async () => {
      const { url, release } = await serve();
      const dispatcher = way.dispatcher({ connections: 2 });
      observe(dispatcher);
      await way.get(url, dispatcher);
      expect(valuesOf('pool_connections')).toEqual({ 'api idle': 1 });
      const requests = Array.from({ length: 5 }, () => way.get(`${url}/hold`, dispatcher));
      const [active, pending] = title === 'fetch' ? [5, 0] : [2, 3];
      await until(
        () => valuesOf('pool_connections')['api active'] === active,
        () => `${active} in use, ${JSON.stringify(valuesOf('pool_connections'))}`,
      );
      expect(valuesOf('pool_pending_requests')).toEqual(pending === 0 ? {} : { api: pending });
      const releasing = setInterval(release, 2);
      await Promise.all(requests);
      clearInterval(releasing);
      await until(
        () => valuesOf('pool_connections')['api active'] === undefined,
        () => 'all idle',
      );
      expect(valuesOf('pool_pending_requests')).toEqual({});
    });

    runs('forgets what was given up while it waited', async () => {
      const { url, release } = await serve();
      const dispatcher = way.dispatcher({ connections: 1 });
      observe(dispatcher);
      const held = way.get(`${url}/hold`, dispatcher);
      await becomes('pool_connections', { 'api active': 1 });
      const given = new AbortController();
      const late = Array.from({ length: 3 }, () => way.get(url, dispatcher, given.signal).catch(() => 'given up'));
      given.abort();
      // undici tells the program when the turn of the request comes.
      const releasing = setInterval(release, 2);
      expect(await Promise.all(late)).toEqual(['given up', 'given up', 'given up']);
      await held;
      clearInterval(releasing);
      await becomes('pool_pending_requests', {});
    });

    runs('a server that ends a connection as it is used again loses the request, and is counted', async () => {
      const { url } = await serve({ keepAliveTimeout: 7_000 });
      const dispatcher = way.dispatcher();
      observe(dispatcher);
      await way.get(url, dispatcher);
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
      await expect(way.get(`${url}/kill`, dispatcher)).rejects.toThrow();
      await becomes('reused_connection_errors_total', { api: 1 });
      expect(valuesOf('closed_with_active_request_total')).toEqual({ 'api remote': 1 });
      expect(valuesOf('idle_closes_total')).toEqual({});
      expect(valuesOf('keep_alive_timeout_seconds')).toEqual({ api: 7 });
      const race = raceOf('api');
      expect(race?.count).toBe(1);
      expect(race?.idleMs).toBeGreaterThan(IDLE_MS * 0.8);
      expect(race?.idleMs).toBeLessThan(IDLE_MS + 5_000);
    });

    runs('a connection that was never used before is lost in no race', async () => {
      const { url } = await serve();
      const dispatcher = way.dispatcher();
      observe(dispatcher);
      await expect(way.get(`${url}/kill`, dispatcher)).rejects.toThrow();
      await becomes('closed_with_active_request_total', { 'api remote': 1 });
      expect(valuesOf('reused_connection_errors_total')).toEqual({});
    });

    runs('a request that the program gives up takes its connection along, by our doing', async () => {
      const { url } = await serve();
      const dispatcher = way.dispatcher();
      observe(dispatcher);
      await way.get(url, dispatcher);
      const given = new AbortController();
      const request = way.get(`${url}/hold`, dispatcher, given.signal).catch(() => 'given up');
      await becomes('pool_connections', { 'api active': 1 });
      given.abort();
      expect(await request).toBe('given up');
      await becomes('closed_with_active_request_total', { 'api local': 1 });
      expect(valuesOf('reused_connection_errors_total')).toEqual({});
    });

    runs('an answer that ends its connection leaves nothing that was idle', async () => {
      const { url } = await serve();
      const dispatcher = way.dispatcher();
      observe(dispatcher);
      await way.get(`${url}/last`, dispatcher);
      await becomes('open_connections', {});
      expect([valuesOf('idle_closes_total'), valuesOf('closed_with_active_request_total')]).toEqual([{}, {}]);
    });

    runs('a server that ends what is idle is told from the client', async () => {
      const { url, server } = await serve();
      const dispatcher = way.dispatcher();
      observe(dispatcher);
      await way.get(url, dispatcher);
      server.closeIdleConnections();
      await becomes('idle_closes_total', { 'api remote': 1 });
    });
  });

  runs('what is open when it is shown is adopted, and given back at the end', async () => {
    const { url } = await serve();
    const dispatcher = way.dispatcher();
    await way.get(url, dispatcher);
    const stop = observe(dispatcher);
    expect(valuesOf('connections_adopted_total')).toMatchObject({ api: expect.any(Number) });
    await way.get(url, dispatcher);
    expect(valuesOf('pool_connections')).toEqual({ 'api idle': valuesOf('open_connections')['api'] });
    stop();
    expect(valuesOf('open_connections')).toEqual({});
    const opened = valuesOf('connections_opened_total');
    await way.get(`${url}/last`, dispatcher);
    await way.get(url, dispatcher);
    expect(valuesOf('connections_opened_total')).toEqual(opened);
  });

  runs('its end leaves the observation of the process as it was', async () => {
    const { url } = await serve();
    const dispatcher = way.dispatcher();
    const stopProcess = monitor.observeProcess({ findExisting: 'none' });
    const stop = observe(dispatcher);
    await way.get(url, dispatcher);
    const open = valuesOf('open_connections');
    stop();
    expect(valuesOf('open_connections')).toEqual(open);
    stopProcess();
    expect(valuesOf('open_connections')).toEqual({});
  });

  runs('outlives the observation of the process', async () => {
    const { url } = await serve();
    const dispatcher = way.dispatcher();
    const stopProcess = monitor.observeProcess({ findExisting: 'none' });
    observe(dispatcher);
    await way.get(url, dispatcher);
    const open = valuesOf('open_connections');
    stopProcess();
    expect(valuesOf('open_connections')).toEqual(open);
  });

  runs('TLS that fails is one failure with one reason', async () => {
    const tls = createCertificate();
    const { url } = await serve({}, tls);
    const dispatcher = way.dispatcher();
    monitor.observeProcess({ findExisting: 'none' });
    observe(dispatcher);
    await expect(way.get(url, dispatcher)).rejects.toThrow();
    await becomes('open_connections', {});
    const failures = valuesOf('connect_failures_total');
    expect(Object.keys(failures)).toEqual(['api tls']);
    expect(valuesOf('connects_total')).toEqual({ api: failures['api tls'] });
    expect(valuesOf('pool_pending_requests')).toEqual({});
  });
});

describe.each(UNDICI_VERSIONS)('%s', (title, load, runs) => {
  const way = wayOf(load);

  runs('its idle timer is the cause of a close', async () => {
    const { url } = await serve();
    const dispatcher = way.dispatcher({ keepAliveTimeout: 20, keepAliveMaxTimeout: 20 });
    observe(dispatcher);
    await way.get(url, dispatcher);
    await becomes('idle_closes_total', { 'api keep_alive_timeout': 1 });
  });

  runs(
    'a connection that the server closes for idleness in the tick of the next request is lost in the race',
    async () => {
      const { url, server } = await serve();
      const dispatcher = way.dispatcher({ connections: 1 });
      observe(dispatcher);
      await way.get(url, dispatcher);
      // undici 7 waits for this phase of the loop, to see a FIN that has come before it writes; no FIN is early enough.
      setImmediate(() => server.closeIdleConnections());
      await expect(way.get(url, dispatcher)).rejects.toThrow();
      await becomes('reused_connection_errors_total', { api: 1 });
      expect(raceOf('api')?.idleMs).toBeGreaterThanOrEqual(0);
      expect(valuesOf('idle_closes_total')).toEqual({});
    },
  );

  runs('a timeout of connect() is one failure with one reason', async () => {
    const hole = await openHole('127.0.0.1', 0);
    cleanUps.push(() => hole.close());
    const dispatcher = way.dispatcher({ connect: { timeout: 50 } });
    observe(dispatcher);
    await expect(way.get(`http://127.0.0.1:${hole.port}/`, dispatcher)).rejects.toThrow(/[Cc]onnect [Tt]imeout/);
    await until(
      () => valuesOf('connect_failures_total')['api timeout'] === valuesOf('connects_total')['api'],
      () => JSON.stringify([valuesOf('connect_failures_total'), valuesOf('connects_total')]),
    );
    expect(Object.keys(valuesOf('connect_failures_total'))).toEqual(['api timeout']);
    expect(valuesOf('pool_pending_requests')).toEqual({});
  });

  runs('a client that is destroyed while others wait leaves nobody waiting', async () => {
    const { url } = await serve();
    monitor.observeProcess({ findExisting: 'none' });
    const client = new (load().Client)(url);
    const all = Array.from({ length: 4 }, () => way.get(`${url}/hold`, client).catch(() => 'gone'));
    await until(
      () => Object.values(valuesOf('pool_pending_requests'))[0] === 3,
      () => `three wait ${JSON.stringify(valuesOf('pool_pending_requests'))}`,
    );
    await client.destroy();
    expect(await Promise.all(all)).toEqual(['gone', 'gone', 'gone', 'gone']);
    expect(valuesOf('pool_pending_requests')).toEqual({});
    await becomes('open_connections', {});
  });

  runs('requests that are pipelined are one connection in use', async () => {
    const { url, release } = await serve();
    const client = opens(new (load().Client)(url, { pipelining: 4 }));
    observe(client);
    await way.get(url, client);
    const all = Array.from({ length: 3 }, () =>
      load()
        .request(`${url}/hold`, { dispatcher: client, blocking: false, idempotent: true })
        .then(({ body }) => body.text()),
    );
    await becomes('pool_connections', { 'api active': 1 });
    const releasing = setInterval(release, 2);
    await Promise.all(all);
    clearInterval(releasing);
    await becomes('pool_connections', { 'api idle': 1 });
  });

  runs('a connection of another dispatcher is left exactly as it was', async () => {
    const { url } = await serve();
    const [ours, other] = [way.dispatcher(), way.dispatcher()];
    observe(ours);
    const seen: net.Socket[] = [];
    const onConnected = (message: unknown): void => void seen.push((message as { socket: net.Socket }).socket);
    diagnosticsChannel.subscribe('undici:client:connected', onConnected);
    await way.get(url, other);
    await way.get(url, ours);
    diagnosticsChannel.unsubscribe('undici:client:connected', onConnected);
    expect(seen.map((socket) => Object.hasOwn(socket, 'emit'))).toEqual([false, true]);
    expect(valuesOf('connections_opened_total')).toEqual({ api: 1 });
  });

  runs('a connector of the program is followed to wherever it dials', async () => {
    const { port, url } = await serve();
    const connect = (_: unknown, callback: (error: Error | null, socket: net.Socket) => void): net.Socket => {
      const socket = net.connect(port, '127.0.0.1', () => callback(null, socket));
      return socket;
    };
    const dispatcher = way.dispatcher({ connect });
    observe(dispatcher);
    await way.get('http://nowhere.invalid', dispatcher);
    expect(valuesOf('connections_opened_total')).toEqual({ api: 1 });
    expect(url).toContain(String(port));
  });

  runs('what a connector dials later is adopted, and nothing else is', async () => {
    const { port } = await serve();
    const connect = (_: unknown, callback: (error: Error | null, socket: net.Socket) => void): void => {
      setImmediate(() => {
        const socket = net.connect(port, '127.0.0.1', () => callback(null, socket));
      });
    };
    const client = opens(new (load().Client)('http://nowhere.invalid', { connect: connect as never }));
    observe(client);
    const answer = way.get('http://nowhere.invalid', client);
    const foreign = net.connect(port, '127.0.0.1');
    await answer;
    expect(Object.hasOwn(foreign, 'emit')).toBe(false);
    foreign.destroy();
    expect(valuesOf('connections_adopted_total')).toEqual({ api: 1 });
    expect(valuesOf('connections_opened_total')).toEqual({});
  });

  runs.each(['http', 'https'])('through a proxy to %s, one connection from connect() to close', async (protocol) => {
    const tls = protocol === 'https' ? createCertificate() : undefined;
    const [target, proxy] = [await serve({}, tls), await serve()];
    // The servers are in this process too: what the proxy dials is not the program's.
    const agent = opens(
      new (load().ProxyAgent)({
        uri: proxy.url,
        requestTls: { rejectUnauthorized: false },
        proxyTunnel: true,
        // A pool may open a second connection before anybody needs it.
        connections: 1,
        clientFactory: (origin, options) => new (load().Client)(origin, options),
      }),
    );
    observe(agent, { name: ({ port }) => (port === proxy.port ? 'proxy' : 'wrong') });
    expect(await way.get(target.url, agent)).toBe('ok');
    expect(await way.get(target.url, agent)).toBe('ok');
    expect(valuesOf('connects_total')).toEqual({ proxy: 1 });
    expect(valuesOf('open_connections')).toEqual({ proxy: 1 });
    await becomes('pool_connections', { 'proxy idle': 1 });
    await expect(way.get(`${target.url}/kill`, agent)).rejects.toThrow();
    await becomes('reused_connection_errors_total', { proxy: 1 });
  });

  runs('to http through a proxy that needs no tunnel, by a client that nobody can see', async () => {
    const { url } = await serve();
    const agent = opens(new (load().ProxyAgent)({ uri: url, proxyTunnel: false }));
    observe(agent);
    expect(await way.get('http://nowhere.invalid/', agent)).toBe('ok');
    expect(valuesOf('connections_opened_total')).toEqual({ api: 1 });
    expect(valuesOf('pool_connections')).toEqual({ 'api idle': 1 });
  });

  runs('an upgrade leaves the pool', async () => {
    const { url } = await serve();
    const client = opens(new (load().Client)(url));
    observe(client);
    const { socket } = await client.upgrade({ path: '/', protocol: 'x' });
    expect(valuesOf('pool_connections')).toEqual({});
    expect(valuesOf('open_connections')).toEqual({ api: 1 });
    socket.on('error', () => undefined).destroy();
    await becomes('open_connections', {});
    expect(valuesOf('idle_closes_total')).toEqual({});
  });

  // undici 6 publishes nothing of where a request of HTTP/2 is sent.
  (title === 'undici 6' ? test.skip : runs)('HTTP/2 has many requests on one connection', async () => {
    const server = http2.createSecureServer(createCertificate());
    const streams: http2.ServerHttp2Stream[] = [];
    server.on('stream', (stream) => streams.push(stream));
    const port = await listen(server);
    cleanUps.push(() => server.close());
    const client = opens(
      new (load().Client)(`https://localhost:${port}`, {
        allowH2: true,
        pipelining: 10,
        connect: { rejectUnauthorized: false },
      }),
    );
    observe(client);
    const all = Array.from({ length: 3 }, () => way.get(`https://localhost:${port}/`, client));
    await until(
      () => streams.length === 3,
      () => `three streams, there are ${streams.length}`,
    );
    expect(valuesOf('pool_connections')).toEqual({ 'api active': 1 });
    for (const stream of streams) {
      expect(valuesOf('pool_connections')).toEqual({ 'api active': 1 });
      stream.respond({ ':status': 200 });
      stream.end('ok');
    }
    expect(await Promise.all(all)).toEqual(['ok', 'ok', 'ok']);
    await becomes('pool_connections', { 'api idle': 1 });
    expect(internalsOf(monitor).ledger.requests.count(slotOf('api'))).toBe(3);
    await client.destroy();
    await becomes('open_connections', {});
  });
});

describe('observeUndici', () => {
  test('fetch goes by the name of the global dispatcher, whichever that is', async () => {
    const { url } = await serve();
    await FETCH.get(url, undefined);
    const key = Symbol.for('undici.globalDispatcher.1');
    const world = globalThis as unknown as { [key: symbol]: object | undefined };
    const before = world[key];
    cleanUps.push(() => {
      world[key] = before;
    });
    observe(undefined, { name: 'fetch' });
    world[key] = opens(new SevenAgent());
    await FETCH.get(url, undefined);
    expect(valuesOf('connections_opened_total')).toEqual({ fetch: 1 });
  });

  test('twice returns the same end, and does nothing twice', async () => {
    const { url } = await serve();
    const agent = opens(new SevenAgent());
    const stop = observe(agent);
    expect(observe(agent, { name: 'other' })).toBe(stop);
    const way = wayOf(() => undici7);
    await way.get(url, agent);
    expect(valuesOf('connections_opened_total')).toEqual({ api: 1 });
    stop();
    stop();
    expect(observe(agent)).not.toBe(stop);
  });

  test('leaves nothing behind', async () => {
    const { url } = await serve();
    const way = wayOf(() => undici7);
    const agent = opens(new SevenAgent());
    await way.get(url, agent);
    const counts = (): number[] => CHANNELS.map((name) => Number(diagnosticsChannel.channel(name).hasSubscribers));
    const before = [counts(), agent.eventNames().length];
    const seen: net.Socket[] = [];
    const onHeaders = (message: unknown): void => void seen.push((message as { socket: net.Socket }).socket);
    const stop = observe(agent);
    expect(counts()).not.toEqual(before[0]);
    diagnosticsChannel.subscribe('undici:client:sendHeaders', onHeaders);
    await way.get(url, agent);
    diagnosticsChannel.unsubscribe('undici:client:sendHeaders', onHeaders);
    expect([Object.hasOwn(seen[0] as net.Socket, 'emit'), agent.eventNames().length]).toEqual([true, before[1]]);
    stop();
    expect([counts(), agent.eventNames().length]).toEqual(before);
    expect(Object.hasOwn(seen[0] as net.Socket, 'emit')).toBe(false);
  });

  test('what a channel is given by others stays without effect', async () => {
    const agent = opens(new SevenAgent());
    observe(agent);
    monitor.observeProcess();
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown): void => void uncaught.push(error);
    process.on('uncaughtException', onUncaught);
    for (const name of CHANNELS) {
      for (const message of [undefined, {}, { request: 1 }, { request: {}, socket: {} }, { connectParams: {} }]) {
        diagnosticsChannel.channel(name).publish(message);
      }
    }
    await new Promise(setImmediate);
    process.off('uncaughtException', onUncaught);
    expect(uncaught).toEqual([]);
    expect(warnings.splice(0)).toHaveLength(1);
    expect(internalsOf(monitor).internalErrors.get('observer')).toBeGreaterThan(1);
  });

  test('refuses what is no dispatcher, and what it cannot see into', () => {
    expect(() => observe({})).toThrow('observeUndici takes a dispatcher of undici, received an instance of Object');
    expect(() => observe(opens(new RetryAgent(new SevenAgent())))).toThrow(
      'observeUndici cannot see into an instance of RetryAgent: show it the dispatcher below that one',
    );
    expect(() => observe(undefined, { name: '_x' })).toThrow(TypeError);
    expect(() => observe(undefined, { nam: 'x' } as never)).toThrow("unknown option 'nam'");
    const closed = createMonitor();
    closed.close();
    expect(() => observeUndici(closed)).toThrow('this monitor is closed');
  });

  test('without a name, connections have that of what they connect to', async () => {
    const { url, port } = await serve();
    const agent = opens(new SevenAgent());
    observe(agent, {});
    await wayOf(() => undici7).get(url, agent);
    expect(valuesOf('connections_opened_total')).toEqual({ [`localhost:${port}`]: 1 });
  });
});

/** Long enough to be told from no time at all on a machine that is busy. */
const IDLE_MS = 60;

const CHANNELS = [
  'undici:client:beforeConnect',
  'undici:client:connected',
  'undici:client:sendHeaders',
  'undici:request:create',
  'undici:request:headers',
  'undici:request:trailers',
  'undici:request:error',
];

function slotOf(name: string): number {
  return internalsOf(monitor)
    .ledger.names.entries()
    .find((entry) => entry.side === 'client' && entry.name === name)?.slot as number;
}

function raceOf(name: string): ReturnType<typeof requestsOf>['race'] extends (slot: number) => infer R ? R : never {
  return requestsOf().race(slotOf(name));
}

function requestsOf(): ReturnType<typeof internalsOf>['ledger']['requests'] {
  return internalsOf(monitor).ledger.requests;
}
