// Fills a table and has it read by turns: by finwait's sample, by a bare ss, and by whatever else there is. To be run
// in a network namespace of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { freemem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { StateCounts } from '../../src/index.ts';
import { childCpuMs } from './child-cpu.ts';
import { type Shell, startShell } from './shell.ts';
import { checkTable, fillTable, type Table } from './table.ts';
import type { SamplesTaken } from './table-server.ts';
import { startWorker, type Worker } from './worker.ts';

/** What is to be done. */
export interface SamplingOrder {
  readonly rows: number;
  /** How often each reader has its turn, at most. */
  readonly rounds: number;
  /** How many stretches of some seconds to measure the duty for, or 0. */
  readonly dutyStretches: number;
  /** Programs and a folder of packages; empty where they are missing. */
  readonly netstat: string;
  readonly nodeExporter: string;
  readonly packages: string;
}

/** One reader's turns: milliseconds for one reading of the table. */
export interface Readings {
  readonly wallMs: number[];
  /** The process and all that it starts. */
  readonly cpuMs: number[];
  /** The process alone. */
  readonly ownCpuMs: number[];
}

/** The readers by name; those that are missing have no entry. */
export type ReaderName = 'finwait' | 'ss' | 'node_exporter' | 'netstat' | 'systeminformation';

/** What one run of this program prints. */
export interface SamplingResult {
  readonly rows: number;
  readonly ownRows: number;
  readonly processes: number;
  readonly fillSeconds: number;
  readonly readings: { readonly [name in ReaderName]?: Readings };
  /** The worst delay of the event loop in milliseconds during each sample, and during as long without one. */
  readonly delaysMs: { readonly sample: number[]; readonly nothing: number[] };
  /** The same with 1 GB of Buffers, and with ss spawned by the process itself; absent where memory is short. */
  readonly heldMs?: { readonly sample: number[]; readonly spawn: number[] };
  /** CPU of a process that would sample without a pause, in percent of a core: one number a stretch. */
  readonly dutyPercent: number[];
}

interface Reader {
  readonly name: ReaderName;
  read(): Promise<Reading>;
}

interface Reading {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly ownCpuMs: number;
}

const order = JSON.parse(process.argv[2] as string) as SamplingOrder;
/** When each part ends at the latest: TIME_WAIT lives for 60 s, of which filling has taken some. */
const TURNS_END_MS = 30_000;
const DELAYS_END_MS = 38_000;
const HELD_END_MS = 47_000;
const MIN_ROUNDS = 3;
/** Some samples long, where a sample is cheap. */
const STRETCH_MS = 4_000;
const HELD_BYTES = 1024 ** 3;
/** Together they take about as long as one reading of a large table, of which a tick of 10 ms is a small part. */
const TIMES = Math.max(1, Math.min(10, Math.round(25_000 / order.rows)));

const shell = await startShell();
const startedAt = performance.now();
const table = await fillTable(order.rows, shell);
const fillSeconds = (performance.now() - startedAt) / 1_000;
const workers: Worker[] = [];
try {
  process.stdout.write(JSON.stringify(await measure()));
} finally {
  await Promise.all([table.end(), shell.end(), ...workers.map((worker) => worker.end())]);
}

async function measure(): Promise<SamplingResult> {
  const exporter = order.nodeExporter === '' ? undefined : await startExporter(order.nodeExporter);
  try {
    const readers: Reader[] = [finwait(table), bareSs(shell)];
    if (exporter !== undefined) readers.push(exporter);
    readers.push(...(await tableReaders()));
    // Warm: compiled code, and the exporter's and our own first allocations.
    for (const reader of readers) await reader.read();
    const own = await table.server.ask<StateCounts>({ type: 'own-rows' });
    const ownRows = Object.values(own).reduce((sum, rows) => sum + rows, 0);
    const readings = await takeTurns(readers, table);
    const delaysMs = await measureDelays(table, readings);
    const heldMs = freemem() < 3 * HELD_BYTES ? undefined : await measureHeld(table);
    await checkTable(table.states, shell);
    const { processes } = table;
    const result = { rows: order.rows, ownRows, processes, fillSeconds, readings, delaysMs };
    return {
      ...result,
      ...(heldMs === undefined ? {} : { heldMs }),
      dutyPercent: await measureDuty(order.dutyStretches),
    };
  } finally {
    await exporter?.end();
  }
}

