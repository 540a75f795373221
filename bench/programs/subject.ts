// The process whose CPU time is taken: a server, or a client of one. `bare` never loads finwait.
import http from 'node:http';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Monitor } from '../../src/index.ts';
import { ADDRESSES, flight, isProcess, type Kind, keepsAlive, type Peer } from './kinds.ts';
import { type Instrumented, instrument } from './peer.ts';
import { answer } from './worker.ts';

type Question =
  | { readonly type: 'cpu' | 'seen' }
  | { readonly type: 'burst'; readonly count: number; readonly port: number };

const [kind, variant, packages] = process.argv.slice(2) as [Kind, 'bare' | 'observed' | Peer, string];
const monitor: Monitor | undefined =
  variant === 'observed' ? (await import('../../src/index.ts')).createMonitor() : undefined;
const peer: Instrumented | undefined =
  variant === 'bare' || variant === 'observed' ? undefined : instrument(variant, packages);
if (isProcess(kind)) monitor?.observeProcess();
const WITHOUT_KEEP_ALIVE = new http.Agent({ keepAlive: false });
const PAYLOAD = Buffer.alloc(64, 'x');

const server = await createServer();
let port = 0;
if (server !== undefined) {
  monitor?.observeServer(server);
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  port = (server.address() as net.AddressInfo).port;
}

answer<Question>({ port }, async (question) => {
  if (question.type === 'burst') {
    const one = kind === 'http-process' ? requestOnce : connectOnce;
    await flight(question.count, (index) => one(index, question.port));
    return {};
  }
  if (question.type === 'seen') return { seen: (await peer?.seen()) ?? 0 };
  // The end of the last connections belongs to the burst they were opened in.
  while (server !== undefined && !keepsAlive(kind) && (await countConnections(server)) > 0) await delay(1);
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system };
});

async function createServer(): Promise<net.Server | undefined> {
  switch (kind) {
    case 'tcp-server':
      return net.createServer((socket) => {
        socket.on('data', (chunk) => socket.write(chunk));
      });
    case 'tcp-client':
    case 'tcp-process':
    case 'http-process':
      return undefined;
    case 'http':
    case 'keep-alive':
      return http.createServer((_, response) => response.end('ok'));
    case 'express':
    case 'express-keep-alive': {
      const { default: express } = await import('express');
      const app = express();
      if (peer?.middleware !== undefined) app.use(peer.middleware);
      app.use(express.json());
      app.get('/users/:id', (request, response) => {
        response.json({ id: request.params.id, name: 'somebody' });
      });
      return http.createServer(app);
    }
    default:
      return kind satisfies never;
  }
}

function countConnections(of: net.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    of.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

function connectOnce(index: number, to: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(to, `127.0.0.${1 + (index % ADDRESSES)}`);
    if (kind === 'tcp-client') monitor?.observeSocket(socket);
    socket.on('connect', () => socket.write(PAYLOAD));
    socket.on('data', () => socket.end());
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
}

/** On a connection of its own. */
function requestOnce(index: number, to: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const host = `127.0.0.${1 + (index % ADDRESSES)}`;
    const request = http.get({ host, port: to, agent: WITHOUT_KEEP_ALIVE }, (response) => {
      response.resume().socket.on('close', () => resolve());
    });
    request.on('error', reject);
  });
}
