/** Counts by name slot and by the values of one closed set, as rows of one array. */
export class CountTable<K extends string> {
  readonly #kinds: readonly K[];
  readonly #counts: Float64Array;

  /**
   * @param slots how many rows there are
   * @param kinds the closed set, one column each
   */
  constructor(slots: number, kinds: readonly K[]) {
    this.#kinds = kinds;
    this.#counts = new Float64Array(slots * kinds.length);
  }

  at(slot: number, kind: K): number {
    return this.#counts[this.#cell(slot, kind)] as number;
  }

  add(slot: number, kind: K, by: number = 1): void {
    const cell = this.#cell(slot, kind);
    this.#counts[cell] = (this.#counts[cell] as number) + by;
  }

  /** The slot belongs to another name from now on. */
  forget(slot: number): void {
    this.#counts.fill(0, slot * this.#kinds.length, (slot + 1) * this.#kinds.length);
  }

  #cell(slot: number, kind: K): number {
    // A loop of our own: V8 calls indexOf(), and each comparison of two interned strings here is one of addresses.
    const kinds = this.#kinds;
    let column = 0;
    while (column < kinds.length && kinds[column] !== kind) column++;
    return slot * kinds.length + column;
  }
}