/** Another goes first in each round, and every second round goes backwards. */
async function takeTurns(readers: readonly Reader[], { closingSince }: Table): Promise<SamplingResult['readings']> {
  const readings: { [name in ReaderName]?: Readings } = {};
  for (const { name } of readers) readings[name] = { wallMs: [], cpuMs: [], ownCpuMs: [] };
  await repeat(closingSince + TURNS_END_MS, async (round) => {
    const first = round % readers.length;
    const inTurn = [...readers.slice(first), ...readers.slice(0, first)];
    for (const { name, read } of round % 2 === 0 ? inTurn : inTurn.reverse()) {
      const { wallMs, cpuMs, ownCpuMs: own } = await read();
      const of = readings[name] as Readings;
      of.wallMs.push(wallMs);
      of.cpuMs.push(cpuMs);
      of.ownCpuMs.push(own);
    }
  });
  return readings;
}

/** As many rounds as are ordered, or as there is time for; but some there must be. */
async function repeat(until: number, round: (index: number) => Promise<void>): Promise<void> {
  for (let index = 0; index < order.rounds; index++) {
    if (performance.now() > until) {
      if (index < MIN_ROUNDS) throw new Error(`only ${index} rounds before TIME_WAIT runs out: this is too slow`);
      return;
    }
    await round(index);
  }
}

function finwait({ server, rows }: Table): Reader {
  return {
    name: 'finwait',
    async read() {
      const before = childCpuMs(server.pid);
      const taken = await server.ask<SamplesTaken>({ type: 'sample', times: TIMES });
      const children = childCpuMs(server.pid) - before;
      expectRows('the sample', taken.rows, rows);
      return {
        wallMs: taken.wallMs / TIMES,
        cpuMs: (taken.cpuMs + children) / TIMES,
        ownCpuMs: taken.cpuMs / TIMES,
      };
    },
  };
}

/** From a shell that does nothing else, which is the cheapest way to run it. */
function bareSs(from: Shell): Reader {
  return {
    name: 'ss',
    async read() {
      const before = childCpuMs(from.pid);
      const begin = performance.now();
      await from.run('ss -Htan > /dev/null', TIMES);
      const wallMs = (performance.now() - begin) / TIMES;
      return { wallMs, cpuMs: (childCpuMs(from.pid) - before) / TIMES, ownCpuMs: 0 };
    },
  };
}

async function startExporter(path: string): Promise<Reader & { end(): Promise<void> }> {
  const port = await freePort();
  // Below a shell that ends it when its input ends, which is when this process does, however that comes about.
  const child = spawn(
    'sh',
    [
      '-c',
      '"$@" & read -r _; kill $!; wait',
      'sh',
      path,
      '--collector.disable-defaults',
      '--collector.tcpstat',
      '--web.disable-exporter-metrics',
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['pipe', 'ignore', 'ignore'] },
  );
  const ended = once(child, 'exit');
  // One connection for all scrapes: each of its own would leave a row in the table.
  const agent = new http.Agent({ keepAlive: true });
  const pid = child.pid as number;
  const scrape = async (): Promise<string> => {
    const request = http.get({ host: '127.0.0.1', port, path: '/metrics', agent });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return text;
  };
  const deadline = performance.now() + 10_000;
  for (let ready = false; !ready; ) {
    if (performance.now() > deadline) throw new Error(`${path} does not answer`);
    ready = await scrape().then(
      () => true,
      () => delay(50, false),
    );
  }
  return {
    name: 'node_exporter',
    async read() {
      const before = childCpuMs(pid);
      const begin = performance.now();
      for (let times = 0; times < TIMES; times++) expectRows('node_exporter', rowsIn(await scrape()), order.rows);
      const wallMs = (performance.now() - begin) / TIMES;
      const cpuMs = (childCpuMs(pid) - before) / TIMES;
      return { wallMs, cpuMs, ownCpuMs: cpuMs };
    },
    async end() {
      agent.destroy();
      child.stdin.end();
      await ended;
    },
  };
}

