import diagnosticsChannel from 'node:diagnostics_channel';
import type http from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type MetricsListenerOptions, openMetricsListener } from '../../src/web/metrics-listener.ts';
import type { MetricsText } from '../../src/web/metrics-text.ts';
import { until } from '../support/wait.ts';

const HOST = '127.0.0.1';
const TEXT: MetricsText = { status: 200, contentType: 'text/plain; version=0.0.4', text: 'µ 1\n' };
const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A listener that is open, or has said why it is not. */
async function opened(options: Partial<MetricsListenerOptions> = {}) {
  const said: string[] = [];
  const servers: http.Server[] = [];
  const close = openMetricsListener({
    host: HOST,
    port: 0,
    render: async () => TEXT,
    exclude: (server) => servers.push(server as http.Server),
    say: (line) => said.push(line),
    retryMs: 5,
    ...options,
  });
  cleanups.push(close);
  await until(
    () => said.length > 0 || servers.at(-1)?.listening === true,
    () => 'the listener opens, or says why not',
  );
  const port = () => (servers.at(-1)?.address() as net.AddressInfo | null)?.port;
  return { said, servers, close, port, url: `http://${HOST}:${port()}` };
}

/** A server of the program. */
async function listening(port: number): Promise<net.Server> {
  const server = net.createServer();
  cleanups.push(() => server.close());
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, HOST, resolve);
  });
  return server;
}

function portOf(server: net.Server): number {
  return (server.address() as net.AddressInfo).port;
}

/** All that a server sends to this, until it closes. */
function exchange(port: number | undefined, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(port as number, HOST, () => socket.write(request));
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', reject).on('close', () => resolve(text));
  });
}

