import type { KernelRow } from '../../sockets/row.ts';
import { TUPLE, TUPLE_WORDS } from '../../sockets/tuple.ts';

/**
 * Remembers the last 8,192 rows of a table, packed, to tell a row that comes again from one that is new: the same tuple
 * in the same state with the same inode. About 460 KB, whatever the table's size.
 *
 * The inode tells listeners apart that share a port through SO_REUSEPORT, and the state a socket from the TIME_WAIT it
 * turned into while the table was read.
 */
export class RecentRows {
  readonly #keys: Uint32Array = new Uint32Array(WINDOW * KEY_WORDS);
  readonly #key: Uint32Array = new Uint32Array(KEY_WORDS);
  // Rows are numbered from 1. A chain leads from the newest row with a hash to the one before it, and ends where a
  // number has left the window: nothing is ever taken out.
  readonly #newest: Uint32Array = new Uint32Array(WINDOW);
  readonly #previous: Uint32Array = new Uint32Array(WINDOW);
  /** Addresses are chosen by strangers: which of them share a chain is not for them to know. */
  readonly #seed: number = (Math.random() * 2 ** 32) >>> 0;
  #taken = 0;

  /** Whether the row is among the remembered ones. If it is not, it is now. */
  isRepeat(row: KernelRow): boolean {
    const key = this.#key;
    for (let word = 0; word < TUPLE_WORDS; word++) key[word] = row.tuple[word] as number;
    key[TUPLE_WORDS] = row.inode;
    key[TUPLE_WORDS + 1] = row.state;

    const chain = this.#hash() & MASK;
    const oldest = this.#taken - WINDOW + 1;
    const newest = this.#newest[chain] as number;
    for (let number = newest; number > 0 && number >= oldest; number = this.#previous[number & MASK] as number) {
      if (this.#holds(number & MASK)) return true;
    }
    const number = ++this.#taken;
    this.#previous[number & MASK] = newest;
    this.#newest[chain] = number;
    this.#keys.set(key, (number & MASK) * KEY_WORDS);
    return false;
  }

  #holds(place: number): boolean {
    const at = place * KEY_WORDS;
    const keys = this.#keys;
    const key = this.#key;
    // The ports differ most often.
    if (keys[at + TUPLE.peerPort] !== key[TUPLE.peerPort] || keys[at + TUPLE.localPort] !== key[TUPLE.localPort]) {
      return false;
    }
    for (let word = 0; word < KEY_WORDS; word++) if (keys[at + word] !== key[word]) return false;
    return true;
  }

  #hash(): number {
    let hash = this.#seed;
    for (let word = 0; word < KEY_WORDS; word++) {
      hash = Math.imul(hash ^ (this.#key[word] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash;
  }
}

/** A power of two. How far back a repeat may lie is said in parse-procfs.ts. */
const WINDOW = 8192;
const MASK: number = WINDOW - 1;
const KEY_WORDS: number = TUPLE_WORDS + 2;
