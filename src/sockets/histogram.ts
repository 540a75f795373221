/**
 * Counts of observations between fixed upper bounds: a scan of at most a dozen numbers, no allocation.
 *
 * Bounds are inclusive (`le`), as Prometheus and OpenTelemetry have them.
 */
export class Histogram {
  readonly bounds: readonly number[];
  /** Observations in each bucket, not cumulative; the last one is above every bound. */
  readonly counts: Float64Array;
  #sum = 0;
  #count = 0;
  #listeners: ((value: number) => void)[] = [];

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#count;
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.#sum += value;
    this.#count++;
    for (const listener of this.#listeners) listener(value);
  }

  /**
   * Calls back with every value at the moment it is observed, for exporters whose histograms are synchronous. Returns
   * the function that ends it.
   */
  subscribe(listener: (value: number) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }
}
