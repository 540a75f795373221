// The process whose sampling is measured: a server with its share of the table's rows. `bare` never loads finwait, and
// only holds what does not fit into one process.
import { spawn } from 'node:child_process';
import net from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Monitor, StateCounts } from '../../src/index.ts';
import { answer } from './worker.ts';

/** What some samples, one after the other, came to in this process; what its children used is not in it. */
export interface SamplesTaken {
  readonly wallMs: number;
  /** Of all threads of this process. */
  readonly cpuMs: number;
  /** Of each sample. */
  readonly rows: number;
}

type Question =
  | { readonly type: 'close-first'; readonly on: boolean; readonly afterAccepting: number }
  | { readonly type: 'sample'; readonly times: number }
  | { readonly type: 'worst-delay'; readonly of: 'sample' | 'spawn' | 'nothing'; readonly ms: number }
  | { readonly type: 'hold'; readonly bytes: number }
  | { readonly type: 'own-rows' };

const [variant] = process.argv.slice(2) as ['observed' | 'bare'];
// Nothing but what is asked for: the sampling of its own accord would be in somebody else's figures.
const monitor: Monitor | undefined =
  variant === 'observed'
    ? (await import('../../src/index.ts')).createMonitor({ sampleIntervalMs: 3_600_000, sampleTimeoutMs: 30_000 })
    : undefined;
const held: Buffer[] = [];
let closeFirst = false;
let accepted = 0;

// Without data listeners: what a client closes stays in CLOSE_WAIT, because its end is read and never answered.
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  accepted++;
  socket.resume();
  if (closeFirst) socket.end();
});
monitor?.observeServer(server, { name: 'table' });
await new Promise<void>((resolve) => server.listen(0, undefined, 4_096, resolve));
// The sample that comes by itself soon after the start.
await monitor?.sample();

answer<Question>({ port: (server.address() as net.AddressInfo).port }, async (question) => {
  switch (question.type) {
    case 'close-first':
      // Clients are connected, and may have gone again, while their connections wait to be accepted.
      while (accepted < question.afterAccepting) await delay(1);
      closeFirst = question.on;
      return {};
    case 'sample':
      return takeSamples(question.times);
    case 'worst-delay':
      return { ms: await worstDelay(() => work(question.of, question.ms)) };
    case 'hold':
      // Filled, or the kernel would not give it any memory.
      for (let bytes = 0; bytes < question.bytes; bytes += CHUNK) held.push(Buffer.alloc(CHUNK, 1));
      return {};
    case 'own-rows':
      return ownRows();
    default:
      return question satisfies never;
  }
});

async function takeSamples(times: number): Promise<SamplesTaken> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  let lastStartedAt = startedAt;
  let rows = 0;
  for (let taken = 0; taken < times; taken++) {
    lastStartedAt = performance.now();
    rows = await sampleOnce();
  }
  const endedAt = performance.now();
  const { user, system } = process.cpuUsage(before);
  // A sample that was not taken but given out again would be a bargain.
  const { table } = (monitor as Monitor).snapshot();
  if (table === undefined || performance.now() - table.ageMs < lastStartedAt) throw new Error('an old sample');
  return { wallMs: endedAt - startedAt, cpuMs: (user + system) / 1_000, rows };
}

async function sampleOnce(): Promise<number> {
  const result = await (monitor as Monitor).sample();
  if (!result.ok) throw new Error(`no sample: ${result.reason} (${result.detail})`);
  return result.rows;
}

/** The longest time that the event loop did not come round, in milliseconds. */
async function worstDelay(measured: () => Promise<unknown>): Promise<number> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  // The first interval is never recorded, so the work must not be in it.
  await delay(5);
  await measured();
  await delay(5);
  delays.disable();
  return delays.max / 1e6;
}

function work(of: 'sample' | 'spawn' | 'nothing', ms: number): Promise<unknown> {
  switch (of) {
    case 'sample':
      return sampleOnce();
    case 'spawn':
      return new Promise((resolve, reject) => {
        const ss = spawn('ss', ['-Htan'], { stdio: ['ignore', 'pipe', 'ignore'] });
        ss.stdout.resume();
        ss.on('error', reject).on('close', resolve);
      });
    case 'nothing':
      return delay(ms);
    default:
      return of satisfies never;
  }
}

/** The rows that the newest sample found to be this process's, by state. */
function ownRows(): StateCounts {
  const own = monitor?.snapshot().names.find(({ name }) => name === 'table')?.kernel;
  if (own === undefined) throw new Error('the newest sample told nothing');
  return own;
}

const CHUNK = 32 * 1024 * 1024;
