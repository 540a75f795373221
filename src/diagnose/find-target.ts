import type { LoadTarget } from '../detect/load-test/load-run.ts';
import type { SocketOwners } from '../kernel/procfs/process-sockets.ts';
import { withoutSecretsIn } from './secrets.ts';

/** A row in LISTEN. */
export interface ListenerRow {
  readonly port: number;
  /** By which it is reached from this host: 127.0.0.1 where it is the wildcard's. */
  readonly address: string;
  readonly inode: number;
}

/** What the user names the target by: at least one of the two. */
export interface TargetQuery {
  readonly ports: readonly number[];
  readonly pid: number | undefined;
}

/** What there is to find it in. */
export interface TargetWorld {
  /** All listeners of this network namespace. */
  readonly listeners: readonly ListenerRow[];
  findOwners(inodes: ReadonlySet<number>): SocketOwners;
  /** A process and its descendants; empty where it does not run. */
  tree(pid: number): readonly number[];
  /** The inodes of the sockets of a process; undefined where its descriptors may not be listed. */
  inodesOf(pid: number): ReadonlySet<number> | undefined;
  titleOf(pid: number): string | undefined;
  /** The process that started another one; undefined where that has ended. */
  parentOf(pid: number): number | undefined;
  /** Whether a process is in another network namespace; undefined where that may not be asked. */
  isElsewhere(pid: number): boolean | undefined;
}

/** A target, or why there is none and what to do about it. */
export type FoundTarget =
  | { readonly ok: true; readonly target: LoadTarget; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problem: string };

/** Finds what is to be watched: the ports, and the processes behind them. */
export function findTarget({ ports, pid }: TargetQuery, world: TargetWorld): FoundTarget {
  return pid === undefined ? byPorts(ports, world) : byPid(pid, ports, world);
}

function byPorts(ports: readonly number[], world: TargetWorld): FoundTarget {
  const missing = ports.filter((port) => !world.listeners.some((listener) => listener.port === port));
  if (missing.length > 0) return { ok: false, problem: nobodyListens(missing, world.listeners) };
  const inodes = new Set(world.listeners.filter(({ port }) => ports.includes(port)).map(({ inode }) => inode));
  const { pids, denied } = world.findOwners(inodes);
  // The workers of a cluster accept what the primary listens for.
  const all = [...new Set(pids.flatMap((each) => world.tree(each)))];
  const notes = all.length > 0 ? [] : [denied > 0 ? DENIED : OWNERLESS];
  return { ok: true, target: describe(ports, all, world), notes };
}

function byPid(pid: number, asked: readonly number[], world: TargetWorld): FoundTarget {
  const pids = world.tree(pid);
  if (pids.length === 0) return { ok: false, problem: `no process ${pid} runs here: \`ps -ef\` lists those that do` };
  if (world.isElsewhere(pid) === true) return { ok: false, problem: elsewhere(pid) };
  const held = pids.map((each) => world.inodesOf(each));
  if (held.every((inodes) => inodes === undefined)) {
    if (asked.length === 0) return { ok: false, problem: notAllowed(pid) };
    const found = byPorts(asked, world);
    // Whose port it is cannot be told, but what a process uses of the processors anybody may read.
    return found.ok ? { ok: true, target: describe(asked, pids, world), notes: [notProven(pid)] } : found;
  }
  const own = world.listeners.filter(({ inode }) => held.some((inodes) => inodes?.has(inode)));
  const missing = asked.filter((port) => !own.some((listener) => listener.port === port));
  if (missing.length > 0) {
    const [port = 0] = missing;
    const problem = `process ${pid} does not listen on port ${port}: ${listed(own)}`;
    return { ok: false, problem: `${problem}${ofParent(pid, world)}` };
  }
  const ports = asked.length > 0 ? asked : distinct(own);
  const silent = `Process ${pid} does not listen: its outgoing connections are watched`;
  const notes = ports.length > 0 ? [] : [`${silent}${ofParent(pid, world)}.`];
  return { ok: true, target: describe(ports, pids, world), notes };
}

function describe(ports: readonly number[], pids: readonly number[], world: TargetWorld): LoadTarget {
  const title = pids[0] === undefined ? undefined : world.titleOf(pids[0]);
  return { ports, pids, ...(title === undefined ? {} : { title: withoutSecretsIn(title) }) };
}

const DENIED =
  "Not allowed to read the process behind the port, so nothing is known of its processor time and descriptors: run this as the process's user, or as root.";
const OWNERLESS = 'No process that can be seen here holds the port: it may be of another container.';

function nobodyListens(ports: readonly number[], listeners: readonly ListenerRow[]): string {
  const what = ports.length === 1 ? `port ${ports[0]}` : `ports ${ports.join(' and ')}`;
  return `nobody listens on ${what} in this network namespace: start the server first; ${listed(listeners)}. In a container or another namespace, run finwait there (nsenter -t PID -n npx finwait diagnose ...)`;
}

function listed(listeners: readonly ListenerRow[]): string {
  const ports = distinct(listeners);
  if (ports.length === 0) return 'there are no listeners at all';
  const more = ports.length > MOST_LISTED ? ` and ${ports.length - MOST_LISTED} more` : '';
  return `listened on are ${ports.slice(0, MOST_LISTED).join(', ')}${more}`;
}

function distinct(listeners: readonly ListenerRow[]): number[] {
  return [...new Set(listeners.map(({ port }) => port))].sort((one, other) => one - other);
}

function elsewhere(pid: number): string {
  return `process ${pid} is in another network namespace, whose sockets are not in this table: run finwait there, as root: nsenter -t ${pid} -n npx finwait diagnose --pid ${pid} ...`;
}

/** Of the workers of a cluster that takes turns the primary listens, and a worker alone seems to have no port. */
function ofParent(pid: number, world: TargetWorld): string {
  const parent = world.parentOf(pid);
  const inodes = parent === undefined ? undefined : world.inodesOf(parent);
  const ports = distinct(world.listeners.filter(({ inode }) => inodes?.has(inode)));
  if (ports.length === 0) return '';
  return `; its parent listens on ${ports.join(', ')}: if this is a worker of a cluster, name that: --pid ${parent}`;
}

function notProven(pid: number): string {
  return `Not allowed to list the descriptors of process ${pid}, so whether the port is its own is not proven: run this as its user, or as root.`;
}

function notAllowed(pid: number): string {
  return `not allowed to see the sockets of process ${pid}: run this as its user or as root, or name its port with --port, for which no right is needed`;
}

const MOST_LISTED = 12;
