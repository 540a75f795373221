import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer as createRawServer, type Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import express from 'express';
import type { Monitor } from 'finwait';
import { socketLifecycle } from 'finwait/express';
import { Agent, buildConnector, request } from 'undici';

/** The two services of the demo, listening on loopback. */
export interface Services {
  readonly apiPort: number;
  readonly rawPort: number;
  /** Closes both with everything that is open on them, the leaked sockets too. */
  close(): Promise<void>;
}

/** How long the raw service thinks before it answers a FIN with its own: CLOSE_WAIT as it is meant to be. */
const POLITE_MS = 300;

/** After that long without a request undici closes a connection. */
const IDLE_MS = 1_500;

/**
 * Starts the `api` service (HTTP, with an `upstream` it calls through undici) and the `raw` one (TCP, half-closes).
 *
 * @param port where `api` listens; 0 for any free port
 */
export async function startServices(monitor: Monitor, port: number, upstreamUrl: string): Promise<Services> {
  const pool = observedAgent(monitor);
  const api = createServer(createApp(monitor, pool, upstreamUrl));
  const streams = leakStreams(monitor, api);
  const raw = createRaw();
  monitor.observeServer(raw.server, { name: 'raw' });
  const apiPort = await listen(api, port);
  const rawPort = await listen(raw.server, 0);
  return {
    apiPort,
    rawPort,
    async close() {
      const closed = [api, raw.server].map(closeServer);
      api.closeAllConnections();
      for (const socket of [...streams, ...raw.sockets]) socket.destroy();
      await Promise.all([...closed, pool.destroy()]);
    },
  };
}

function createApp(monitor: Monitor, pool: Agent, upstreamUrl: string): express.Express {
  const app = express();
  app.use(socketLifecycle(monitor, { name: 'api' }));
  app.get('/quotes/:id', async (_request, response) => {
    response.json(await askUpstream(upstreamUrl, pool));
  });
  // A common mistake: an agent of its own for every request. Nothing is used again, and we close first each time.
  app.get('/quotes-without-pool/:id', async (_request, response) => {
    response.json(await askUpstream(upstreamUrl, observedAgent(monitor)));
  });
  // The upstream may go first when the demo ends.
  app.use(((_error, _request, response, _next) => {
    response.status(502).end();
  }) satisfies express.ErrorRequestHandler);
  return app;
}

async function askUpstream(url: string, dispatcher: Agent): Promise<unknown> {
  const { body } = await request(url, { dispatcher });
  return body.json();
}

/** An undici agent whose every connection is observed as `upstream`, from before it connects. */
function observedAgent(monitor: Monitor): Agent {
  const connect = buildConnector({});
  return new Agent({
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
    connect(options, callback) {
      // undici's types say void, but its connector returns the socket that it creates: the callback would be too late
      // to see the handshake.
      const socket: unknown = connect(options, callback);
      if (socket instanceof Socket) monitor.observeSocket(socket, { name: 'upstream' });
    },
  });
}

/** The leak: what 'upgrade' hands over has allowHalfOpen, and nobody here answers the end of the peer. */
function leakStreams(monitor: Monitor, api: HttpServer): ReadonlySet<Duplex> {
  const streams = new Set<Duplex>();
  api.on('upgrade', (upgrade, stream) => {
    streams.add(stream);
    stream.on('error', () => undefined).on('close', () => streams.delete(stream));
    // An upgrade never reaches Express, so its request is noted by hand.
    if (stream instanceof Socket) monitor.noteRequest(stream, `${upgrade.method} ${upgrade.url}`);
    stream.resume();
    stream.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: stream\r\n\r\nhello\n');
  });
  return streams;
}

/**
 * Echoes what it reads, and answers a FIN with a farewell and its own FIN a little later. To `bye` it answers with the
 * farewell and its FIN at once, and goes on reading until the peer ends too.
 */
function createRaw(): { readonly server: Server; readonly sockets: ReadonlySet<Socket> } {
  const sockets = new Set<Socket>();
  const server = createRawServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      if (data.toString() === 'bye\n') socket.end('farewell\n');
      else if (!socket.writableEnded) socket.write(data);
    });
    socket.on('end', () => {
      if (!socket.writableEnded) setTimeout(() => socket.end('farewell\n'), POLITE_MS).unref();
    });
  });
  return { server, sockets };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
