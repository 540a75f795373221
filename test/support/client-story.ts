// Runs a program that uses a client library, and holds what finwait says in it against what ss shows of it.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Upstream } from './upstream-servers.ts';
import { until } from './wait.ts';

/** One value of a metric, as the program measured it. */
interface Point {
  readonly labels: { readonly [label: string]: string | undefined };
  readonly value: number;
}

/** What finwait said in the program at one moment. */
interface View {
  readonly ok: boolean;
  readonly degraded: readonly unknown[];
  readonly illegal: readonly unknown[];
  readonly metrics: { readonly [name: string]: readonly Point[] };
}

/** Sockets by state; states that have none are left out. */
export type States = Readonly<Record<string, number>>;

/** One rest point: what the program holds, what ss shows of it, and what finwait says. */
export interface Moment {
  readonly title: string;
  /** How many connections the program counts on; where it does not know, those that ss shows. */
  readonly connections: number;
  /** The rows to the server's port that the program's process owns, or that nobody does. */
  readonly rows: States;
  /** How many of them a descriptor of the process holds. */
  readonly owned: number;
  /** `sockets` and `node_sockets` of every client name that shows anything. */
  readonly kernel: Readonly<Record<string, States>>;
  readonly node: Readonly<Record<string, States>>;
  /** `open_connections` of every client name. */
  readonly open: Readonly<Record<string, number>>;
  /** The same as /metrics says it, with the names of servers; undefined where nothing is served. */
  readonly scraped?: Readonly<Record<string, number>>;
  /** Connect operations under way. */
  readonly pending: number;
  /** Connect operations that failed, by reason, and connections that were closed, by outcome: those there were. */
  readonly failures: Readonly<Record<string, number>>;
  readonly closed: Readonly<Record<string, number>>;
  /** Client names whose books do not balance: opened + adopted = closed + released + open, and connects likewise. */
  readonly unbalanced: readonly string[];
  /** What must never be: illegal events, errors of finwait's own, a sample that failed, names that did not fit. */
  readonly defects: readonly unknown[];
}

type Message =
  | { readonly rest: string; readonly connections?: number }
  | { readonly stop: NodeJS.Signals }
  | { readonly start: true }
  | { readonly end: true }
  | { readonly view: View };

const PROGRAMS = fileURLToPath(new URL('../fixtures/programs/', import.meta.url));
const DEADLINE_MS = 15_000;
const STILL_MS = 500;
const run = promisify(execFile);

