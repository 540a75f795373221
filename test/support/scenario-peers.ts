import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { until } from './wait.ts';

/** A listener in a thread that is asleep: the kernel fills its backlog, and then answers no SYN. */
export interface Hole {
  readonly port: number;
  close(): Promise<void>;
}

/** The kernel completes one connection more than the backlog allows. */
const BACKLOG = 1;

/** Opens a listener whose backlog is full and which accepts nobody. */
export async function openHole(host: '127.0.0.1' | '::1', port: number): Promise<Hole> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(SLEEPING_LISTENER, { eval: true, workerData: { gate, host, port, backlog: BACKLOG } });
  const opened = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const fillers = Array.from({ length: BACKLOG + 1 }, () => {
    const socket = net.connect({ host, port: opened });
    socket.on('error', () => undefined);
    return socket;
  });
  await until(
    () => fillers.every((socket) => !socket.connecting),
    () => 'the backlog is full',
  );
  return {
    port: opened,
    async close() {
      for (const socket of fillers) socket.destroy();
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      await worker.terminate();
    },
  };
}

/**
 * A client in another thread connects, writes and resets, all before this thread's event loop turns: the connection is
 * dead when it is accepted.
 */
export function comeWhileBlocked(port: number): () => Promise<number> {
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(HASTY_CLIENT, { eval: true, workerData: { gate, port } });
  Atomics.wait(gate, 0, 0, 5_000);
  return () => worker.terminate();
}

const SLEEPING_LISTENER = `
const { parentPort, workerData } = require('node:worker_threads');
const { gate, host, port, backlog } = workerData;
const server = require('node:net').createServer();
server.listen({ host, port, backlog }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(gate, 0, 0);
  server.close();
});
`;

const HASTY_CLIENT = `
const { gate, port } = require('node:worker_threads').workerData;
const socket = require('node:net').connect(port, '127.0.0.1', () => {
  socket.write('x', () => socket.resetAndDestroy());
});
socket.on('close', () => {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
});
`;
