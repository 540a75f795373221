// The other end of the subject: it drives a server, or answers a client.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { ADDRESSES, flight, IN_FLIGHT, isClient, isExpress, type Kind, keepsAlive } from './kinds.ts';
import { answer } from './worker.ts';

interface Question {
  readonly count: number;
  readonly port: number;
}

const kind = process.argv[2] as Kind;
const PAYLOAD = Buffer.alloc(64, 'x');
const REQUEST = Buffer.from(
  `GET ${isExpress(kind) ? '/users/17' : '/'} HTTP/1.1\r\nHost: a\r\n${keepsAlive(kind) ? '' : 'Connection: close\r\n'}\r\n`,
);
/** Connections that stay, for each port of a subject. */
const kept = new Map<number, net.Socket[]>();

stayAwake();
answer<Question>({ port: isClient(kind) ? await listen() : 0 }, async ({ count, port }) => {
  if (keepsAlive(kind)) {
    const sockets = await keptFor(port);
    await flight(count, async () => {
      const socket = sockets.pop() as net.Socket;
      socket.write(REQUEST);
      await once(socket, 'data');
      sockets.push(socket);
    });
  } else {
    await flight(count, (index) => exchange(port, `127.0.0.${1 + (index % ADDRESSES)}`));
  }
  return {};
});

/**
 * Never waits in epoll: else every packet of the subject wakes a sleeping processor, which costs the subject 2 to 4 us of
 * its own time in a virtual machine, and the slower the subject, the oftener this end sleeps. With a load that
 * slept, the same program showed 1.37 where it is 1.18.
 */
function stayAwake(): void {
  setImmediate(stayAwake);
}

/** One server on several addresses with one port, as a service behind several of them. */
async function listen(): Promise<number> {
  let port = 0;
  for (let address = 1; address <= ADDRESSES; address++) {
    const server =
      kind === 'http-process'
        ? http.createServer((_, response) => response.end('ok'))
        : net.createServer((socket) => {
            socket.on('data', (chunk) => socket.write(chunk));
            socket.on('error', () => undefined);
          });
    server.listen(port, `127.0.0.${address}`);
    await once(server, 'listening');
    port = (server.address() as net.AddressInfo).port;
  }
  return port;
}

function exchange(port: number, localAddress: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress });
    socket.on('connect', () => socket.write(kind === 'tcp-server' ? PAYLOAD : REQUEST));
    // An HTTP server that was told so closes first; the echo server waits for us.
    socket.on('data', () => {
      if (kind === 'tcp-server') socket.end();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
}

async function keptFor(port: number): Promise<net.Socket[]> {
  const known = kept.get(port);
  if (known !== undefined) return known;
  const sockets: net.Socket[] = [];
  for (let index = 0; index < IN_FLIGHT; index++) {
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    sockets.push(socket);
  }
  kept.set(port, sockets);
  return sockets;
}