/** Runs one story to its end, and returns its rest points. The server is started before it and stopped after it. */
export async function tellStory(
  program: string,
  words: readonly string[],
  upstream: Upstream,
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Moment[]> {
  await upstream.start();
  const child = fork(join(PROGRAMS, program), [`${upstream.port}`, ...words], {
    env: { PATH: process.env['PATH'], ...env },
    execArgv: [...flags],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const exited = once(child, 'exit');
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  // What finwait/register says where it serves; a program without it says nothing.
  const SERVED = /^finwait: metrics at (http:.*)\n/m;
  const moments: Moment[] = [];
  try {
    for (;;) {
      const message = await Promise.race([messageOf(child), exited.then(() => undefined)]);
      if (message === undefined) throw new Error(`${program} ended in the middle of its story: ${stderr}`);
      if ('end' in message) break;
      if ('rest' in message) {
        const looked = await moment(child, upstream.port, message.rest, message.connections);
        const url = SERVED.exec(stderr)?.[1];
        moments.push(url === undefined ? looked : { ...looked, scraped: await scrape(url) });
      }
      if ('stop' in message) await upstream.stop(message.stop);
      if ('start' in message) await upstream.start();
      child.send('go on');
    }
    await until(
      () => child.exitCode !== null,
      () => `${program} exits by itself`,
    );
    const complaints = stderr.replace(SERVED, '');
    if (complaints !== '' || child.exitCode !== 0) throw new Error(`${program}: ${child.exitCode}, ${complaints}`);
    return moments;
  } finally {
    child.kill('SIGKILL');
    await exited;
    await upstream.stop('SIGKILL');
  }
}

/** The open connections that /metrics shows, by name. */
async function scrape(url: string): Promise<Record<string, number>> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status}, ${text}`);
  const lines = text.matchAll(/^nodejs_tcp_open_connections\{.*name="([^"]*)".*\} (\d+)$/gm);
  return Object.fromEntries(Array.from(lines, ([, name = '', value]) => [name, Number(value)]));
}

type Child = ReturnType<typeof fork>;

async function messageOf(child: Child): Promise<Message> {
  const [message] = (await once(child, 'message')) as [Message];
  return message;
}

/** A socket as ss shows it. */
interface Row {
  readonly state: string;
  readonly local: string;
  readonly isOwned: boolean;
}

/** Waits until the kernel shows the connections that the program counts on, looks, and sees whether anything moved. */
async function moment(child: Child, port: number, title: string, expected: number | undefined): Promise<Moment> {
  const pid = child.pid ?? 0;
  let rows: Row[] = [];
  let view: View | undefined;
  let stillSince = performance.now();
  await until(
    async () => {
      const before = rows;
      rows = await rowsOf(pid, port);
      if (textOf(rows) !== textOf(before)) stillSince = performance.now();
      if (!isAtRest(rows, expected, performance.now() - stillSince)) return false;
      const reply = messageOf(child);
      child.send('look');
      const message = await reply;
      view = 'view' in message ? message.view : undefined;
      // Over TLS a connection is there before the client may use it.
      const isConnecting = expected !== 0 && pendingOf(view) > 0;
      return !isConnecting && textOf(await rowsOf(pid, port)) === textOf(rows);
    },
    () => `"${title}" at rest with ${expected} connections; ${pendingOf(view)} pending, ss shows\n${textOf(rows)}`,
    DEADLINE_MS,
  );
  if (view === undefined) throw new Error('the program did not say what it sees');
  const states = countedBy(rows.map(({ state }) => state));
  const owned = rows.filter(({ isOwned }) => isOwned).length;
  return { title, connections: expected ?? states['established'] ?? 0, rows: states, owned, ...read(view) };
}

/** A server that goes away in the middle may leave a FIN unanswered: that row stays where it is. */
function isAtRest(rows: readonly Row[], expected: number | undefined, stillMs: number): boolean {
  const open = rows.filter(({ state }) => state === 'established').length;
  if (expected !== undefined && open !== expected) return false;
  return stillMs > STILL_MS || rows.every(({ state }) => state === 'established' || state === 'time_wait');
}

/** The rows to a port that a process owns, and those without an owner, in order. */
async function rowsOf(pid: number, port: number): Promise<Row[]> {
  const { stdout } = await run('ss', ['-Htane', `( dport = :${port} )`]);
  // ss -p would look into all processes of the machine, which takes its time.
  const inodes = inodesOf(pid);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [state = '', , , local = ''] = line.split(/\s+/);
      const inode = / ino:(\d+)/.exec(line)?.[1] ?? '0';
      return { state: STATES[state] ?? state, local, isOwned: inodes.has(inode), isForeign: inode !== '0' };
    })
    .filter(({ isOwned, isForeign }) => isOwned || !isForeign)
    .sort((one, other) => one.local.localeCompare(other.local));
}

/** The inodes of the sockets that a process has open. */
function inodesOf(pid: number): Set<string> {
  const folder = `/proc/${pid}/fd`;
  const inodes = readdirSync(folder).map((descriptor) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, descriptor)))?.[1];
    } catch {
      // It was closed meanwhile.
      return undefined;
    }
  });
  return new Set(inodes.filter((inode) => inode !== undefined));
}

const STATES: { readonly [name: string]: string } = {
  ESTAB: 'established',
  'SYN-SENT': 'syn_sent',
  'FIN-WAIT-1': 'fin_wait_1',
  'FIN-WAIT-2': 'fin_wait_2',
  'TIME-WAIT': 'time_wait',
  'CLOSE-WAIT': 'close_wait',
  'LAST-ACK': 'last_ack',
  CLOSING: 'closing',
};

function textOf(rows: readonly Row[]): string {
  return rows.map(({ state, local, isOwned }) => `${state} ${local}${isOwned ? '' : ', no owner'}`).join('\n');
}

function read(view: View): Omit<Moment, 'title' | 'connections' | 'rows' | 'owned'> {
  const of = (metric: string): readonly Point[] =>
    (view.metrics[metric] ?? []).filter(({ labels }) => (labels['side'] ?? 'client') === 'client');
  const sum = (metric: string, name: string): number =>
    of(metric)
      .filter(({ labels }) => labels['name'] === name)
      .reduce((total, { value }) => total + value, 0);
  const open = Object.fromEntries(of('open_connections').map(({ labels, value }) => [labels['name'] ?? '', value]));
  const failures = sumsBy(of('connect_failures_total'), 'reason');
  const unbalanced = Object.keys(open).filter((name) => {
    const opened = sum('connections_opened_total', name);
    const came = opened + sum('connections_adopted_total', name);
    const went = sum('connections_closed_total', name) + sum('connections_released_total', name);
    const started = sum('connects_total', name);
    const succeeded = started - sum('connect_failures_total', name) - sum('pending_connects', name);
    // An operation that has not done its TLS handshake yet, or failed in it, has opened a connection all the same.
    const most = started - (failures['refused'] ?? 0);
    return came !== went + sum('open_connections', name) || succeeded > opened || opened > most;
  });
  const totals = ['internal_errors_total', 'names_overflowed_total'].flatMap((metric) => of(metric));
  const defects = [
    ...view.illegal,
    ...view.degraded,
    ...(view.ok ? [] : ['the sample failed']),
    ...totals.filter(({ value }) => value !== 0),
  ];
  return {
    kernel: statesByName(of('sockets')),
    node: statesByName(of('node_sockets')),
    open,
    pending: pendingOf(view),
    failures,
    closed: sumsBy(of('connections_closed_total'), 'outcome'),
    unbalanced,
    defects,
  };
}

function pendingOf(view: View | undefined): number {
  return (view?.metrics['pending_connects'] ?? []).reduce((total, { value }) => total + value, 0);
}

function statesByName(points: readonly Point[]): Record<string, States> {
  const all: Record<string, Record<string, number>> = {};
  for (const { labels, value } of points) {
    if (value === 0) continue;
    const states = all[labels['name'] ?? ''] ?? {};
    states[labels['state'] ?? ''] = value;
    all[labels['name'] ?? ''] = states;
  }
  return all;
}

function sumsBy(points: readonly Point[], label: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { labels, value } of points) {
    const key = labels[label] ?? '';
    if (value !== 0) sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}

function countedBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
