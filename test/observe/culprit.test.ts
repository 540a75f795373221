// What a leaking socket is, what it last did and in what condition it is, told of real connections of every kind.
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { createRequire } from 'node:module';
import net from 'node:net';
import tls from 'node:tls';
import express from 'express';
import { createMonitor, type Monitor } from 'finwait';
import { socketLifecycle } from 'finwait/express';
import * as undici from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';
import type { ObserveContext } from '../../src/observe/context.ts';
import { CreationSites } from '../../src/observe/creation-site.ts';
import { type Culprit, culpritOf } from '../../src/observe/culprit.ts';
import { flagsOf } from '../../src/observe/culprit-flags.ts';
import { kindOf } from '../../src/observe/culprit-kind.ts';
import { requestOf } from '../../src/observe/culprit-request.ts';
import type { NodeSocket } from '../../src/observe/node-socket.ts';
import { pairOf, pipeTargetOf } from '../../src/observe/pairs.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';
import { createCertificate } from '../support/certificate.ts';
import { CleanUps } from '../support/clean-ups.ts';
import { until } from '../support/wait.ts';

/** ws brings no types. */
const { WebSocket: WsClient, WebSocketServer } = createRequire(import.meta.url)('ws') as {
  WebSocket: new (url: string) => { terminate(): void };
  WebSocketServer: new (options: { server: http.Server; path: string }) => { close(): void };
};
const certificate = createCertificate();
/** What else is asked of a context. */
const context = { sites: new CreationSites() } as unknown as ObserveContext;

let monitor: Monitor;
const cleanUps = new CleanUps();

beforeEach(() => {
  monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: () => undefined });
  monitor.observeProcess({ findExisting: 'none' });
});

afterEach(async () => {
  await cleanUps.run();
  monitor.close();
});

function culprits(): { server: Culprit[]; client: Culprit[] } {
  const { ledger } = internalsOf(monitor);
  const told: { server: Culprit[]; client: Culprit[] } = { server: [], client: [] };
  for (const record of ledger.records) {
    const { socket } = record;
    if (socket === undefined || (record.flags & FLAG.open) === 0) continue;
    told[(record.flags & FLAG.server) !== 0 ? 'server' : 'client'].push(culpritOf(context, record, socket));
  }
  return told;
}

type Told = readonly [kind: string, request?: string];

/** Waits until the one connection that is open is told as this, at both ends. */
async function becomes(server: Told, client: Told): Promise<void> {
  const expected = JSON.stringify([[server], [client]]);
  const told = (): string => {
    const short = ({ kind, request }: Culprit): Told => (request === undefined ? [kind] : [kind, request]);
    const { server, client } = culprits();
    return JSON.stringify([server.map(short), client.map(short)]);
  };
  await until(
    () => told() === expected,
    () => `${expected}, it is ${told()}`,
  );
}

/** Answers `/idle`; hangs on everything else. */
const hang: http.RequestListener = (request, response) => {
  if (request.url === '/idle') response.end('ok');
};

function agentOf(): http.Agent {
  const agent = new http.Agent({ keepAlive: true });
  cleanUps.push(() => agent.destroy());
  return agent;
}

