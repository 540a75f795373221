// Holds connections open that do nothing; over HTTP each has had one answer, for a server drops what never asks.
import { once } from 'node:events';
import net from 'node:net';
import { flight } from './kinds.ts';
import { answer } from './worker.ts';

const [kind, port] = process.argv.slice(2) as ['raw' | 'http', string];
const sockets: net.Socket[] = [];

answer<{ count: number }>({}, async ({ count }) => {
  await flight(count, async () => {
    const socket = net.connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    sockets.push(socket);
    if (kind === 'raw') return;
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    if (!chunk.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error(`answered ${chunk.toString('latin1')}`);
  });
  return {};
});
