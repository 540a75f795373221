import type { KernelColumn } from './join.ts';
import type { NameEntry } from './names.ts';

/** A turn of the event loop that lasts so long keeps connections waiting, and FINs unread. */
export const BLOCKED_TURN_MS = 100;
/** And one that is shorter than this keeps nobody waiting. */
export const FREE_TURN_MS = 20;

/** The newest time that an accept queue was found full. */
export interface Saturation {
  /** Milliseconds on the ledger's clock. */
  readonly atMs: number;
  /** What waited in it, and how many it takes: one more than its backlog. */
  readonly connections: number;
  readonly limit: number;
  /** The longest turn of the event loop while the table was read. */
  readonly loopBlockedMs: number;
}

/** Connections that found no place in any accept queue of the network namespace, whoever listens there. */
export interface Overflows {
  readonly atMs: number;
  readonly count: number;
  /** Between the two samples that show it. */
  readonly withinMs: number;
}

/** Remembers when the accept queues of our servers were full, which few tables are there to see. */
export class AcceptPressure {
  readonly #saturated: Map<number, Saturation> = new Map();
  #overflows: Overflows | undefined;
  #before: { readonly overflows: number; readonly atMs: number } | undefined;

  /**
   * Takes a table.
   *
   * @param overflows the kernel's ListenOverflows; undefined while it is not known
   */
  update(column: KernelColumn, servers: readonly NameEntry[], loopBlockedMs: number, overflows?: number): void {
    const atMs = column.endedAt;
    for (const { slot } of servers) {
      const connections = column.acceptQueues[slot] ?? Number.NaN;
      const limit = column.acceptLimits[slot] ?? Number.NaN;
      // The kernel compares with `>`: a backlog of 4 takes 5 (sk_acceptq_is_full).
      if (connections > limit) this.#saturated.set(slot, { atMs, connections, limit: limit + 1, loopBlockedMs });
    }
    if (overflows === undefined) return;
    const { overflows: earlier = overflows, atMs: since = atMs } = this.#before ?? {};
    if (overflows > earlier) this.#overflows = { atMs, count: overflows - earlier, withinMs: atMs - since };
    this.#before = { overflows, atMs };
  }

  saturation(slot: number): Saturation | undefined {
    return this.#saturated.get(slot);
  }

  get overflows(): Overflows | undefined {
    return this.#overflows;
  }

  /** The slot belongs to another name from now on. */
  forget(slot: number): void {
    this.#saturated.delete(slot);
  }
}
