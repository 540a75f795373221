import { type Endpoints, endpointsText, TUPLE, TUPLE_WORDS } from './tuple.ts';

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
  /**
   * Pairs of slot and hash. With the hash beside it, an entry is passed over without a look at its words: in a table
   * of 50,000, each such look is a cache miss.
   */
  #buckets: Int32Array = emptyBuckets(INITIAL_SLOTS * 2);
  #size = 0;
  #anyLocal = 0;

  /** How many tuples are in. */
  get size(): number {
    return this.#size;
  }

  /** Whether one of them has its local address blanked (`withAnyLocal`): else nobody needs to look for such a one. */
  get hasAnyLocal(): boolean {
    return this.#anyLocal > 0;
  }

  /** One more than the largest slot ever given out: the length a caller's parallel array needs. */
  get slots(): number {
    return this.#used;
  }

  /** Puts a tuple in and returns its slot. */
  insert(tuple: Uint32Array): number {
    if (this.#freeCount === 0 && this.#used * TUPLE_WORDS === this.#words.length) this.#grow();
    const slot = this.#freeCount > 0 ? (this.#free[--this.#freeCount] as number) : this.#used++;
    const words = this.#words;
    const from = slot * TUPLE_WORDS;
    for (let index = 0; index < TUPLE_WORDS; index++) words[from + index] = tuple[index] as number;
    this.#link(slot, tuple);
    this.#size++;
    if (isLocalBlank(tuple, 0)) this.#anyLocal++;
    return slot;
  }

  /** The slot of a tuple, or -1. */
  find(tuple: Uint32Array): number {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    const hash = hashOf(tuple, 0);
    let bucket = (hash << 1) & mask;
    for (;;) {
      const slot = buckets[bucket] as number;
      if (slot === EMPTY || (buckets[bucket + 1] === hash && this.#holds(slot, tuple))) return slot;
      bucket = (bucket + 2) & mask;
    }
  }

  /** Takes the tuple at `slot` out; the slot may be given out again. Does nothing where none is in. */
  remove(slot: number): void {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    let hole = (hashOf(this.#words, slot * TUPLE_WORDS) << 1) & mask;
    while (buckets[hole] !== slot) {
      if (buckets[hole] === EMPTY) return;
      hole = (hole + 2) & mask;
    }
    // Backward shift: every later entry of the cluster that may stand in the hole moves into it.
    let probe = hole;
    for (;;) {
      probe = (probe + 2) & mask;
      const other = buckets[probe] as number;
      if (other === EMPTY) break;
      const hash = buckets[probe + 1] as number;
      const home = (hash << 1) & mask;
      if (((probe - home) & mask) >= ((probe - hole) & mask)) {
        buckets[hole] = other;
        buckets[hole + 1] = hash;
        hole = probe;
      }
    }
    buckets[hole] = EMPTY;
    this.#free[this.#freeCount++] = slot;
    this.#size--;
    if (isLocalBlank(this.#words, slot * TUPLE_WORDS)) this.#anyLocal--;
  }

  /** Copies the tuple at `slot` out. */
  read(slot: number, into: Uint32Array): void {
    const words = this.#words;
    const from = slot * TUPLE_WORDS;
    for (let index = 0; index < TUPLE_WORDS; index++) into[index] = words[from + index] as number;
  }

  /** The same as text. */
  endpointsAt(slot: number): Endpoints {
    const words = new Uint32Array(TUPLE_WORDS);
    this.read(slot, words);
    return endpointsText(words);
  }

  #holds(slot: number, tuple: Uint32Array): boolean {
    const words = this.#words;
    const from = slot * TUPLE_WORDS;
    for (let index = TUPLE_WORDS - 1; index >= 0; index--) {
      if (words[from + index] !== tuple[index]) return false;
    }
    return true;
  }

  #link(newest: number, tuple: Uint32Array): void {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    const hash = hashOf(tuple, 0);
    let slot = newest;
    let bucket = (hash << 1) & mask;
    for (;;) {
      const other = buckets[bucket] as number;
      if (other === EMPTY) break;
      if (buckets[bucket + 1] === hash && this.#holds(other, tuple)) {
        buckets[bucket] = slot;
        slot = other;
      }
      bucket = (bucket + 2) & mask;
    }
    buckets[bucket] = slot;
    buckets[bucket + 1] = hash;
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
  #rehash(count: number): void {
    const old = this.#buckets;
    const buckets = emptyBuckets(count);
    const mask = buckets.length - 1;
    // A cluster that runs over the end of the table is met from its beginning by starting behind a gap.
    let start = 0;
    while (old[start] !== EMPTY) start += 2;
    for (let step = 2; step <= old.length; step += 2) {
      const from = (start + step) % old.length;
      const slot = old[from] as number;
      if (slot === EMPTY) continue;
      const hash = old[from + 1] as number;
      let bucket = (hash << 1) & mask;
      while (buckets[bucket] !== EMPTY) bucket = (bucket + 2) & mask;
      buckets[bucket] = slot;
      buckets[bucket + 1] = hash;
    }
    this.#buckets = buckets;
  }
}

function emptyBuckets(count: number): Int32Array {
  return new Int32Array(count * 2).fill(EMPTY);
}

function isLocalBlank(words: Uint32Array, offset: number): boolean {
  const from = offset + TUPLE.localAddress;
  return words[from + 3] === 0 && words[from + 2] === 0 && words[from + 1] === 0 && words[from] === 0;
}

function hashOf(words: Uint32Array, offset: number): number {
  let hash = ((words[offset + TUPLE.localPort] as number) << 16) ^ (words[offset + TUPLE.peerPort] as number);
  hash = mixed(hash, words[offset + TUPLE.localAddress + 3] as number);
  hash = mixed(hash, words[offset + TUPLE.peerAddress + 3] as number);
  const first = words[offset + TUPLE.localAddress] as number;
  const second = words[offset + TUPLE.localAddress + 1] as number;
  const third = words[offset + TUPLE.peerAddress] as number;
  const fourth = words[offset + TUPLE.peerAddress + 1] as number;
  // All of it 0 in a pair of IPv4 addresses, which the last words tell apart.
  if ((first | second | third | fourth) === 0) return hash;
  hash = mixed(mixed(hash, first), second);
  hash = mixed(mixed(hash, third), fourth);
  hash = mixed(hash, words[offset + TUPLE.localAddress + 2] as number);
  return mixed(hash, words[offset + TUPLE.peerAddress + 2] as number);
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}
