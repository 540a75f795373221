/** How often to look. */
export interface PaceOptions {
  /** Never more often than this. */
  readonly intervalMs: number;
  /** How much of one core looking may cost over the whole recording, 0 to 1. */
  readonly share: number;
}

/** What may be spent at once before the share has to hold: the first looks learn more than the later ones. */
const CREDIT_MS = 100;

/**
 * Keeps the cost of looking within a share of one core: a look is due once the interval is over, and once all that was
 * spent so far is within the share of the time that has passed.
 */
export class Pace {
  readonly #options: PaceOptions;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /**
   * When the next look is due, in milliseconds since the recording began.
   *
   * @param lastAtMs when the last one began
   * @param spentMs processor time of all looks so far
   */
  nextAtMs(lastAtMs: number, spentMs: number): number {
    const { intervalMs, share } = this.#options;
    return Math.max(lastAtMs + intervalMs, (spentMs - CREDIT_MS) / share);
  }
}
