import { type Endpoints, endpointsText, TUPLE, TUPLE_WORDS } from './tuple.ts';
import { widened } from './widened.ts';

const EMPTY = -1;
const INITIAL_SLOTS = 64;

/** In the place of a place among the unlinked: the tuple stands in the table, or the slot is free. */
const LINKED = -1;
const FREE = -2;
/** In the list of the unlinked: what stood here was removed again. */
const GONE = -1;

/**
 * A set of tuples, each at a small integer slot that stays its own until it is removed: open addressing over two typed
 * arrays, so that 50,000 tuples cost no object and a look-up allocates nothing.
 *
 * The same tuple may be put in twice; a look-up then finds the one that was put in last. A pair of endpoints that comes
 * again belongs to a new connection: the kernel has forgotten the old one, whatever its socket object believes.
 *
 * What is put in is entered into the table only when somebody looks something up. Most connections are gone by then: they
 * cost neither a hash nor the cache misses of a table of 50,000.
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
  /** Slots that are not in the table yet, in the order in which they were put in; twice as long as can ever be needed. */
  #unlinked: Int32Array = new Int32Array(INITIAL_SLOTS * 2);
  #unlinkedCount = 0;
  /** Those before this place in the list are in the table by now. */
  #unlinkedFrom = 0;
  /** By slot: its place in that list, or one of the above. */
  #place: Int32Array = new Int32Array(INITIAL_SLOTS).fill(FREE);
  readonly #displaced: ((slot: number) => void) | undefined;

  /**
   * @param displaced if given, a tuple that is put in again takes the place of the earlier one, whose slot is free from
   *   then on. Called when that is found out: with the next look-up
   */
  constructor(displaced?: (slot: number) => void) {
    this.#displaced = displaced;
  }

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
    if (this.#unlinkedCount === this.#unlinked.length) this.#closeGaps();
    this.#place[slot] = this.#unlinkedCount;
    this.#unlinked[this.#unlinkedCount++] = slot;
    this.#size++;
    if (isLocalBlank(tuple, 0)) this.#anyLocal++;
    return slot;
  }

  /**
   * Enters into the table what was put in since the last look-up: 0.3 us each, so tens of thousands are for several turns
   * of the event loop.
   *
   * @param most how many at the most
   * @returns whether all are in
   */
  settle(most: number = Number.POSITIVE_INFINITY): boolean {
    const end = Math.min(this.#unlinkedCount, this.#unlinkedFrom + most);
    for (let at = this.#unlinkedFrom; at < end; at++) {
      const slot = this.#unlinked[at] as number;
      if (slot === GONE) continue;
      this.#place[slot] = LINKED;
      this.#link(slot);
    }
    this.#unlinkedFrom = end;
    if (end < this.#unlinkedCount) return false;
    this.#unlinkedFrom = 0;
    this.#unlinkedCount = 0;
    return true;
  }

  /** The slot of a tuple, or -1. */
  find(tuple: Uint32Array): number {
    if (this.#unlinkedCount > 0) this.settle();
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    const hash = hashOf(tuple, 0);
    let bucket = (hash << 1) & mask;
    for (;;) {
      const slot = buckets[bucket] as number;
      if (slot === EMPTY || (buckets[bucket + 1] === hash && this.#holds(slot, tuple, 0))) return slot;
      bucket = (bucket + 2) & mask;
    }
  }

  /** Takes the tuple at `slot` out; the slot may be given out again. Does nothing where none is in. */
  remove(slot: number): void {
    const place = this.#place[slot];
    if (place === undefined || place === FREE) return;
    if (place === LINKED) this.#unlink(slot);
    else if (place === this.#unlinkedCount - 1) this.#unlinkedCount--;
    else this.#unlinked[place] = GONE;
    this.#release(slot);
  }

  #release(slot: number): void {
    if (isLocalBlank(this.#words, slot * TUPLE_WORDS)) this.#anyLocal--;
    this.#place[slot] = FREE;
    this.#free[this.#freeCount++] = slot;
    this.#size--;
  }

  #unlink(slot: number): void {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    let hole = (hashOf(this.#words, slot * TUPLE_WORDS) << 1) & mask;
    while (buckets[hole] !== slot) hole = (hole + 2) & mask;
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

  #holds(slot: number, tuple: Uint32Array, offset: number): boolean {
    const words = this.#words;
    const from = slot * TUPLE_WORDS;
    for (let index = TUPLE_WORDS - 1; index >= 0; index--) {
      if (words[from + index] !== tuple[offset + index]) return false;
    }
    return true;
  }

  #link(newest: number): void {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    const from = newest * TUPLE_WORDS;
    const hash = hashOf(this.#words, from);
    let slot = newest;
    let bucket = (hash << 1) & mask;
    for (;;) {
      const other = buckets[bucket] as number;
      if (other === EMPTY) break;
      if (buckets[bucket + 1] === hash && this.#holds(other, this.#words, from)) {
        buckets[bucket] = slot;
        slot = other;
        if (this.#displaced !== undefined) {
          this.#release(other);
          this.#displaced(other);
          return;
        }
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
    this.#place = widened(this.#place, new Int32Array(slots).fill(FREE));
    this.#unlinked = widened(this.#unlinked, new Int32Array(slots * 2));
    this.#rehash(slots * 2);
  }

  #closeGaps(): void {
    let taken = 0;
    for (let at = this.#unlinkedFrom; at < this.#unlinkedCount; at++) {
      const slot = this.#unlinked[at] as number;
      if (slot === GONE) continue;
      this.#place[slot] = taken;
      this.#unlinked[taken++] = slot;
    }
    this.#unlinkedFrom = 0;
    this.#unlinkedCount = taken;
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