describe('the listener of /metrics', () => {
  it('answers GET, with whatever question, and closes the connection', async () => {
    const { port } = await opened();
    const answer = await exchange(port(), 'GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/plain; version=0\.0\.4\r\ncontent-length: 5\r\n/);
    expect(answer).toMatch(/\r\nConnection: close\r\n\r\nµ 1\n$/);
  });

  it('answers HEAD with the headers alone', async () => {
    const { url } = await opened();
    const response = await fetch(`${url}/metrics`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '5', '']);
  });

  it.each([
    ['GET', '/', 404],
    ['GET', '/metrics/', 404],
    ['POST', '/other', 404],
    ['POST', '/metrics', 405],
    ['DELETE', '/metrics', 405],
  ])('answers %s %s with %i', async (method, path, status) => {
    const { url } = await opened();
    const response = await fetch(url + path, { method });
    expect(response.status).toBe(status);
    expect(response.headers.get('allow')).toBe(status === 405 ? 'GET, HEAD' : null);
  });

  it('answers with the status of the text, and 500 where there is none', async () => {
    const missing = await opened({ render: async () => ({ ...TEXT, status: 501 }) });
    expect((await fetch(`${missing.url}/metrics`)).status).toBe(501);
    const failing = await opened({ render: () => Promise.reject(new Error('no\nluck')) });
    const response = await fetch(`${failing.url}/metrics`);
    expect([response.status, await response.text()]).toEqual([500, 'no\nluck\n']);
  });

  it('renders once for scrapes that come together', async () => {
    let rendered = 0;
    let finish: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { url, servers } = await opened({
      render: async () => {
        rendered++;
        await ready;
        return TEXT;
      },
    });
    let requested = 0;
    servers[0]?.on('request', () => requested++);
    const scrapes = [fetch(`${url}/metrics`), fetch(`${url}/metrics`), fetch(`${url}/metrics`)];
    await until(
      () => requested === 3,
      () => `three requests: ${requested}`,
    );
    finish();
    for (const scrape of scrapes) expect((await scrape).status).toBe(200);
    expect(rendered).toBe(1);
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
    expect(rendered).toBe(2);
  });

  it('says where it is if the port was chosen for it, and nothing if not', async () => {
    const chosen = await opened();
    expect(chosen.said).toEqual([`metrics at http://127.0.0.1:${chosen.port()}/metrics`]);
    const six = await opened({ host: '::1' }).catch(() => undefined);
    if (six?.port() !== undefined) expect(six.said).toEqual([`metrics at http://[::1]:${six.port()}/metrics`]);
    chosen.close();
    const given = await opened({ port: Number(new URL(chosen.url).port) });
    expect((await fetch(`${given.url}/metrics`)).status).toBe(200);
    expect(given.said).toEqual([]);
  });

  it('has at most ten connections, and none after it is closed', async () => {
    const { port, servers, close } = await opened();
    const sockets = Array.from({ length: 12 }, () => net.connect(port() as number, HOST));
    cleanups.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    let closed = 0;
    for (const socket of sockets)
      socket
        .resume()
        .on('error', () => undefined)
        .on('close', () => closed++);
    await until(
      () => closed === 2,
      () => `two are dropped: ${closed}`,
    );
    close();
    await until(
      () => closed === 12,
      () => `all are closed: ${closed}`,
    );
    expect(servers[0]?.listening).toBe(false);
  });

  it.each([
    ['says nothing', ''],
    ['sends its headers slowly', 'GET /metrics HTTP/1.1\r\nHost: '],
    ['waits for an answer that takes too long', 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('is rid of a client that %s', async (_, sent) => {
    const { port } = await opened({ connectionMs: 50, render: () => new Promise(() => undefined) });
    expect(await exchange(port(), sent)).toBe('');
  });

  it('holds no listener, socket or timer that would keep the process alive', async () => {
    const { port, servers } = await opened({ render: () => new Promise(() => undefined) });
    const client = net.connect(port() as number, HOST, () => client.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'));
    cleanups.push(() => client.destroy());
    const [server] = servers as [http.Server];
    const accepted = await new Promise<net.Socket>((resolve) => server.on('request', ({ socket }) => resolve(socket)));
    const held = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
    expect(held).toContain(client);
    expect(held).not.toContain(accepted);
    expect(held).not.toContain(server);
  });
});

describe('a port that is in use', () => {
  it('is said once, and served when it is free', async () => {
    const other = await listening(0);
    const port = portOf(other);
    const { said, servers } = await opened({ port });
    const line = `port ${port} of 127.0.0.1 is in use, /metrics is served as soon as it can be; FINWAIT_PORT is another port`;
    expect(said).toEqual([line]);
    let tries = 0;
    servers[0]?.on('error', () => tries++);
    await until(
      () => tries > 3,
      () => 'it is tried again',
    );
    other.close();
    await until(
      () => servers.at(-1)?.listening === true,
      () => 'it is served',
    );
    expect((await fetch(`http://${HOST}:${port}/metrics`)).status).toBe(200);
    expect(said).toEqual([line]);
  });

  it('is not tried again after the end', async () => {
    const { close, servers } = await opened({ port: portOf(await listening(0)) });
    close();
    let tries = 0;
    servers[0]?.on('error', () => tries++);
    let turns = 0;
    await until(
      () => turns++ > 10,
      () => 'some turns',
    );
    expect(tries).toBe(0);
  });

  it('or an address that is not here is the same', async () => {
    const { said } = await opened({ host: '192.0.2.1', port: 9464 });
    expect(said).toEqual([
      'port 9464 of 192.0.2.1 cannot be had (EADDRNOTAVAIL), /metrics is served as soon as it can be; FINWAIT_PORT is another port',
    ]);
  });
});

describe('a program that listens on the port itself', () => {
  it('has it, and is told', async () => {
    const free = await listening(0);
    const port = portOf(free);
    await new Promise((resolve) => free.close(resolve));
    const { said, servers } = await opened({ port });
    expect(said).toEqual([]);
    const own = await listening(port);
    expect(own.listening).toBe(true);
    expect(servers[0]?.listening).toBe(false);
    expect(said).toEqual([
      `the program itself listens on port ${port}, /metrics is not served; FINWAIT_PORT is another port`,
    ]);
  });

  it('has one that was chosen too: another is chosen then', async () => {
    const { said, port, servers } = await opened();
    const first = port() as number;
    await listening(first);
    await until(
      () => said.length === 2,
      () => 'it says where it is now',
    );
    expect(port()).not.toBe(first);
    expect(said[1]).toBe(`metrics at http://127.0.0.1:${port()}/metrics`);
    expect(servers).toHaveLength(1);
  });

  it('on another port changes nothing', async () => {
    const { servers } = await opened();
    await listening(0);
    expect(servers[0]?.listening).toBe(true);
  });

  it('is not listened to any more after the end', async () => {
    const channel = diagnosticsChannel.channel('tracing:net.server.listen:asyncStart');
    expect(channel.hasSubscribers).toBe(false);
    const { close } = await opened();
    expect(channel.hasSubscribers).toBe(true);
    close();
    expect(channel.hasSubscribers).toBe(false);
  });
});
