import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { createMonitor, type Monitor, type SocketSnapshot } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { COUNT } from '../../src/sockets/ledger.ts';
import { FLAG } from '../../src/sockets/record.ts';
import { createCertificate } from '../support/certificate.ts';
import { until } from '../support/wait.ts';

const { key, cert } = createCertificate();

let monitor: Monitor;
let open: { destroy(): unknown }[] = [];
let servers: Server[] = [];

beforeEach(() => {
  monitor = createMonitor({ sampleIntervalMs: 600_000 });
});

afterEach(async () => {
  for (const target of open) target.destroy();
  const closed = servers.map((server) => server.listening && new Promise((resolve) => server.close(resolve)));
  open = [];
  servers = [];
  await Promise.all(closed);
  await until(() => internalsOf(monitor).ledger.records.length === 0, booksText);
  expect(monitor.snapshot().illegal).toEqual([]);
  monitor.close();
});

function booksText(): string {
  const names = monitor.snapshot().names.map(({ side, name, opened, open }) => `${side} ${name}: ${opened} - ${open}`);
  return `the books are empty, and not: ${names.join(', ')}`;
}

async function listen<T extends Server>(server: T, options: { name?: string } = {}): Promise<T> {
  monitor.observeServer(server, options);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Keeps a socket to be closed after the test; its errors are not the test's. */
function keep<T extends Socket>(socket: T): T {
  open.push(socket);
  socket.on('error', () => {});
  return socket;
}

function tlsConnect(port: number, options: tls.ConnectionOptions = {}): TLSSocket {
  return keep(tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: cert, ...options }));
}

interface SideBooks {
  readonly opened: number;
  readonly adopted: number;
  readonly closed: number;
  readonly open: number;
  readonly records: number;
}

/** What the books say of one side, all names together. */
function booksOf(side: 'server' | 'client'): SideBooks {
  const { ledger } = internalsOf(monitor);
  const names = monitor.snapshot().names.filter((of) => of.side === side);
  const sum = (field: 'opened' | 'adopted' | 'closed' | 'open'): number =>
    names.reduce((total, of) => total + of[field], 0);
  const records = ledger.records.filter((record) => ledger.names.at(record.slot)?.side === side).length;
  return { opened: sum('opened'), adopted: sum('adopted'), closed: sum('closed'), open: sum('open'), records };
}

const OPEN: SideBooks = { opened: 1, adopted: 0, closed: 0, open: 1, records: 1 };
const CLOSED: SideBooks = { opened: 1, adopted: 0, closed: 1, open: 0, records: 0 };

async function untilClosed(side: 'server' | 'client'): Promise<void> {
  await until(() => booksOf(side).open === 0 && booksOf(side).records === 0, booksText);
  expect(booksOf(side)).toEqual(CLOSED);
}