describe('kind and request at both ends', () => {
  test('of net', async () => {
    const port = await cleanUps.serve(net.createServer());
    cleanUps.keep(net.connect(port, '127.0.0.1'));
    await becomes(['net'], ['client']);
  });

  test('of TLS', async () => {
    const port = await cleanUps.serve(tls.createServer(certificate));
    cleanUps.keep(tls.connect({ port, host: '127.0.0.1', ca: certificate.cert, servername: 'localhost' }));
    await becomes(['tls'], ['client']);
  });

  test('of a request that hangs', async () => {
    const port = await cleanUps.serve(http.createServer(hang));
    cleanUps.keep(http.get({ port, host: '127.0.0.1', agent: agentOf(), path: '/users/4711?token=1' }));
    await becomes(['http', 'GET /users/:id'], ['agent', 'GET /users/:id']);
  });

  test('of an answer that has begun, and a request whose body is half sent', async () => {
    const port = await cleanUps.serve(http.createServer((_request, response) => response.write('begun')));
    const request = cleanUps.keep(
      http.request({ port, host: '127.0.0.1', method: 'POST', path: '/upload', agent: agentOf() }),
    );
    request.on('response', (response) => response.pause()).write('half');
    await becomes(['http', 'POST /upload'], ['agent', 'POST /upload']);
  });

  test('of a server that has answered while the request is still coming', async () => {
    const port = await cleanUps.serve(http.createServer((_request, response) => response.end('early')));
    const head = 'POST /upload/77 HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf';
    cleanUps.keep(net.connect(port, '127.0.0.1')).resume().write(head);
    await becomes(['http', 'POST /upload/:id'], ['client']);
  });

  test('of a connection that is idle', async () => {
    const port = await cleanUps.serve(http.createServer(hang));
    cleanUps
      .keep(http.get({ port, host: '127.0.0.1', agent: agentOf(), path: '/idle' }))
      .on('response', (response) => response.resume());
    await becomes(['http'], ['agent']);
  });

  test('of a request without an agent', async () => {
    const port = await cleanUps.serve(http.createServer(hang));
    const createConnection = (): net.Socket => cleanUps.keep(net.connect(port, '127.0.0.1'));
    cleanUps.keep(http.get({ createConnection, path: '/a' }));
    await becomes(['http', 'GET /a'], ['client', 'GET /a']);
  });

  test('of https', async () => {
    const port = await cleanUps.serve(https.createServer(certificate, hang));
    cleanUps.keep(
      https.get({ port, host: '127.0.0.1', ca: certificate.cert, servername: 'localhost', path: '/a', agent: false }),
    );
    await becomes(['http', 'GET /a'], ['agent', 'GET /a']);
  });

  test('of HTTP/2', async () => {
    const port = await cleanUps.serve(http2.createSecureServer({ ...certificate, allowHTTP1: true }));
    const session = cleanUps.keep(http2.connect(`https://localhost:${port}`, { ca: certificate.cert }));
    cleanUps.keep(session.request({ ':path': '/a' }));
    await becomes(['http2'], ['client']);
  });

  test('of HTTP/2 that the program speaks itself', async () => {
    const port = await cleanUps.serve(tls.createServer({ ...certificate, ALPNProtocols: ['h2'] }));
    cleanUps.keep(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] }));
    await becomes(['http2'], ['client']);
  });

  test('of HTTP/2 without TLS', async () => {
    const port = await cleanUps.serve(http2.createServer());
    const session = cleanUps.keep(http2.connect(`http://localhost:${port}`));
    cleanUps.keep(session.request({ ':path': '/a' }));
    await becomes(['http2'], ['client']);
  });

  test('of HTTP/1 on a server of HTTP/2', async () => {
    const port = await cleanUps.serve(http2.createSecureServer({ ...certificate, allowHTTP1: true }, () => undefined));
    cleanUps.keep(
      https.get({ port, host: '127.0.0.1', ca: certificate.cert, servername: 'localhost', path: '/a', agent: false }),
    );
    await becomes(['http', 'GET /a'], ['agent', 'GET /a']);
  });

  test('of an upgrade', async () => {
    const server = http.createServer();
    server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
    });
    const port = await cleanUps.serve(server);
    const headers = { connection: 'upgrade', upgrade: 'x' };
    cleanUps
      .keep(http.get({ port, host: '127.0.0.1', headers, path: '/stream?token=1' }))
      .on('upgrade', (_response, socket) => cleanUps.keep(socket));
    await becomes(['upgraded', 'GET /stream'], ['upgraded', 'GET /stream']);
  });

  test('of ws', async () => {
    const server = http.createServer();
    const sockets = new WebSocketServer({ server, path: '/chat' });
    const port = await cleanUps.serve(server);
    const client = new WsClient(`ws://127.0.0.1:${port}/chat?token=1`);
    cleanUps.push(() => {
      client.terminate();
      sockets.close();
    });
    await becomes(['upgraded', 'GET /chat'], ['upgraded', 'GET /chat']);
  });

  test('of a tunnel', async () => {
    const server = http.createServer();
    server.on('connect', (_request, socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    const port = await cleanUps.serve(server);
    const request = cleanUps.keep(
      http.request({ port, host: '127.0.0.1', method: 'CONNECT', path: 'example.com:443' }),
    );
    request.on('connect', (_response, socket) => cleanUps.keep(socket)).end();
    await becomes(['connect', 'CONNECT example.com:443'], ['connect', 'CONNECT example.com:443']);
  });

  test('of a connection that had left HTTP before anybody watched', async () => {
    monitor.close();
    const server = http.createServer();
    server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
    });
    const port = await cleanUps.serve(server);
    const headers = { connection: 'upgrade', upgrade: 'x' };
    const upgraded = new Promise((resolve) => {
      cleanUps
        .keep(http.get({ port, host: '127.0.0.1', headers }))
        .on('upgrade', (_response, socket) => resolve(cleanUps.keep(socket)));
    });
    await upgraded;
    monitor = createMonitor({ sampleIntervalMs: 3_600_000 });
    monitor.observeServer(server);
    expect(culprits().server.map(({ kind }) => kind)).toEqual(['upgraded']);
  });

  test('of undici', async () => {
    const port = await cleanUps.serve(http.createServer(hang));
    const agent = new undici.Agent();
    cleanUps.push(() => agent.destroy());
    undici.request(`http://localhost:${port}/users/4711?a=1`, { dispatcher: agent }).catch(() => undefined);
    await becomes(['http', 'GET /users/:id'], ['undici', 'GET /users/:id']);
  });

  test('of fetch', async () => {
    const port = await cleanUps.serve(http.createServer(hang));
    const abort = new AbortController();
    cleanUps.push(() => abort.abort());
    fetch(`http://localhost:${port}/a?b`, { signal: abort.signal }).catch(() => undefined);
    await becomes(['http', 'GET /a'], ['undici', 'GET /a']);
  });

  test('of a route of Express, which the integration knows', async () => {
    const app = express();
    app.use(socketLifecycle(monitor));
    app.get('/users/:name/cart', () => undefined);
    const port = await cleanUps.serve(http.createServer(app));
    cleanUps.keep(http.get({ port, host: '127.0.0.1', agent: agentOf(), path: '/users/ada/cart' }));
    await becomes(['http', 'GET /users/:name/cart'], ['agent', 'GET /users/ada/cart']);
  });

  test('of a router of Express without the integration: the whole path', async () => {
    const app = express();
    app.use(
      '/api',
      express.Router().get('/users/:id', () => undefined),
    );
    const port = await cleanUps.serve(http.createServer(app));
    cleanUps.keep(http.get({ port, host: '127.0.0.1', agent: agentOf(), path: '/api/users/4711' }));
    await becomes(['http', 'GET /api/users/:id'], ['agent', 'GET /api/users/:id']);
  });
});

