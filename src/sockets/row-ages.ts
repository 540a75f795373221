import type { State } from '../tcp/state.ts';

/** What has passed a socket, and what waits on it: whether it changes tells whether the socket is in use. */
export interface Traffic {
  readonly received: number;
  readonly sent: number;
  /** On both sides of the system call, in both directions. */
  readonly queued: number;
}

/** One kernel socket in one state, as one complete table after another has shown it. */
export interface Sighting<T> {
  readonly state: State;
  /** In that state since, at the latest; milliseconds on the ledger's clock. */
  readonly sinceMs: number;
  /** When bytes were last seen to have moved: when it was first seen, or later. */
  movedAtMs: number;
  /** How many tables on end have shown it. */
  tables: number;
  /** What its owner remembers of it. */
  note: T | undefined;
}

interface KeptSighting<T> extends Sighting<T> {
  received: number;
  sent: number;
  queued: number;
  /** The newest table that has shown it. */
  table: number;
}

/**
 * How long kernel sockets have been in their state, by what complete tables show: no table has the time itself, so every
 * age is a lower bound. A table that is not to be trusted is not told here: it neither ages nor clears anything.
 *
 * @example
 * ages.begin();
 * const sighting = ages.see(key, state, column.endedAt, traffic);
 * ages.end();
 */
export class RowAges<T> {
  readonly #byKey: Map<number | object, KeptSighting<T>> = new Map();
  #table = 0;

  /** A complete table begins to be told. */
  begin(): void {
    this.#table++;
  }

  /**
   * One row of it.
   *
   * @param key the same for one kernel socket in every table, and for no other
   * @param atMs when the row was read at the latest
   * @param provedMs since when it is known to be in this state from elsewhere
   */
  see(key: number | object, state: State, atMs: number, traffic: Traffic, provedMs: number = atMs): Sighting<T> {
    const known = this.#byKey.get(key);
    const { received, sent, queued } = traffic;
    if (known === undefined || known.state !== state) {
      const sighting: KeptSighting<T> = {
        state,
        sinceMs: Math.min(atMs, provedMs),
        // That the state is older says nothing of the bytes: a half-closed download goes on.
        movedAtMs: atMs,
        tables: 1,
        note: undefined,
        received,
        sent,
        queued,
        table: this.#table,
      };
      this.#byKey.set(key, sighting);
      return sighting;
    }
    if (known.table !== this.#table) known.tables++;
    known.table = this.#table;
    if (known.received !== received || known.sent !== sent || known.queued !== queued) {
      known.movedAtMs = atMs;
      known.received = received;
      known.sent = sent;
      known.queued = queued;
    }
    return known;
  }

  /** The table has been told: what it has not shown is over. */
  end(): void {
    for (const [key, { table }] of this.#byKey) if (table !== this.#table) this.#byKey.delete(key);
  }
}
