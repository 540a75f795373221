import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { findInside, type Inside } from '../../src/diagnose/find-inside.ts';
import { getText } from '../../src/diagnose/http-text.ts';
import { probeOf } from '../../src/diagnose/probe.ts';
import { CleanUps } from '../support/clean-ups.ts';

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

const { signal } = new AbortController();
const METRICS = 'nodejs_tcp_info{version="1",node_version="20",netns="ab"} 1\n';

function find(ports: readonly number[], more: Partial<Parameters<typeof findInside>[0]> = {}): Promise<Inside> {
  const target = { ports, pids: [] };
  return findInside({ target, held: ports, url: undefined, isProbing: true, signal, ...more });
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
    expect(inside.probe).toEqual({ status: 200, keepsConnection: true, keepAliveSeconds: 5 });
  });

  test('may have nothing of finwait, and close each connection', async () => {
    const port = await cleanUps.serve(answering('hello', { connection: 'close' }));
    expect(await find([port])).toEqual({ url: undefined, probe: { status: 200, keepsConnection: false } });
  });

  test('may speak something else, or not answer at all', async () => {
    const other = await cleanUps.serve(net.createServer((socket) => socket.end('+OK\r\n')));
    expect(await find([other])).toEqual({ url: undefined, probe: undefined });
    const silent = await cleanUps.serve(net.createServer());
    expect(await find([silent])).toEqual({ url: undefined, probe: undefined });
    const eager = await cleanUps.serve(
      net.createServer((socket) =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      ),
    );
    expect(await find([eager])).toEqual({ url: undefined, probe: undefined });
  });

  test('is not asked where the user does not want it', async () => {
    const server = answering(METRICS);
    let asked = 0;
    server.on('request', () => asked++);
    const port = await cleanUps.serve(server);
    expect(await find([port], { isProbing: false })).toEqual({ url: undefined, probe: undefined });
    expect(asked).toBe(0);
  });
});

test('what the user says is taken as it is', async () => {
  const url = new URL('http://127.0.0.1:1/metrics');
  expect(await find([], { url })).toEqual({ url, probe: undefined });
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