describe('one record for one descriptor, counted once', () => {
  test('a tls server and a client of tls.connect', async () => {
    const server = await listen(tls.createServer({ key, cert }, (socket) => keep(socket).pipe(socket)));
    const client = tlsConnect(portOf(server));
    monitor.observeSocket(client);
    client.write('hello');
    await once(client, 'data');
    await monitor.sample();
    expect(booksOf('server')).toEqual(OPEN);
    expect(booksOf('client')).toEqual(OPEN);
    client.end();
    await untilClosed('server');
    await untilClosed('client');
  });

  test('a tls client that is observed once it is secure is adopted', async () => {
    const server = await listen(tls.createServer({ key, cert }, (socket) => keep(socket).pipe(socket)));
    const client = tlsConnect(portOf(server));
    await once(client, 'secureConnect');
    monitor.observeSocket(client);
    expect(booksOf('client')).toEqual({ ...OPEN, opened: 0, adopted: 1 });
    client.end();
    await until(() => booksOf('client').open === 0, booksText);
    expect(booksOf('client')).toEqual({ ...CLOSED, opened: 0, adopted: 1 });
  });

  test('https, on both ends', async () => {
    const server = await listen(https.createServer({ key, cert }, (_request, response) => response.end('ok')));
    const request = https.get({
      port: portOf(server),
      host: '127.0.0.1',
      ca: cert,
      servername: 'localhost',
      agent: false,
    });
    request.on('socket', (socket) => monitor.observeSocket(socket));
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
    await untilClosed('server');
    await untilClosed('client');
  });

  test('http2 over TLS', async () => {
    const server = await listen(
      http2.createSecureServer({ key, cert }, (_request, response) => response.end('ok')) as unknown as Server,
    );
    const socket = tlsConnect(portOf(server), { ALPNProtocols: ['h2'] });
    monitor.observeSocket(socket);
    const session = http2.connect('https://localhost', { createConnection: () => socket });
    expect(await answerOf(session)).toBe('ok');
    expect(booksOf('server')).toEqual(OPEN);
    expect(booksOf('client')).toEqual(OPEN);
    session.close();
    await untilClosed('server');
    await untilClosed('client');
  });

  test('http2 in plain text', async () => {
    const server = await listen(http2.createServer((_request, response) => response.end('ok')) as unknown as Server);
    const socket = keep(net.connect(portOf(server), '127.0.0.1'));
    monitor.observeSocket(socket);
    const session = http2.connect('http://localhost', { createConnection: () => socket });
    expect(await answerOf(session)).toBe('ok');
    expect(booksOf('server')).toEqual(OPEN);
    expect(booksOf('client')).toEqual(OPEN);
    session.close();
    await untilClosed('server');
    await untilClosed('client');
  });

  for (const order of ['the raw socket first', 'the TLSSocket first', 'the raw socket alone', 'the TLSSocket alone']) {
    test(`tls.connect over a connected socket, given: ${order}`, async () => {
      const server = await listen(tls.createServer({ key, cert }, (socket) => keep(socket).pipe(socket)));
      const raw = keep(net.connect(portOf(server), '127.0.0.1'));
      if (order.startsWith('the raw')) monitor.observeSocket(raw);
      await once(raw, 'connect');
      const secure = keep(tls.connect({ socket: raw, ca: cert, servername: 'localhost' }));
      if (order !== 'the raw socket alone') monitor.observeSocket(secure);
      if (order === 'the TLSSocket first') monitor.observeSocket(raw);
      secure.write('hello');
      await once(secure, 'data');
      await monitor.sample();
      const adopted = order.startsWith('the raw') ? 0 : 1;
      expect(booksOf('client')).toEqual({ ...OPEN, opened: 1 - adopted, adopted });
      secure.end();
      await until(() => booksOf('client').open === 0, booksText);
      expect(booksOf('client')).toEqual({ ...CLOSED, opened: 1 - adopted, adopted });
      await untilClosed('server');
    });
  }

  test('a plain connection that both ends turn into TLS', async () => {
    const server = await listen(
      net.createServer((raw) => {
        keep(raw);
        raw.once('data', () => {
          raw.write('go ahead', () => {
            const secure = keep(new tls.TLSSocket(raw, { isServer: true, key, cert }));
            monitor.observeSocket(secure);
            secure.pipe(secure);
          });
        });
      }),
    );
    const raw = keep(net.connect(portOf(server), '127.0.0.1'));
    monitor.observeSocket(raw);
    raw.write('starttls');
    await once(raw, 'data');
    const secure = keep(tls.connect({ socket: raw, ca: cert, servername: 'localhost' }));
    monitor.observeSocket(secure);
    secure.write('hello');
    expect(String((await once(secure, 'data'))[0])).toBe('hello');
    expect(booksOf('server')).toEqual(OPEN);
    expect(booksOf('client')).toEqual(OPEN);
    secure.end();
    await untilClosed('server');
    await untilClosed('client');
  });

  test('a TLSSocket that is handed to another observed server stays the first one’s', async () => {
    const web = https.createServer({ key, cert }, (_request, response) => response.end('ok'));
    monitor.observeServer(web, { name: 'web' });
    const server = await listen(
      net.createServer((raw) => {
        const secure = keep(new tls.TLSSocket(keep(raw), { isServer: true, key, cert }));
        web.emit('connection', secure);
        secure.resume();
      }),
      { name: 'front' },
    );
    const client = tlsConnect(portOf(server));
    await once(client, 'secureConnect');
    expect(booksOf('server')).toEqual(OPEN);
    client.end();
    await untilClosed('server');
  });

  test('a server that is observed when its connection is secure already adopts it once', async () => {
    const server = tls.createServer({ key, cert }, (socket) => keep(socket).pipe(socket));
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = tlsConnect(portOf(server));
    await Promise.all([once(server, 'secureConnection'), once(client, 'secureConnect')]);
    monitor.observeServer(server);
    expect(booksOf('server')).toEqual({ ...OPEN, opened: 0, adopted: 1 });
    client.end();
    await until(() => booksOf('server').open === 0, booksText);
    expect(booksOf('server')).toEqual({ ...CLOSED, opened: 0, adopted: 1 });
  });
});

