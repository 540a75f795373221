import { TUPLE, TUPLE_WORDS } from './tuple.ts';

const EMPTY = -1;
const INITIAL_SLOTS = 64;

/**
 * A set of tuples, each at a small integer slot that stays its own until it is removed: open addressing over two typed
 * arrays, so that 50,000 tuples cost no object and a look-up allocates nothing.
 *
 * The same tuple may be put in twice; a look-up then finds the one that was put in last. A pair of endpoints that comes
 * again belongs to a new connection: the kernel has forgotten the old one, whatever its socket object believes.
 */
export class TupleIndex {
  #words: Uint32Array = new Uint32Array(INITIAL_SLOTS * TUPLE_WORDS);
  #free: Int32Array = new Int32Array(INITIAL_SLOTS);
  #freeCount = 0;
  #used = 0;
  #buckets: Int32Array = new Int32Array(INITIAL_SLOTS * 2).fill(EMPTY);
  #size = 0;

  /** How many tuples are in. */
  get size(): number {
    return this.#size;
  }

  /** One more than the largest slot ever given out: the length a caller's parallel array needs. */
  get slots(): number {
    return this.#used;
  }

  /** Puts a tuple in and returns its slot. */
  insert(tuple: Uint32Array): number {
    if (this.#freeCount === 0 && this.#used * TUPLE_WORDS === this.#words.length) this.#grow();
    const slot = this.#freeCount > 0 ? (this.#free[--this.#freeCount] as number) : this.#used++;
    this.#words.set(tuple, slot * TUPLE_WORDS);
    this.#link(slot, tuple);
    this.#size++;
    return slot;
  }

  /** The slot of a tuple, or -1. */
  find(tuple: Uint32Array): number {
    const mask = this.#buckets.length - 1;
    let bucket = hashOf(tuple, 0) & mask;
    for (;;) {
      const slot = this.#buckets[bucket] as number;
      if (slot === EMPTY || this.#holds(slot, tuple)) return slot;
      bucket = (bucket + 1) & mask;
    }
  }

  /** Takes the tuple at `slot` out; the slot may be given out again. Does nothing where none is in. */
  remove(slot: number): void {
    const mask = this.#buckets.length - 1;
    let hole = hashOf(this.#words, slot * TUPLE_WORDS) & mask;
    while (this.#buckets[hole] !== slot) {
      if (this.#buckets[hole] === EMPTY) return;
      hole = (hole + 1) & mask;
    }
    // Backward shift: every later entry of the cluster that may stand in the hole moves into it.
    let probe = hole;
    for (;;) {
      probe = (probe + 1) & mask;
      const other = this.#buckets[probe] as number;
      if (other === EMPTY) break;
      const home = hashOf(this.#words, other * TUPLE_WORDS) & mask;
      if (((probe - home) & mask) >= ((probe - hole) & mask)) {
        this.#buckets[hole] = other;
        hole = probe;
      }
    }
    this.#buckets[hole] = EMPTY;
    this.#free[this.#freeCount++] = slot;
    this.#size--;
  }

  /** Copies the tuple at `slot` out. */
  read(slot: number, into: Uint32Array): void {
    const from = slot * TUPLE_WORDS;
    for (let index = 0; index < TUPLE_WORDS; index++) into[index] = this.#words[from + index] as number;
  }

  #holds(slot: number, tuple: Uint32Array): boolean {
    const from = slot * TUPLE_WORDS;
    for (let index = TUPLE_WORDS - 1; index >= 0; index--) {
      if (this.#words[from + index] !== tuple[index]) return false;
    }
    return true;
  }

  #link(newest: number, tuple: Uint32Array): void {
    const mask = this.#buckets.length - 1;
    let slot = newest;
    let bucket = hashOf(tuple, 0) & mask;
    while (this.#buckets[bucket] !== EMPTY) {
      const other = this.#buckets[bucket] as number;
      if (this.#holds(other, tuple)) {
        this.#buckets[bucket] = slot;
        slot = other;
      }
      bucket = (bucket + 1) & mask;
    }
    this.#buckets[bucket] = slot;
  }

  #grow(): void {
    const slots = (this.#words.length / TUPLE_WORDS) * 2;
    const words = new Uint32Array(slots * TUPLE_WORDS);
    words.set(this.#words);
    this.#words = words;
    this.#free = new Int32Array(slots);
    this.#rehash(slots * 2);
  }

  /** Moves every entry into a larger table, equal tuples in the order they stand in now: the newest first. */
  #rehash(length: number): void {
    const old = this.#buckets;
    this.#buckets = new Int32Array(length).fill(EMPTY);
    const mask = length - 1;
    // A cluster that runs over the end of the table is met from its beginning by starting behind a gap.
    const start = old.indexOf(EMPTY);
    for (let step = 1; step <= old.length; step++) {
      const slot = old[(start + step) % old.length] as number;
      if (slot === EMPTY) continue;
      let bucket = hashOf(this.#words, slot * TUPLE_WORDS) & mask;
      while (this.#buckets[bucket] !== EMPTY) bucket = (bucket + 1) & mask;
      this.#buckets[bucket] = slot;
    }
  }
}

function hashOf(words: Uint32Array, offset: number): number {
  // Addresses differ in their last word and in the ports on most machines; the rest is folded in for IPv6.
  let hash = (words[offset + TUPLE.localPort] as number) * 0x10001 + (words[offset + TUPLE.peerPort] as number);
  for (let index = 0; index < TUPLE.localPort; index++) {
    hash = Math.imul(hash ^ (words[offset + index] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
