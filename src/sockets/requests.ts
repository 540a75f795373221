import type { Initiator } from './closing.ts';
import { CountTable } from './count-table.ts';
import { HistogramTable } from './histogram-table.ts';

/** Who closed a connection that was idle between two requests: this side's timer, this side otherwise, or the peer. */
export const IDLE_CLOSES = ['keep_alive_timeout', 'local', 'remote'] as const;

/** One of {@link IDLE_CLOSES}. */
export type IdleClose = (typeof IDLE_CLOSES)[number];

/** In the order of the columns below. */
export const INITIATORS: readonly Initiator[] = ['local', 'remote', 'unknown'];

/** Upper bounds of `idle_at_close_seconds`: around the keep-alive timeouts of Node (5 s), proxies and load balancers (60 s). */
const IDLE_BOUNDS: readonly number[] = [0.1, 1, 4, 5, 6, 30, 60, 120, 600];
/** Upper bounds of `requests_per_connection`. 1 is a connection that was never used again. */
const REQUEST_BOUNDS: readonly number[] = [0, 1, 2, 10, 100, 1_000, 10_000];

/** The newest connection of a name that was lost in the keep-alive race. */
export interface Race {
  /** How long the connection had been idle when it was used again; at most, by the time of the request's failure. */
  readonly idleMs: number;
  /** On the ledger's clock, in milliseconds. */
  readonly atMs: number;
  /** How many were lost under this name. */
  readonly count: number;
  /** The shortest idle time of all. */
  readonly shortestIdleMs: number;
}

/** What a connection that is closed was doing, as far as HTTP goes. */
export interface UseAtClose {
  /** A request had not been answered to its end. */
  readonly active: boolean;
  /** Its answer had begun. */
  readonly responded: boolean;
  /** Requests the connection has had, that one included. */
  readonly requests: number;
  /** Milliseconds since the last answer was complete; NaN if there was none. */
  readonly idleMs: number;
  /** This side's idle timer went off. */
  readonly timedOut: boolean;
  /** Both sides knew that there would be no other request (`Connection: close`). */
  readonly last: boolean;
}

/** The books of HTTP requests on connections, by name slot. */
export class Requests {
  readonly idleAtClose: HistogramTable = new HistogramTable(IDLE_BOUNDS);
  readonly perConnection: HistogramTable = new HistogramTable(REQUEST_BOUNDS);
  /** What the peer says in `Keep-Alive: timeout=`, in seconds; NaN where it never did. */
  readonly keepAliveSeconds: Float64Array;
  readonly #isByName: boolean;
  readonly #counts: Float64Array;
  readonly #reusedErrors: Float64Array;
  readonly #activeCloses: CountTable<Initiator>;
  readonly #idleCloses: CountTable<IdleClose>;
  readonly #races: Map<number, Race> = new Map();

  /**
   * @param capacity how many name slots there are
   * @param byName whether the histograms are kept
   */
  constructor(capacity: number, byName: boolean) {
    this.#isByName = byName;
    this.keepAliveSeconds = new Float64Array(capacity).fill(Number.NaN);
    this.#counts = new Float64Array(capacity);
    this.#reusedErrors = new Float64Array(capacity);
    this.#activeCloses = new CountTable(capacity, INITIATORS);
    this.#idleCloses = new CountTable(capacity, IDLE_CLOSES);
  }

  count(slot: number): number {
    return this.#counts[slot] as number;
  }

  reusedErrors(slot: number): number {
    return this.#reusedErrors[slot] as number;
  }

  activeCloses(slot: number, initiator: Initiator): number {
    return this.#activeCloses.at(slot, initiator);
  }

  idleCloses(slot: number, cause: IdleClose): number {
    return this.#idleCloses.at(slot, cause);
  }

  /** The newest loss of a name in the keep-alive race. */
  race(slot: number): Race | undefined {
    return this.#races.get(slot);
  }

  /** Counts a request. */
  add(slot: number): void {
    add(this.#counts, slot);
  }

  /**
   * Counts how a connection's use ended. A request that dies with a connection that had served others, before any answer
   * and not by our doing, is the keep-alive race: the peer closed while the request was on its way (RFC 9112 section 9.5).
   *
   * @param isClient whether this process sent the requests: a server cannot see those that come too late
   */
  close(slot: number, isClient: boolean, initiator: Initiator, use: UseAtClose, atMs: number): void {
    if (use.requests === 0) return;
    if (this.#isByName) this.perConnection.observe(slot, use.requests);
    if (!use.active) {
      if (use.last || initiator === 'unknown') return;
      this.#idleCloses.add(slot, idleCloseOf(initiator, use.timedOut));
      if (this.#isByName && !Number.isNaN(use.idleMs)) this.idleAtClose.observe(slot, use.idleMs / 1000);
      return;
    }
    this.#activeCloses.add(slot, initiator);
    if (isClient && use.requests > 1 && !use.responded && initiator === 'remote') {
      add(this.#reusedErrors, slot);
      const before = this.#races.get(slot);
      const { idleMs } = use;
      this.#races.set(slot, {
        idleMs,
        atMs,
        count: (before?.count ?? 0) + 1,
        shortestIdleMs: Math.min(before?.shortestIdleMs ?? Number.POSITIVE_INFINITY, idleMs),
      });
    }
  }

  /** The slot belongs to another name from now on. */
  forget(slot: number): void {
    for (const counts of [this.#counts, this.#reusedErrors]) counts[slot] = 0;
    this.#activeCloses.forget(slot);
    this.#idleCloses.forget(slot);
    this.keepAliveSeconds[slot] = Number.NaN;
    this.idleAtClose.forget(slot);
    this.perConnection.forget(slot);
    this.#races.delete(slot);
  }
}

function idleCloseOf(initiator: 'local' | 'remote', timedOut: boolean): IdleClose {
  if (initiator === 'remote') return 'remote';
  return timedOut ? 'keep_alive_timeout' : 'local';
}

function add(counts: Float64Array, at: number): void {
  counts[at] = (counts[at] as number) + 1;
}
