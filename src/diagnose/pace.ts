/** How often to look. */
export interface PaceOptions {
  /** Never more often than this. */
  readonly intervalMs: number;
  /** How much of one core looking may take, 0 to 1. */
  readonly share: number;
}

/**
 * Keeps the cost of looking within a share of one core: the next look is due once the interval is over, and once all that
 * was spent so far, with another look like the last one, is within the share of the time that has passed.
 */
export class Pace {
  readonly #options: PaceOptions;
  readonly #begunMs: number;
  readonly #spentMs: number;
  #before: number;
  #lastCostMs = 0;

  /**
   * @param begunMs since when the share has to hold
   * @param spentMs processor time of all looks until then
   */
  constructor(options: PaceOptions, begunMs: number, spentMs: number) {
    this.#options = options;
    this.#begunMs = begunMs;
    this.#spentMs = spentMs;
    this.#before = spentMs;
  }

  /**
   * When the next look is due.
   *
   * @param lastAtMs when the last one began
   * @param spentMs processor time of all looks until now
   */
  nextAtMs(lastAtMs: number, spentMs: number): number {
    const { intervalMs, share } = this.#options;
    this.#lastCostMs = spentMs - this.#before;
    this.#before = spentMs;
    return Math.max(lastAtMs + intervalMs, this.#begunMs + (spentMs - this.#spentMs + this.#lastCostMs) / share);
  }

  /** What was taken of one core since it began. */
  share(nowMs: number): number {
    return (this.#before - this.#spentMs) / Math.max(nowMs - this.#begunMs, 1);
  }
}
