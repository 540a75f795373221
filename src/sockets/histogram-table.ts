import { Histogram } from './histogram.ts';

/** Histograms with the same bounds, one for each name slot that was ever observed. */
export class HistogramTable {
  readonly bounds: readonly number[];
  readonly #bySlot: Map<number, Histogram> = new Map();
  #listeners: ((slot: number, value: number) => void)[] = [];

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
  }

  /** The histogram of a slot, empty from the start. */
  at(slot: number): Histogram {
    let histogram = this.#bySlot.get(slot);
    if (histogram === undefined) {
      histogram = new Histogram(this.bounds);
      this.#bySlot.set(slot, histogram);
    }
    return histogram;
  }

  observe(slot: number, value: number): void {
    this.at(slot).observe(value);
    for (const listener of this.#listeners) listener(slot, value);
  }

  /** Calls back with every value at the moment it is observed. Returns the function that ends it. */
  subscribe(listener: (slot: number, value: number) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** The slot belongs to another name from now on. */
  forget(slot: number): void {
    this.#bySlot.delete(slot);
  }
}
