// The clients of the servers that fill a table.
import { once } from 'node:events';
import net from 'node:net';
import { flight } from './kinds.ts';
import { answer } from './worker.ts';

interface Question {
  readonly type: 'established' | 'half-closed' | 'closed';
  readonly count: number;
  readonly port: number;
}

const [index] = process.argv.slice(2) as [string];
const SOURCES = 16;
const DESTINATIONS = 4;
/** Below those that the kernel gives out, so that none is a server's. */
const FIRST_PORT = 10_000;
let opened = 0;
const kept: net.Socket[] = [];

answer<Question>({ port: 0 }, async ({ type, count, port }) => {
  await flight(count, async () => {
    const socket = net.connect({ port, ...nextAddresses() });
    await once(socket, 'connect');
    switch (type) {
      case 'established':
        kept.push(socket);
        return;
      case 'half-closed':
        socket.destroy();
        return;
      case 'closed':
        // The server closes first; Node answers its FIN by itself.
        socket.resume();
        await once(socket, 'close');
        return;
      default:
        return type satisfies never;
    }
  });
  return {};
});

/**
 * A source that no connection has had yet. One that the kernel picks may be one whose TIME_WAIT the server has still,
 * and on loopback the new connection would take its place.
 */
function nextAddresses(): Pick<net.TcpNetConnectOpts, 'host' | 'localAddress' | 'localPort'> {
  const number = opened++;
  return {
    host: `127.0.0.${1 + (number % DESTINATIONS)}`,
    localAddress: `127.0.${1 + Number(index)}.${1 + (number % SOURCES)}`,
    localPort: FIRST_PORT + Math.floor(number / SOURCES),
  };
}