describe('bytes are those of the wire, from the first sample to the close', () => {
  /** What the books counted of one side: received, then sent. */
  function bytesOf(side: 'server' | 'client'): [received: number, sent: number] {
    const { ledger } = internalsOf(monitor);
    const slot = ledger.names.entries().find((entry) => entry.side === side)?.slot ?? -1;
    return [ledger.count(slot, COUNT.bytesReceived), ledger.count(slot, COUNT.bytesSent)];
  }

  test('what one end sent is what the other received, handshake and all', async () => {
    const server = await listen(tls.createServer({ key, cert }, (socket) => keep(socket).pipe(socket)));
    const client = tlsConnect(portOf(server));
    monitor.observeSocket(client);
    client.write('hello');
    await once(client, 'data');
    await monitor.sample();
    const sampled = bytesOf('server');
    expect(bytesOf('client')).toEqual([sampled[1], sampled[0]]);
    expect(Math.min(...sampled)).toBeGreaterThan('hello'.length * 20);
    client.end();
    await untilClosed('server');
    await untilClosed('client');
    const [received, sent] = bytesOf('server');
    expect(bytesOf('client')).toEqual([sent, received]);
    // The alerts that close it, and a few tickets of the session at most.
    expect(received - sampled[0]).toBeLessThan(1_000);
    expect(sent - sampled[1]).toBeLessThan(4_000);
  });

  test('of a connection that was adopted only those since', async () => {
    const server = await listen(tls.createServer({ key, cert }, (socket) => keep(socket).pipe(socket)));
    const client = tlsConnect(portOf(server));
    client.write('hello');
    await once(client, 'data');
    monitor.observeSocket(client);
    client.write('x'.repeat(1_000));
    await once(client, 'data');
    await monitor.sample();
    for (const bytes of bytesOf('client')) {
      expect(bytes).toBeGreaterThanOrEqual(1_000);
      expect(bytes).toBeLessThan(1_100);
    }
    client.end();
    await until(() => booksOf('client').open === 0, booksText);
    for (const bytes of bytesOf('client')) expect(bytes).toBeLessThan(1_300);
  });
});

describe('a secure connection that was adopted with its server', () => {
  async function adopted(): Promise<{ client: TLSSocket; accepted: TLSSocket }> {
    const server = tls.createServer({ key, cert, allowHalfOpen: true }, (socket) => void keep(socket).resume());
    servers.push(server);
    server.listen(0, '127.0.0.1');
    const client = await once(server, 'listening').then(() => tlsConnect(portOf(server)));
    const [[accepted]] = await Promise.all([once(server, 'secureConnection'), once(client, 'secureConnect')]);
    monitor.observeServer(server);
    return { client, accepted };
  }

  function seen(): SocketSnapshot | undefined {
    return monitor.snapshot().sockets[0];
  }

  test('is read as TLS before its TLSSocket is met, and is not blind', async () => {
    await adopted();
    const [record] = internalsOf(monitor).ledger.records;
    expect((record?.flags ?? 0) & FLAG.tls).toBe(FLAG.tls);
    await monitor.sample();
    expect(seen()).toMatchObject({ node: { state: 'established' }, blind: false });
  });

  test('is taken over by the TLSSocket that a request is noted for', async () => {
    const { client, accepted } = await adopted();
    monitor.noteRequest(accepted, 'GET /users/:id');
    expect(seen()).toMatchObject({ request: 'GET /users/:id' });
    client.end();
    await once(accepted, 'end');
    expect(seen()).toMatchObject({ node: { state: 'close_wait', certainty: 'inferred' } });
    accepted.end();
    await until(() => booksOf('server').open === 0, booksText);
    expect(booksOf('server')).toEqual({ ...CLOSED, opened: 0, adopted: 1 });
  });
});

test('a request is noted without effect for what HTTP/2 hands out as a socket, while its session lives and after', async () => {
  const server = http2.createSecureServer({ key, cert });
  await listen(server as unknown as Server);
  const client = tlsConnect(portOf(server as unknown as Server), { ALPNProtocols: ['h2'] });
  const session = http2.connect('https://localhost', { createConnection: () => client });
  session.on('error', () => {});
  const stream = session.request({ ':path': '/' });
  stream.on('error', () => {});
  const [request, response] = (await once(server, 'request')) as [http2.Http2ServerRequest, http2.Http2ServerResponse];
  const { socket } = request;
  monitor.noteRequest(socket, 'GET /');
  expect(Object.hasOwn(socket, 'emit')).toBe(false);
  response.end('ok');
  session.destroy();
  await untilClosed('server');
  expect(() => monitor.noteRequest(socket, 'GET /')).not.toThrow();
});

test.each([undefined, null, 7, 'socket', {}, { _parent: 7 }, new net.Socket()])(
  'a request is noted for %o without effect',
  (socket) => {
    expect(() => monitor.noteRequest(socket as Socket, 'GET /')).not.toThrow();
    expect(() => monitor.noteRequest(new net.Socket(), socket as string)).not.toThrow();
  },
);

