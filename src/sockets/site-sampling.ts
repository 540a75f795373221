import { TICKS_PER_SECOND } from './ledger.ts';

/** So many connections to a destination are looked at from the first on. */
const FIRST = 16;
/** Then one of so many. */
const THEN_EVERY = 64;
const MAX_DESTINATIONS = 1_000;

/**
 * Of which connections the place is looked for where the program opens them: a look at the call stack takes 7 to 14 us,
 * a tenth of a connection on loopback. Of one in 64 that is 0.2 us each.
 *
 * The first 16 to each destination, then one of 64. Whatever has no known destination (plain sockets from Node 22 on) or
 * is one too many counts as one together, of which 16 are looked at anew each second: else a busy upstream would hide a
 * rare one for good.
 */
export class SiteSampling {
  readonly #seen: Map<string | number, number> = new Map();
  #others = 0;
  #since = 0;

  /**
   * Whether this connection is one of them.
   *
   * @param destination anything that stands for it; undefined where nobody knows it
   * @param at on the ledger's clock, in ticks
   */
  take(destination: string | number | undefined, at: number): boolean {
    const seen = destination === undefined ? undefined : this.#seen.get(destination);
    if (destination !== undefined && (seen !== undefined || this.#seen.size < MAX_DESTINATIONS)) {
      this.#seen.set(destination, (seen ?? 0) + 1);
      return isTaken(seen ?? 0);
    }
    if (at - this.#since >= TICKS_PER_SECOND) {
      this.#since = at;
      this.#others = 0;
    }
    return isTaken(this.#others++);
  }

  /** What stood for one destination stands for another from now on. */
  forget(destination: string | number): void {
    this.#seen.delete(destination);
  }
}

function isTaken(seen: number): boolean {
  return seen < FIRST || seen % THEN_EVERY === 0;
}
