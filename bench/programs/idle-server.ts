// Counts the bytes of idle connections in a server: run with --expose-gc. `bare` never loads finwait.
import http from 'node:http';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Monitor } from '../../src/index.ts';
import { startWorker } from './worker.ts';

/** What one run of this program prints: bytes for each open connection. */
export interface IdleResult {
  readonly heap: number;
  /** Typed arrays' memory, which is not in the heap. */
  readonly arrayBuffers: number;
  readonly rss: number;
}

const [kind, variant, countText] = process.argv.slice(2) as ['raw' | 'http', 'bare' | 'observed', string];
const count = Number(countText);
const monitor: Monitor | undefined =
  variant === 'observed' ? (await import('../../src/index.ts')).createMonitor() : undefined;
const server: net.Server =
  kind === 'http'
    ? http.createServer({ keepAliveTimeout: 0, connectionsCheckingInterval: 600_000 }, (_, response) =>
        response.end('ok'),
      )
    : net.createServer((socket) => {
        socket.on('data', ignore);
      });
monitor?.observeServer(server);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));

// The first connections make what the later ones share; they stay open too.
const clients = startWorker('idle-clients', [kind, String((server.address() as net.AddressInfo).port)]);
await clients.ready;
await open(1_000);
// What V8 compiles for a sample is half a megabyte, and not a connection's.
for (let round = 0; round < 30; round++) await monitor?.sample();
const before = await weigh();
await open(count);
const after = await weigh();
const result: IdleResult = {
  heap: (after.heapUsed - before.heapUsed) / count,
  arrayBuffers: (after.arrayBuffers - before.arrayBuffers) / count,
  rss: (after.rss - before.rss) / count,
};
await clients.end();
monitor?.close();
server.close();
process.stdout.write(JSON.stringify(result), () => process.exit());

function ignore(): void {}

/** Opens more connections; each has had an answer where it speaks HTTP, and all are counted. */
async function open(more: number): Promise<void> {
  const expected = (await countConnections()) + more;
  await clients.ask({ count: more });
  // A raw connection may still be in the accept queue, where nothing of ours can see it.
  while ((await countConnections()) < expected) await turn();
  if ((await countConnections()) !== expected) throw new Error('connections were closed while they should idle');
}

async function weigh(): Promise<NodeJS.MemoryUsage> {
  // A sample walks over every record, which is when addresses are looked up.
  const sample = await monitor?.sample();
  if (monitor !== undefined) {
    const [name] = monitor.snapshot().names;
    if (name?.open !== (await countConnections())) throw new Error(`${name?.open} of the connections are observed`);
    if (sample?.ok === false) throw new Error(`no sample: ${sample.detail}`);
  }
  const { gc } = globalThis as { gc?: () => void };
  for (let pass = 0; pass < 4; pass++) {
    gc?.();
    await turn();
  }
  return process.memoryUsage();
}

function countConnections(): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, open) => (error ? reject(error) : resolve(open)));
  });
}
