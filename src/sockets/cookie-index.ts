/** What {@link CookieIndex.find} returns where it knows nothing. */
export const NO_PLACE = -1;

const INITIAL_ENTRIES = 64;
const FREE = 0;

/**
 * Where the sockets stand whose cookie (SO_COOKIE) is known. No two sockets have the same one as long as the kernel
 * runs, so a cookie alone finds what its addresses find: in one small piece of memory instead of several large ones, which
 * in a table of 50,000 rows in the kernel's order are cache misses each.
 *
 * Open addressing; an entry is the lower half of the cookie and a place. Whoever asks compares the cookie that belongs to
 * the place, because two cookies may have the same lower half.
 */
export class CookieIndex {
  /** Pairs of the lower half and of the place, which is kept as one more than it is: 0 is a free entry. */
  #entries: Uint32Array = new Uint32Array(INITIAL_ENTRIES * 2);
  /** What is left of a product of 32 bits when it is shifted by this is an entry's number. */
  #shift: number = Math.clz32(INITIAL_ENTRIES - 1);
  #size = 0;

  /** How many cookies are in. */
  get size(): number {
    return this.#size;
  }

  /** Puts a cookie in, or moves it to another place. */
  set(cookie: number, place: number): void {
    if ((this.#size + 1) * 4 > this.#entries.length) this.#grow();
    const low = cookie >>> 0;
    const entries = this.#entries;
    const mask = entries.length - 1;
    let at = homeOf(low, this.#shift);
    while (entries[at + 1] !== FREE && entries[at] !== low) at = (at + 2) & mask;
    if (entries[at + 1] === FREE) this.#size++;
    entries[at] = low;
    entries[at + 1] = place + 1;
  }

  /** The place of the cookie that has this lower half and was put in last, or {@link NO_PLACE}. */
  find(cookie: number): number {
    const low = cookie >>> 0;
    const entries = this.#entries;
    const mask = entries.length - 1;
    for (let at = homeOf(low, this.#shift); ; at = (at + 2) & mask) {
      const place = entries[at + 1] as number;
      if (place === FREE || entries[at] === low) return place - 1;
    }
  }

  /** Takes a cookie out, unless it is at another place by now. */
  delete(cookie: number, place: number): void {
    const low = cookie >>> 0;
    const entries = this.#entries;
    const mask = entries.length - 1;
    let hole = homeOf(low, this.#shift);
    while (entries[hole] !== low || entries[hole + 1] !== place + 1) {
      if (entries[hole + 1] === FREE || entries[hole] === low) return;
      hole = (hole + 2) & mask;
    }
    // Backward shift: every later entry of the cluster that may stand in the hole moves into it.
    for (let probe = (hole + 2) & mask; entries[probe + 1] !== FREE; probe = (probe + 2) & mask) {
      const home = homeOf(entries[probe] as number, this.#shift);
      if (((probe - home) & mask) < ((probe - hole) & mask)) continue;
      entries[hole] = entries[probe] as number;
      entries[hole + 1] = entries[probe + 1] as number;
      hole = probe;
    }
    entries[hole + 1] = FREE;
    this.#size--;
  }

  #grow(): void {
    const old = this.#entries;
    const entries = new Uint32Array(old.length * 2);
    const mask = entries.length - 1;
    this.#shift--;
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1] === FREE) continue;
      let at = homeOf(old[from] as number, this.#shift);
      while (entries[at + 1] !== FREE) at = (at + 2) & mask;
      entries[at] = old[from] as number;
      entries[at + 1] = old[from + 1] as number;
    }
    this.#entries = entries;
  }
}

/** Cookies are counted up, and by the upper bits of this product (Fibonacci hashing) numbers in a row stand far apart. */
function homeOf(low: number, shift: number): number {
  return (Math.imul(low, 0x9e3779b1) >>> shift) << 1;
}
