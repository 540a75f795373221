import http from 'node:http';
import type { AddressInfo } from 'node:net';
import express5 from 'express';
import express4 from 'express4';
import { createMonitor, type Monitor } from 'finwait';
import { socketLifecycle } from 'finwait/express';
import { registerPrometheus } from 'finwait/prometheus';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const versions: readonly (readonly [string, typeof express5])[] = [
  ['Express 4', express4],
  ['Express 5', express5],
];

describe.each(versions)('%s', (_, express) => {
  let monitor: Monitor;
  let server: http.Server | undefined;

  beforeEach(() => {
    monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: () => undefined });
  });

  afterEach(async () => {
    monitor.close();
    server?.closeAllConnections();
    if (server?.listening) await new Promise((resolve) => server?.close(resolve));
    server = undefined;
  });

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
    [{ metricsPath: 'metrics' }, /metricsPath is a path beginning with '\/', or false, received 'metrics'/],
    [{ name: 7 }, /name is a string, received 7/],
    [{ path: '/x' }, /unknown option 'path'/],
  ])('refuses %j', (options, message) => {
    expect(() => socketLifecycle(monitor, options as never)).toThrow(message);
  });
});