describe('flags', () => {
  async function accept(options: net.ServerOpts): Promise<{ accepted: net.Socket; client: net.Socket }> {
    const server = net.createServer(options);
    const port = await cleanUps.serve(server);
    const [accepted, client] = await Promise.all([
      new Promise<net.Socket>((resolve) => server.once('connection', resolve)),
      cleanUps.keep(net.connect(port, '127.0.0.1')),
    ]);
    return { accepted, client };
  }

  const flags = (socket: net.Socket): readonly string[] => flagsOf(socket as unknown as NodeSocket);

  async function become(socket: net.Socket, expected: readonly string[]): Promise<void> {
    await until(
      () => JSON.stringify(flags(socket)) === JSON.stringify(expected),
      () => `${expected.join()}, they are ${flags(socket).join()}`,
    );
  }

  test('of a half-closed socket that nobody ends', async () => {
    const { accepted, client } = await accept({ allowHalfOpen: true });
    accepted.resume();
    client.end();
    await become(accepted, ['readableEnded', 'allowHalfOpen', "no 'end' listener", "no 'data' listener"]);
  });

  test('of a paused reader whose end is withheld', async () => {
    const { accepted, client } = await accept({});
    accepted.on('data', () => undefined).pause();
    client.end('unread');
    await become(accepted, ['end withheld', 'paused', "no 'end' listener"]);
  });

  test('of one that reads by itself, and is not paused', async () => {
    const { accepted } = await accept({});
    accepted.on('readable', () => undefined).on('end', () => undefined);
    await become(accepted, []);
  });

  test('of one that does not read at all', async () => {
    const { accepted } = await accept({ pauseOnConnect: true });
    expect(flags(accepted)).toContain('not reading');
  });

  test('of a writer whose peer does not read', async () => {
    const { accepted, client } = await accept({});
    client.pause();
    accepted.on('data', () => undefined).on('end', () => undefined);
    accepted.write(Buffer.alloc(8_000_000));
    await become(accepted, ['writableNeedDrain']);
    accepted.end();
    await become(accepted, ['writableEnded']);
  });

  test('of one that is closed', async () => {
    const { accepted } = await accept({});
    accepted.on('data', () => undefined).on('end', () => undefined);
    accepted.end();
    await become(accepted, ['readableEnded', 'writableEnded', 'writableFinished', 'destroyed']);
  });
});

