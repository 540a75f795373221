import { readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { clearTimeout, performance, setTimeout } from '../../globals.ts';
import { readListenerInode } from './leader-proof.ts';
import { TableClient, type TableConsumer } from './table-client.ts';
import { TableServer, type TableSink } from './table-server.ts';

/**
 * What this process is to the others: the `leader` reads the table and tells it, a `follower` is told each one that begins; one that is
 * `alone` reads for itself: nothing is decided yet, nobody can be trusted, or there is nobody to share with.
 */
export type SharedRole = 'leader' | 'follower' | 'alone';

/** This process's part in sharing one table among the processes of a cluster. */
export interface SharedTable {
  readonly role: SharedRole;
  /**
   * When a follower heard of its leader last, on `performance.now()`; undefined in other roles. A leader may be blocked
   * for long: a follower that has waited longer than the announced interval should read for itself.
   */
  readonly lastHeardAt: number | undefined;
  /**
   * The leader tells a table: to be called before anything of it is read, whether somebody listens or not. Undefined
   * when nobody does; the rows need not be copied anywhere then.
   *
   * @param startedAtMs on `performance.now()`
   */
  beginSample(startedAtMs: number): TableSink | undefined;
  /**
   * A follower asks for a table that begins after this call; nothing in other roles. No answer is promised: the next
   * start whose time is not before the call answers it.
   */
  request(): void;
  /** Leaves. Afterwards no callback is called, but for the end of a table in hand. */
  close(): void;
}

/** How to share a table. */
export interface SharedTableOptions {
  /** The primary of the cluster that this process belongs to, itself included; undefined outside of a cluster. */
  readonly primaryPid: number | undefined;
  /** Is told the tables while this process is a follower. What it throws ends that table as `consumer_threw`. */
  readonly consumer: TableConsumer;
  /** The leader is asked for a table that begins from now on: take a sample soon. */
  readonly onRequest: () => void;
  /** Told after the role has changed. */
  readonly onRoleChange?: (role: SharedRole) => void;
  /** The least time from the start of one table to the start of a requested one, asked anew for each. @default 1000 */
  readonly minIntervalMs?: () => number;
  /** @default performance.now */
  readonly now?: () => number;
}

/**
 * Joins the processes of a cluster that share one table: whoever binds an abstract unix socket first is the leader, and
 * reads the table for all; the others connect to it. When it goes, the name is free at once, and the next takes it.
 * Abstract names belong to a network namespace, so whoever meets there has the same table. Linux only.
 *
 * Other users cannot be believed to be the leader (leader-proof.ts says why and how). They can connect to the leader,
 * and learn what the kernel tells them anyhow; its followers are limited in number, in what they may ask and in what
 * may wait for them (table-server.ts).
 *
 * Nothing here throws, blocks or keeps the process alive. The host can see that there is a unix socket: in its
 * descriptors, in the diagnostics channels `net.client.socket`, `net.server.socket` and `tracing:net.server.listen`,
 * and in async hooks. A cluster's primary is not told of the listener.
 *
 * @example
 * const table = joinSharedTable({ primaryPid: cluster.isWorker ? process.ppid : undefined, consumer, onRequest });
 * const sink = table.beginSample(performance.now());
 * const read = await readSs({ path, timeoutMs, onRow: (row) => sink?.row(row) });
 */
export function joinSharedTable(options: SharedTableOptions): SharedTable {
  const { primaryPid } = options;
  const name = primaryPid === undefined ? undefined : sharedTableName(primaryPid);
  if (primaryPid === undefined || name === undefined) return ALONE;
  return new Membership(options, primaryPid, name);
}

/**
 * The name under which the processes of a cluster meet, without its leading NUL. Undefined where they cannot: on other
 * systems, or where /proc does not tell.
 */
export function sharedTableName(primaryPid: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    // The containers of a pod share a network namespace, and all their primaries may be process 1.
    const pidNamespace = /^pid:\[(\d+)\]$/.exec(readlinkSync('/proc/self/ns/pid'))?.[1];
    if (pidNamespace === undefined) return undefined;
    return `finwait-table-${FORMAT}-${pidNamespace}-${primaryPid}-`.padEnd(NAME_BYTES, '-');
  } catch {
    return undefined;
  }
}

class Membership implements SharedTable {
  readonly #options: SharedTableOptions;
  readonly #primaryPid: number;
  readonly #name: string;
  readonly #now: () => number;
  readonly #monotonicOffsetMs: number;
  #role: SharedRole = 'alone';
  #server: TableServer | undefined;
  #client: TableClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;