describe('a handshake that comes to nothing is one connection, closed once', () => {
  test('bytes that are no TLS', async () => {
    const server = await listen(tls.createServer({ key, cert }));
    const client = keep(net.connect(portOf(server), '127.0.0.1'));
    client.end('this is no record of TLS, and it is long enough to tell\r\n');
    await once(server, 'tlsClientError');
    await untilClosed('server');
  });

  test('a client that does not trust the certificate', async () => {
    const server = await listen(tls.createServer({ key, cert }));
    const client = keep(tls.connect({ port: portOf(server), host: '127.0.0.1', servername: 'localhost' }));
    monitor.observeSocket(client);
    await until(
      () => client.closed,
      () => 'the client has closed',
    );
    await untilClosed('server');
    await untilClosed('client');
  });

  test('a client that says nothing until the server gives up', async () => {
    const server = await listen(tls.createServer({ key, cert, handshakeTimeout: 60 }));
    // Node itself only reports the timeout, and leaves the connection open (20 to 26).
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    const client = keep(net.connect(portOf(server), '127.0.0.1'));
    monitor.observeSocket(client);
    await once(client, 'connect');
    await until(() => booksOf('server').opened === 1, booksText);
    await untilClosed('server');
    await untilClosed('client');
  });

  test('a client that resets in the middle of it', async () => {
    const server = await listen(tls.createServer({ key, cert }));
    const client = keep(net.connect(portOf(server), '127.0.0.1'));
    // The first bytes of a ClientHello.
    client.write(Buffer.of(22, 3, 1, 2, 0, 1));
    await until(() => booksOf('server').opened === 1, booksText);
    client.resetAndDestroy();
    await untilClosed('server');
  });
});

test('a close_notify without a FIN is CLOSE_WAIT with ESTABLISHED as its alternative, and still open', async () => {
  const server = await listen(
    tls.createServer({ key, cert, allowHalfOpen: true }, (socket) => {
      keep(socket).resume();
    }),
  );
  const accepted = once(server, 'secureConnection');
  const raw = keep(net.connect(portOf(server), '127.0.0.1'));
  // TLS over a stream that is not the socket: its end sends the alert and leaves the socket open.
  const secure = keep(tls.connect({ socket: streamOver(raw), ca: cert, servername: 'localhost' }));
  await once(secure, 'secureConnect');
  const [socket] = (await accepted) as [TLSSocket];
  secure.end();
  await once(socket, 'end');
  const [seen] = monitor.snapshot().sockets;
  expect(seen).toMatchObject({ side: 'server', node: { state: 'close_wait', certainty: 'inferred' } });
  expect(seen?.node.alternatives).toContain('established');
  expect(booksOf('server')).toEqual(OPEN);
  socket.end();
  raw.end();
  await untilClosed('server');
});

test('when its observation ends, neither the TLSSocket nor the socket below it carries anything', async () => {
  const plain = net.createServer((socket) => keep(socket));
  servers.push(plain);
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const untouched = keep(net.connect(portOf(plain), '127.0.0.1'));

  const server = await listen(tls.createServer({ key, cert }, (socket) => keep(socket).resume()));
  const raws: Socket[] = [];
  server.on('connection', (raw) => raws.push(raw));
  const secures: TLSSocket[] = [];
  server.on('secureConnection', (secure) => secures.push(secure));
  const raw = keep(net.connect(portOf(server), '127.0.0.1'));
  const stopRaw = monitor.observeSocket(raw);
  await once(raw, 'connect');
  const secure = keep(tls.connect({ socket: raw, ca: cert, servername: 'localhost' }));
  const stopSecure = monitor.observeSocket(secure);
  await until(
    () => secures.length === 1,
    () => 'the handshake is done',
  );

  stopSecure();
  stopRaw();
  monitor.close();
  for (const socket of [raw, secure, ...raws, ...secures]) {
    expect(Object.hasOwn(socket, 'emit')).toBe(false);
    expect(Object.getOwnPropertySymbols(socket).map(String)).not.toContain('Symbol(finwait.record)');
  }
  expect(ownNames(raw)).toEqual(ownNames(untouched));
});

function ownNames(socket: Socket): string[] {
  // TLS puts a few things of Node's own on the socket below it; ours would be among the symbols.
  return Object.getOwnPropertySymbols(socket).map(String).sort();
}

async function answerOf(session: http2.ClientHttp2Session): Promise<string> {
  const stream = session.request({ ':path': '/' });
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text;
}

function streamOver(socket: Socket): Duplex {
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      socket.write(chunk, done);
    },
  });
  socket.on('data', (chunk) => stream.push(chunk));
  return stream;
}
