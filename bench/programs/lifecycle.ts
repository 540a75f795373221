// What finwait adds to one connection's life in JavaScript: real net.Socket objects whose events are emitted by hand,
// over a handle that asks no kernel. Prints nanoseconds of CPU time, the collector's threads included.
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Monitor } from '../../src/index.ts';

/** What one run of this program prints: the lower quartile of many short runs. */
export interface LifecycleResult {
  readonly lifecycleNs: number;
  /** For each 'data' event. */
  readonly eventNs: number;
}

const [role, variant] = process.argv.slice(2) as ['server' | 'client', 'bare' | 'observed'];
const monitor: Monitor | undefined =
  variant === 'observed'
    ? (await import('../../src/index.ts')).createMonitor({ sampleIntervalMs: 3_600_000 })
    : undefined;
const server = net.createServer({ allowHalfOpen: true });
// A server that listens nowhere has no address.
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
monitor?.observeServer(server);
await monitor?.sample();

let nextPort = 1024;

/** A handle that answers as libuv's does, without a system call. */
class TCP {
  reading = true;
  bytesRead = 64;
  bytesWritten = 64;
  fd = -1;
  getpeername(out: { address?: string; port?: number; family?: string }): number {
    nextPort = nextPort === 65_535 ? 1024 : nextPort + 1;
    out.address = '127.0.0.1';
    out.family = 'IPv4';
    out.port = nextPort;
    return 0;
  }
  getsockname(out: { address?: string; port?: number; family?: string }): number {
    return this.getpeername(out);
  }
}

/** The fields that Node writes before it emits. */
interface Inside {
  _handle: unknown;
  server: unknown;
  connecting: boolean;
  destroyed: boolean;
  _readableState: { ended: boolean; endEmitted: boolean };
  _writableState: { finished: boolean };
}

let seen = 0;

function onData(chunk: Buffer): void {
  seen += chunk.length;
}

function onClose(): void {
  seen++;
}

const CHUNK = Buffer.alloc(64);
const HAD_ERROR = false;

function live(dataEvents: number): void {
  // Without options: copying them is most of what the constructor costs on Node 20, and no concern of ours.
  const socket = new net.Socket();
  const inside = socket as unknown as Inside;
  socket.on('data', onData);
  socket.on('close', onClose);
  if (role === 'server') {
    const handle = new TCP();
    handle.fd = 100;
    inside._handle = handle;
    inside.server = server;
    server.emit('connection', socket);
  } else {
    inside.connecting = true;
    monitor?.observeSocket(socket);
    const handle = new TCP();
    inside._handle = handle;
    socket.emit('connectionAttempt', '10.0.0.1', 5432, 4);
    // libuv opens the descriptor at connect(2), which comes after this event.
    handle.fd = 100;
    inside.connecting = false;
    socket.emit('connect');
  }
  socket.emit('ready');
  for (let event = 0; event < dataEvents; event++) socket.emit('data', CHUNK);
  if (role === 'client') finish(socket, inside);
  inside._readableState.ended = true;
  inside._readableState.endEmitted = true;
  socket.emit('end');
  if (role === 'server') finish(socket, inside);
  inside._handle = null;
  inside.destroyed = true;
  socket.emit('close', HAD_ERROR);
}

function finish(socket: net.Socket, inside: Inside): void {
  inside._writableState.finished = true;
  socket.emit('finish');
}

const LIVES = 2_048;
/** Few enough in a turn of the event loop that what lives until its end is little, as in a server. */
const LIVES_A_TURN = 32;
const RUNS = 80;

async function time(dataEvents: number): Promise<number> {
  const before = process.cpuUsage();
  for (let life = 0; life < LIVES; life += LIVES_A_TURN) {
    for (let one = 0; one < LIVES_A_TURN; one++) live(dataEvents);
    await turn();
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / LIVES;
}

const MORE_EVENTS = 50;
const plain: number[] = [];
const chatty: number[] = [];
for (let run = 0; run < RUNS; run++) {
  plain.push(await time(1));
  chatty.push(await time(1 + MORE_EVENTS));
}
// The first half is warming up.
const lifecycleNs = lowerQuartile(plain);
const result: LifecycleResult = { lifecycleNs, eventNs: (lowerQuartile(chatty) - lifecycleNs) / MORE_EVENTS };
monitor?.close();
server.close();
if (seen === 0) throw new Error('no event was emitted');
process.stdout.write(JSON.stringify(result));

function lowerQuartile(runs: readonly number[]): number {
  const late = runs.slice(runs.length / 2).sort((a, b) => a - b);
  return late[Math.floor(late.length / 4)] as number;
}
