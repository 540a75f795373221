import type { SharedEnd } from '../kernel/shared-result.ts';
import { joinSharedTable, type SharedTable } from '../kernel/shared-table.ts';
import type { TableSink } from '../kernel/table-server.ts';
import { offer, type RowSink } from '../sockets/row.ts';

/** What {@link Following} needs of the collector. */
export interface FollowingHost {
  /** The primary of the cluster; undefined outside of one. */
  readonly primaryPid: () => number | undefined;
  /** A table that another process reads begins. */
  readonly begin: (startedAtMs: number) => RowSink;
  /** It has ended. */
  readonly end: (end: SharedEnd) => void;
  /** Another process asks for a table that begins from now on. */
  readonly onRequest: () => void;
}

/**
 * This process's part in one table for all processes of a cluster: told by the leader, asked for by followers. Joins the
 * others as soon as there is a cluster, which a primary is from its first fork on.
 */
export class Following {
  readonly #host: FollowingHost;
  #table: SharedTable | undefined;
  #waiting: { readonly sinceMs: number; readonly done: (end: SharedEnd) => void }[] = [];
  #closed = false;

  constructor(host: FollowingHost) {
    this.#host = host;
    this.join();
  }

  /** Whether another process reads the table for this one. */
  get isFollower(): boolean {
    return this.#table?.role === 'follower';
  }

  /** Looks whether there is a cluster by now. */
  join(): void {
    if (this.#table !== undefined || this.#closed) return;
    const primaryPid = this.#host.primaryPid();
    if (primaryPid === undefined) return;
    let sink: RowSink | undefined;
    let startedAt = 0;
    this.#table = joinSharedTable({
      primaryPid,
      onRequest: () => this.#host.onRequest(),
      consumer: {
        onStart: (startedAtMs) => {
          startedAt = startedAtMs;
          sink = this.#host.begin(startedAtMs);
        },
        onRow: (row) => {
          if (sink !== undefined) offer(sink, row);
        },
        onEnd: (end) => {
          sink = undefined;
          this.#host.end(end);
          const waiting = this.#waiting;
          this.#waiting = waiting.filter(({ sinceMs }) => sinceMs > startedAt);
          for (const { sinceMs, done } of waiting) if (sinceMs <= startedAt) done(end);
        },
      },
    });
  }

  /** The leader tells a table; undefined when nobody listens. */
  beginTelling(startedAtMs: number): TableSink | undefined {
    return this.#table?.beginSample(startedAtMs);
  }

  /** Asks the leader for a table that begins after this call. */
  request(): void {
    this.#table?.request();
  }

  /** The end of the next table that begins at this time or later; undefined when it takes too long. */
  next(sinceMs: number, timeoutMs: number): Promise<SharedEnd | undefined> {
    return new Promise((resolve) => {
      const settle = (end: SharedEnd | undefined): void => {
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((one) => one !== waiter);
        resolve(end);
      };
      const waiter = { sinceMs, done: settle };
      const timer = setTimeout(() => settle(undefined), timeoutMs);
      timer.unref();
      this.#waiting.push(waiter);
    });
  }

  close(): void {
    this.#closed = true;
    this.#table?.close();
    const gone: SharedEnd = { ok: false, reason: 'leader_lost', detail: 'the monitor was closed' };
    for (const { done } of this.#waiting.splice(0)) done(gone);
  }
}