  constructor(options: SharedTableOptions, primaryPid: number, name: string) {
    this.#options = options;
    this.#primaryPid = primaryPid;
    this.#name = name;
    this.#now = options.now ?? (() => performance.now());
    this.#monotonicOffsetMs = monotonicOffsetMs(this.#now);
    this.#listen();
  }

  get role(): SharedRole {
    return this.#role;
  }

  get lastHeardAt(): number | undefined {
    return this.#role === 'follower' ? this.#client?.lastHeardAt : undefined;
  }

  beginSample(startedAtMs: number): TableSink | undefined {
    return this.#server?.beginSample(startedAtMs + this.#monotonicOffsetMs);
  }

  request(): void {
    this.#client?.request();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#server?.close();
    this.#client?.close();
    this.#server = undefined;
    this.#client = undefined;
    this.#role = 'alone';
  }

  /** Tries to become the leader, and to follow if there is one. */
  #listen(): void {
    if (this.#closed) return;
    const server = createServer();
    server.unref();
    server.on('error', (error: NodeJS.ErrnoException) => {
      // Once it listens, an error is a connection that could not be accepted, for want of descriptors.
      if (server.listening || this.#closed) return;
      if (error.code === 'EADDRINUSE') this.#follow().catch(() => this.#retry());
      else this.#retry();
    });
    server.on('listening', () => {
      if (this.#closed) server.close();
      else this.#lead(new TableServer(server, this.#serverOptions()));
    });
    try {
      // Without `exclusive` the primary of a cluster would listen for its workers.
      server.listen({ path: `\0${this.#name}`, exclusive: true });
    } catch {
      // The permission model does not allow it.
      this.#retry();
    }
  }

  #lead(server: TableServer): void {
    this.#failures = 0;
    this.#server = server;
    this.#become('leader');
  }

  async #follow(): Promise<void> {
    const inode = await readListenerInode(this.#name);
    if (this.#closed) return;
    if (inode === 0) return this.#retry();
    this.#client = new TableClient({
      path: `\0${this.#name}`,
      inode,
      primaryPid: this.#primaryPid,
      consumer: this.#options.consumer,
      now: this.#now,
      monotonicOffsetMs: this.#monotonicOffsetMs,
      onJoined: () => this.#become('follower'),
      onLost: (hadTable) => {
        this.#client = undefined;
        this.#become('alone');
        if (!hadTable) return this.#retry();
        // It was a leader that worked: the name is free, or we were too slow for it.
        this.#failures = 0;
        this.#listen();
      },
    });
  }

  #retry(): void {
    if (this.#closed) return;
    const longestMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LAST_RETRY_MS);
    this.#timer = setTimeout(() => this.#listen(), longestMs * (0.5 + Math.random() / 2));
    this.#timer.unref();
  }

  #serverOptions(): ConstructorParameters<typeof TableServer>[1] {
    const { onRequest, minIntervalMs } = this.#options;
    return {
      onRequest: () => attempt(onRequest),
      minIntervalMs: () => attempt(minIntervalMs) ?? MIN_INTERVAL_MS,
      now: this.#now,
    };
  }

  #become(role: SharedRole): void {
    if (this.#role === role || this.#closed) return;
    this.#role = role;
    attempt(() => this.#options.onRoleChange?.(role));
  }
}

/**
 * What to add to a clock of this process for CLOCK_MONOTONIC, in milliseconds: performance.now() counts from the start
 * of its own process, and process.hrtime() is the same in all processes of one machine. The smallest of several
 * differences, because the process may be put aside between two readings.
 */
function monotonicOffsetMs(now: () => number): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < 10; reading++) {
    const ownMs = now();
    smallest = Math.min(smallest, Number(process.hrtime.bigint()) / 1e6 - ownMs);
  }
  return smallest;
}

/** Calls back; what the caller throws must not become the host's uncaught exception. */
function attempt<T>(call: (() => T) | undefined): T | undefined {
  try {
    return call?.();
  } catch {
    // It has nobody to be told to: the caller is our own collector.
    return undefined;
  }
}

const ALONE: SharedTable = {
  role: 'alone',
  lastHeardAt: undefined,
  beginSample: () => undefined,
  request: () => {},
  close: () => {},
};

/** The version of what table-stream.ts writes: processes with different versions never meet. */
const FORMAT = 3;
/** The whole of a unix address behind the NUL. Node 20 (libuv 1.46) pads shorter names with NULs, and later ones do not. */
const NAME_BYTES = 107;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 30_000;
const MIN_INTERVAL_MS = 1000;
