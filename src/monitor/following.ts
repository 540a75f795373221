import { clearTimeout, setTimeout } from '../globals.ts';
import type { SharedEnd } from '../kernel/sharing/shared-result.ts';
import { joinSharedTable, type SharedTable } from '../kernel/sharing/shared-table.ts';
import type { TableSink } from '../kernel/sharing/table-server.ts';
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
  /** Between the start of one table and the start of one that another process asks for. */
  readonly minIntervalMs: () => number;
}

/**
 * This process's part in one table for all processes of a cluster: told by the leader, asked for by followers. Joins the
 * others as soon as there is a cluster, which a primary is from its first fork on.
 */
export class Following {
  readonly #host: FollowingHost;
  #table: SharedTable | undefined;
  /** When the table that is being told began. */
  #tellingSince: number | undefined;
  /** Whether a table was asked for, and none has begun since. */
  #asked = false;
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
      minIntervalMs: () => this.#host.minIntervalMs(),
      onRoleChange: (role) => {
        // The one who was asked has gone. Now it is us who read, or there is another one to ask.
        if (role === 'leader') this.#giveUp('the process that read the table has gone');
        else if (role === 'follower' && this.#asked) this.#table?.request();
      },
      consumer: {
        onStart: (startedAtMs) => {
          startedAt = startedAtMs;
          this.#tellingSince = startedAtMs;
          this.#asked = false;
          sink = this.#host.begin(startedAtMs);
        },
        onRow: (row) => {
          if (sink !== undefined) offer(sink, row);
        },
        onEnd: (end) => {
          sink = undefined;
          this.#tellingSince = undefined;
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
    this.#asked = true;
    this.#table?.request();
  }

  /**
   * The end of the next table that begins at this time or later; undefined when none has begun in time, or one that
   * has comes to no end.
   */
  next(sinceMs: number, begunWithinMs: number, endedWithinMs: number): Promise<SharedEnd | undefined> {
    return new Promise((resolve) => {
      const settle = (end?: SharedEnd): void => {
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((one) => one !== waiter);
        resolve(end);
      };
      const waiter = { sinceMs, done: settle };
      let timer = setTimeout(() => {
        // A large table takes its time. To ask for another would have the leader read twice.
        if (this.#tellingSince === undefined || this.#tellingSince < sinceMs) return settle();
        timer = setTimeout(settle, endedWithinMs);
        timer.unref();
      }, begunWithinMs);
      timer.unref();
      this.#waiting.push(waiter);
    });
  }

  close(): void {
    this.#closed = true;
    this.#table?.close();
    this.#giveUp('the monitor was closed');
  }

  #giveUp(detail: string): void {
    const gone: SharedEnd = { ok: false, reason: 'leader_lost', detail };
    for (const { done } of this.#waiting.splice(0)) done(gone);
  }
}
