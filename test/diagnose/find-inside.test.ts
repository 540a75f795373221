import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type FindInsideOptions, findInside, type Inside, type Place } from '../../src/diagnose/find-inside.ts';
import { getText } from '../../src/diagnose/http-text.ts';
import { probeOf } from '../../src/diagnose/probe.ts';
import { CleanUps } from '../support/clean-ups.ts';

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

const { signal } = new AbortController();
const METRICS = 'nodejs_tcp_info{version="1",node_version="20",netns="ab"} 1\n';

const at = (port: number, address = '127.0.0.1'): Place => ({ port, address });

function find(ports: readonly number[], more: Partial<FindInsideOptions> = {}): Promise<Inside> {
  const tested = ports.map((port) => at(port));
  return findInside({ pids: [], tested, held: tested, url: undefined, isProbing: true, signal, ...more });
}

const answering = (text: string, headers: Record<string, string> = {}): Server =>
  createServer((request, response) => {
    response.writeHead(request.url === '/metrics' ? 200 : 404, headers);
    response.end(text);
  });

describe('the port that is tested', () => {
  test('is asked once, and tells whether it keeps connections and where finwait is', async () => {
    const port = await cleanUps.serve(answering(METRICS));
    const inside = await find([port]);
    expect(inside.url?.href).toBe(`http://127.0.0.1:${port}/metrics`);
    expect(inside.ownPort).toBeUndefined();
    expect(inside.probe).toEqual({ status: 200, keepsConnection: true, keepAliveSeconds: 5 });
  });

  test.each(['127.0.0.5', '::1'])('is asked where it is listened on: %s', async (address) => {
    const server = answering(METRICS).listen(0, address);
    await once(server, 'listening');
    cleanUps.push(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    const inside = await find([], { tested: [at(port, address)] });
    expect(inside.probe?.status).toBe(200);
    expect(inside.url?.port).toBe(`${port}`);
  });

  test('may have nothing of finwait, and close each connection', async () => {
    const port = await cleanUps.serve(answering('hello', { connection: 'close' }));
    expect(await find([port])).toEqual({
      url: undefined,
      ownPort: undefined,
      probe: { status: 200, keepsConnection: false },
    });
  });

  test('may speak something else, or not answer at all', async () => {
    const other = await cleanUps.serve(net.createServer((socket) => socket.end('+OK\r\n')));
    expect(await find([other])).toEqual({ url: undefined, ownPort: undefined, probe: undefined });
    const silent = await cleanUps.serve(net.createServer());
    expect(await find([silent])).toEqual({ url: undefined, ownPort: undefined, probe: undefined });
    const eager = await cleanUps.serve(
      net.createServer((socket) =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      ),
    );
    expect(await find([eager])).toEqual({ url: undefined, ownPort: undefined, probe: undefined });
  });

  test('is not asked where the user does not want it', async () => {
    const server = answering(METRICS);
    let asked = 0;
    server.on('request', () => asked++);
    const port = await cleanUps.serve(server);
    expect(await find([port], { isProbing: false })).toEqual({ url: undefined, ownPort: undefined, probe: undefined });
    expect(asked).toBe(0);
  });
});

describe('a port that finwait has for itself', () => {
  test('is not the one that is tested, whichever comes first', async () => {
    const own = await cleanUps.serve(answering(METRICS, { connection: 'close' }));
    const application = await cleanUps.serve(answering('hello'));
    const variables = spawn('sleep', ['60'], { env: { ...process.env, FINWAIT_PORT: `${own}` } });
    cleanUps.push(() => variables.kill());
    for (const ports of [
      [own, application],
      [application, own],
    ]) {
      const inside = await find(ports, { pids: [variables.pid ?? 0] });
      expect(inside.url?.port).toBe(`${own}`);
      expect(inside.ownPort).toBe(own);
      expect(inside.probe?.keepsConnection).toBe(true);
    }
  });

  test('is none where the application serves the metrics itself', async () => {
    const application = await cleanUps.serve(answering(METRICS));
    const other = await cleanUps.serve(answering('hello'));
    expect(await find([application, other])).toMatchObject({ ownPort: undefined, probe: { status: 200 } });
    const url = new URL(`http://127.0.0.1:${application}/metrics`);
    expect(await find([application, other], { url })).toMatchObject({ url, ownPort: undefined });
  });
});

test('what the user says is taken as it is', async () => {
  const url = new URL('http://127.0.0.1:1/metrics');
  expect(await find([], { url })).toEqual({ url, ownPort: undefined, probe: undefined });
});

test('the connection of a request is closed, whether the server keeps it or not', async () => {
  const server = answering('x'.repeat(100_000));
  const port = await cleanUps.serve(server);
  const opened = once(server, 'connection') as Promise<[net.Socket]>;
  const how = { timeoutMs: 5_000, keepsAlive: true, signal };
  const { text } = await getText(new URL(`http://127.0.0.1:${port}/metrics`), how);
  expect(text).toHaveLength(100_000);
  const [socket] = await opened;
  if (!socket.destroyed) await once(socket, 'close');
});

test('a request that is given up, or takes too long, is rejected', async () => {
  const port = await cleanUps.serve(createServer(() => undefined));
  const url = new URL(`http://127.0.0.1:${port}/`);
  await expect(getText(url, { timeoutMs: 20, keepsAlive: false, signal })).rejects.toThrow();
  const given = AbortSignal.abort();
  await expect(getText(url, { timeoutMs: 5_000, keepsAlive: false, signal: given })).rejects.toThrow();
});

test.each([
  ['1.1', {}, true, undefined],
  ['1.1', { connection: 'Close' }, false, undefined],
  ['1.1', { connection: 'keep-alive', 'keep-alive': 'timeout=72, max=10' }, true, 72],
  ['1.1', { connection: 'upgrade, close' }, false, undefined],
  ['1.0', {}, false, undefined],
  ['1.0', { connection: 'Keep-Alive', 'keep-alive': 'timeout=5' }, true, 5],
])('HTTP/%s with headers %j: kept %s, for %s seconds', (version, headers, keepsConnection, seconds) => {
  const probe = probeOf({ status: 200, version, headers });
  expect(probe.keepsConnection).toBe(keepsConnection);
  expect(probe.keepAliveSeconds).toBe(seconds);
});
