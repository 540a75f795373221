import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import express5 from 'express';
import express4 from 'express4';
import { createMonitor, type Monitor } from 'finwait';
import { socketLifecycle } from 'finwait/express';
import { registerPrometheus } from 'finwait/prometheus';
import { Gauge, Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/wait.ts';

const versions: readonly (readonly [string, typeof express5])[] = [
  ['Express 4', express4],
  ['Express 5', express5],
];

describe.each(versions)('%s', (_, express) => {
  let monitor: Monitor;
  let server: http.Server | undefined;
  let warnings: string[];

  beforeEach(() => {
    warnings = [];
    monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: ({ message }) => warnings.push(message) });
  });

  afterEach(async () => {
    monitor.close();
    await stopListening();
    server = undefined;
  });

  async function stopListening(): Promise<void> {
    const closed = server?.listening ? new Promise((resolve) => server?.close(resolve)) : undefined;
    server?.closeAllConnections();
    await closed;
  }

  async function listen(app: ReturnType<typeof express5>, wrapped = false): Promise<string> {
    server = wrapped ? http.createServer((request, response) => app(request, response)) : http.createServer(app);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test('one app.use observes the server before its first connection', async () => {
    const app = express();
    app.use(socketLifecycle(monitor, { name: 'api', register: new Registry() }));
    await listen(app);
    expect(monitor.snapshot().names).toMatchObject([{ side: 'server', name: 'api', opened: 0, node: { listen: 1 } }]);
  });

  test('an application of somebody else in the same process is left alone', async () => {
    const app = express();
    app.use(socketLifecycle(monitor, { name: 'api' }));
    await listen(express());
    expect(monitor.snapshot().names).toEqual([]);
  });

  test('an application of somebody else that has no router yet still makes it with the settings it gets later', async () => {
    const app = express();
    app.use(socketLifecycle(monitor, { name: 'api' }));
    const foreign = express();
    const url = await listen(foreign);
    foreign.set('case sensitive routing', true);
    foreign.get('/Foo', (_request, response) => void response.send('ok'));
    expect((await fetch(`${url}/foo`)).status).toBe(404);
    expect((await fetch(`${url}/Foo`)).status).toBe(200);
    expect(warnings).toEqual([]);
  });

  test('an application that listens before it uses the middleware is observed from its first request', async () => {
    const app = express();
    const url = await listen(app);
    app.use(socketLifecycle(monitor, { name: 'api' }));
    expect(monitor.snapshot().names).toEqual([]);
    await (await fetch(url)).text();
    expect(monitor.snapshot().names).toMatchObject([{ name: 'api', adopted: 1, open: 1 }]);
  });

  test('an application that listens again keeps its name, on the same server and on a new one', async () => {
    const app = express();
    app.use(socketLifecycle(monitor, { name: 'api' }));
    await listen(app);
    const first = server;
    await stopListening();
    await new Promise<void>((resolve) => first?.listen(0, '127.0.0.1', resolve));
    expect(monitor.snapshot().names).toMatchObject([{ name: 'api', node: { listen: 1 } }]);
    await stopListening();
    await listen(app);
    expect(server).not.toBe(first);
    expect(monitor.snapshot().names).toMatchObject([{ name: 'api', node: { listen: 1 } }]);
    expect(warnings).toEqual([]);
  });

  test('of two servers of one application that listen at once, the first has the name and the second its port', async () => {
    const app = express();
    app.use(socketLifecycle(monitor, { name: 'api' }));
    await listen(app);
    const second = http.createServer(app);
    await new Promise<void>((resolve) => second.listen(0, '127.0.0.1', resolve));
    const port = (second.address() as AddressInfo).port;
    const listening = monitor.snapshot().names.filter(({ node }) => node.listen === 1);
    expect(listening.map(({ name }) => name).sort()).toEqual([String(port), 'api'].sort());
    await new Promise((resolve) => second.close(resolve));
  });

  test('a server whose application is wrapped is found at its first request, and adopts what is open', async () => {
    const app = express();
    app.use(socketLifecycle(monitor, { name: 'api' }));
    app.get('/', (_request, response) => void response.send('ok'));
    const url = await listen(app, true);
    expect(monitor.snapshot().names).toEqual([]);
    await (await fetch(url)).text();
    expect(monitor.snapshot().names).toMatchObject([{ name: 'api', opened: 0, adopted: 1, open: 1 }]);
  });

  test.each([
    ['/users/12?token=secret', 'GET /users/:id'],
    ['/v1/items/7', 'GET /v1/items/:item'],
    ['/later/7', 'GET /later/:id'],
    ['/nowhere/7?token=secret', 'GET /nowhere/7'],
  ])('remembers GET %s as %s', async (path, request) => {
    const app = express();
    app.use(socketLifecycle(monitor, { name: 'api' }));
    app.get('/users/:id', (_request, response) => void response.send('ok'));
    const router = express.Router();
    router.get('/items/:item', (_request, response) => void response.send('ok'));
    app.use('/v1', router);
    app.use((_request, _response, next) => void setImmediate(next));
    app.get('/later/:id', (_request, response) => void response.send('ok'));
    const url = await listen(app);
    await (await fetch(url + path)).text();
    expect(monitor.snapshot().sockets.map((socket) => socket.request)).toContain(request);
  });

  test('answers the metrics at /metrics, on the registry that the monitor is on', async () => {
    const registry = new Registry();
    registerPrometheus(monitor, { register: registry, prefix: 'shop_' });
    const app = express();
    app.use(socketLifecycle(monitor, { name: 'api' }));
    const response = await fetch(`${await listen(app)}/metrics`);
    expect(response.headers.get('content-type')).toBe(registry.contentType);
    expect(await response.text()).toContain('shop_connections_opened_total{side="server",name="api"} 1');
  });

  test('answers them elsewhere, or nowhere, on request', async () => {
    const app = express();
    app.use('/internal', socketLifecycle(monitor, { metricsPath: '/tcp', register: new Registry() }));
    const url = await listen(app);
    expect((await fetch(`${url}/internal/tcp`)).status).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    expect((await fetch(`${url}/internal/tcp`, { method: 'POST' })).status).toBe(404);

    const silent = express();
    silent.use(socketLifecycle(monitor, { metricsPath: false }));
    await new Promise((resolve) => server?.close(resolve).closeAllConnections());
    expect((await fetch(`${await listen(silent)}/metrics`)).status).toBe(404);
  });

  test.each([
    ['succeeds', undefined],
    ['fails', new Error('the database is away')],
  ])('a scrape that somebody else answered meanwhile, and then %s, is left alone', async (_, failure) => {
    const registry = new Registry();
    const steps = new EventEmitter();
    new Gauge({
      name: 'app_slow',
      help: 'A metric that takes its time.',
      registers: [registry],
      async collect() {
        steps.emit('gathering');
        await once(steps, 'answered');
        if (failure !== undefined) throw failure;
      },
    });
    const app = express();
    app.use('/metrics', (_request, response, next) => {
      steps.once('gathering', () => {
        response.status(504).end('too slow');
        setImmediate(() => steps.emit('answered'));
      });
      next();
    });
    app.use(socketLifecycle(monitor, { register: registry }));
    const url = await listen(app);
    const response = await fetch(`${url}/metrics`);
    expect([response.status, await response.text()]).toEqual([504, 'too slow']);
    expect((await fetch(`${url}/nowhere`)).status).toBe(404);
    expect(warnings).toEqual([]);
  });

  test('a response that throws while the metrics are written is reported, and ends nothing', async () => {
    const app = express();
    app.use((request, response, next) => {
      response.end = () => {
        request.socket.destroy();
        throw new Error('the response is broken');
      };
      next();
    });
    app.use(socketLifecycle(monitor, { register: new Registry() }));
    await expect(fetch(`${await listen(app)}/metrics`)).rejects.toThrow();
    await until(
      () => warnings.length > 0,
      () => 'the warning',
    );
    expect(warnings).toEqual(['finwait: its exporter failed: the response is broken']);
  });

  test('a registry that refuses the monitor is tried again at the next scrape', async () => {
    const registry = new Registry();
    const other = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: () => undefined });
    registerPrometheus(other, { register: registry });
    const app = express();
    app.use(socketLifecycle(monitor, { name: 'api', register: registry }));
    const url = await listen(app);
    const refused = await fetch(`${url}/metrics`);
    expect([refused.status, await refused.text()]).toEqual([500, expect.stringContaining('is registered already')]);
    other.close();
    const answered = await fetch(`${url}/metrics`);
    expect([answered.status, await answered.text()]).toEqual([200, expect.stringContaining('name="api"')]);
  });

  test('a closed monitor takes its metrics off the registry and answers 503', async () => {
    const registry = new Registry();
    const app = express();
    app.use(socketLifecycle(monitor, { register: registry }));
    const url = await listen(app);
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
    monitor.close();
    expect(registry.getMetricsAsArray()).toEqual([]);
    expect((await fetch(`${url}/metrics`)).status).toBe(503);
  });

  test('a closed monitor is refused', () => {
    monitor.close();
    expect(() => socketLifecycle(monitor)).toThrow('socketLifecycle: this monitor is closed');
  });

  test.each([
    [{ metricsPath: 'metrics' }, /metricsPath is a path beginning with '\/', or false, received 'metrics'/],
    [{ name: 7 }, /socketLifecycle: name is 1 to 64 printable characters .*received 7/],
    [{ name: '_bad' }, /socketLifecycle: name .* does not begin with '_', received '_bad'/],
    [{ path: '/x' }, /unknown option 'path'/],
  ])('refuses %j', (options, message) => {
    expect(() => socketLifecycle(monitor, options as never)).toThrow(message);
  });
});