/** Its queues have the same name as its states. */
function rowsIn(metrics: string): number {
  let rows = 0;
  for (const [, state, value] of metrics.matchAll(/^node_tcp_connection_states\{state="(\w+)"\} (\S+)$/gm)) {
    if (state !== 'rx_queued_bytes' && state !== 'tx_queued_bytes') rows += Number(value);
  }
  return rows;
}

async function tableReaders(): Promise<Reader[]> {
  const names: ReaderName[] = [];
  if (order.netstat !== '') names.push('netstat');
  if (order.packages !== '') names.push('systeminformation');
  if (names.length === 0) return [];
  const worker = startWorker('table-reader', [order.packages, order.netstat]);
  workers.push(worker);
  await worker.ready;
  return names.map((name) => ({
    name,
    async read() {
      const before = childCpuMs(worker.pid);
      const read = await worker.ask<{ rows: number; wallMs: number; cpuMs: number }>({ type: name });
      const children = childCpuMs(worker.pid) - before;
      expectRows(name, read.rows, order.rows);
      return { wallMs: read.wallMs, cpuMs: read.cpuMs + children, ownCpuMs: read.cpuMs };
    },
  }));
}

type DelaysMs = SamplingResult['delaysMs'];

async function measureDelays({ server, closingSince }: Table, readings: SamplingResult['readings']): Promise<DelaysMs> {
  const delaysMs: DelaysMs = { sample: [], nothing: [] };
  const ms = Math.round(Math.max(...(readings.finwait?.wallMs ?? [])));
  await repeat(closingSince + DELAYS_END_MS, async (pair) => {
    for (const of of pair % 2 === 0 ? (['sample', 'nothing'] as const) : (['nothing', 'sample'] as const)) {
      delaysMs[of].push(await worstDelay(server, of, ms));
    }
  });
  return delaysMs;
}

async function measureHeld({ server, closingSince }: Table): Promise<NonNullable<SamplingResult['heldMs']>> {
  const heldMs: { sample: number[]; spawn: number[] } = { sample: [], spawn: [] };
  await server.ask({ type: 'hold', bytes: HELD_BYTES });
  await repeat(closingSince + HELD_END_MS, async (pair) => {
    for (const of of pair % 2 === 0 ? (['sample', 'spawn'] as const) : (['spawn', 'sample'] as const)) {
      heldMs[of].push(await worstDelay(server, of, 0));
    }
  });
  return heldMs;
}

async function worstDelay(server: Worker, of: string, ms: number): Promise<number> {
  return (await server.ask<{ ms: number }>({ type: 'worst-delay', of, ms })).ms;
}

async function measureDuty(stretches: number): Promise<number[]> {
  if (stretches === 0) return [];
  const worker = startWorker('duty', []);
  workers.push(worker);
  await worker.ready;
  // What the start was for is over then.
  await delay(1_000);
  const used = async (): Promise<number> => (await worker.ask<{ cpuMs: number }>({})).cpuMs + childCpuMs(worker.pid);
  const percent: number[] = [];
  for (let stretch = 0; stretch < stretches; stretch++) {
    const [before, from] = [await used(), performance.now()];
    await delay(STRETCH_MS);
    percent.push((((await used()) - before) / (performance.now() - from)) * 100);
  }
  return percent;
}

function expectRows(who: string, found: number, expected: number): void {
  if (Math.abs(found - expected) > 0.03 * expected + 30) throw new Error(`${who} saw ${found} of ${expected} rows`);
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