describe('whatever a program has made of its socket', () => {
  const refuses = (): never => {
    throw new Error('the getter of the program');
  };
  const FIELDS = [
    '_readableState',
    '_writableState',
    '_httpMessage',
    '_events',
    '_handle',
    'parser',
    'server',
    'encrypted',
    'alpnProtocol',
    'allowHalfOpen',
    'destroyed',
    'readableEnded',
  ];

  function askAll(target: object): unknown[] {
    const socket = target as NodeSocket;
    return [0, FLAG.server, FLAG.server | FLAG.tls, FLAG.undici, FLAG.upgraded].flatMap((flags) => {
      const record = new SocketRecord(socket, flags, 0);
      const parts = [kindOf(record, socket), requestOf(record, socket), flagsOf(socket), pipeTargetOf(socket)];
      return [...parts, pairOf(socket, new Map()), culpritOf(context, record, socket)];
    });
  }

  test.each(FIELDS)('nothing is thrown where %s throws', (field) => {
    const socket = new net.Socket();
    Object.defineProperty(socket, field, { get: refuses });
    expect(() => askAll(socket)).not.toThrow();
  });

  test.each([
    ['null', null],
    ['a number', 1],
    ['a string', 'text'],
    ['a function', () => undefined],
    ['an object', {}],
    ['an array', [null, 1, {}]],
    ['of getters', Object.defineProperty({}, 'pipes', { get: refuses })],
  ])('nothing is thrown where any field is %s', (_title, value) => {
    for (const field of FIELDS) {
      const socket = new net.Socket();
      Object.defineProperty(socket, field, { value });
      expect(() => askAll(socket)).not.toThrow();
    }
  });

  test('a proxy is asked nothing', () => {
    let asked = 0;
    const socket = new Proxy(
      new net.Socket(),
      new Proxy(
        {},
        {
          get: () => {
            asked++;
          },
        },
      ),
    );
    const told = culpritOf(context, new SocketRecord({}, 0, 0), socket);
    expect(told).toEqual({ kind: 'unknown', request: undefined, site: undefined, pair: undefined, flags: [] });
    expect(pipeTargetOf(socket)).toBeUndefined();
    expect(asked).toBe(0);
  });

  test('its getters and its listeners are not called, nor is anything of it changed', () => {
    const socket = new net.Socket();
    const before = JSON.stringify(Object.getOwnPropertyNames(socket));
    const prototype = Object.create(net.Socket.prototype) as object;
    for (const name of ['destroyed', 'readableEnded', 'writableFinished', 'remoteAddress', 'listenerCount', 'emit']) {
      Object.defineProperty(prototype, name, { get: refuses });
    }
    Object.setPrototypeOf(socket, prototype);
    const record = new SocketRecord(socket, FLAG.server, 0);
    expect(culpritOf(context, record, socket)).toMatchObject({ kind: 'net' });
    expect(flagsOf(socket as unknown as NodeSocket)).toContain("no 'data' listener");
    expect(JSON.stringify(Object.getOwnPropertyNames(socket))).toBe(before);
  });
});
