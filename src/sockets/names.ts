/** Which end of a connection this process is. */
export type Side = 'server' | 'client';

/** Both sides, in the order of every table. */
export const SIDES: readonly Side[] = ['server', 'client'];

/** The name that stands for all names beyond the limit. */
export const OTHER_NAME = '_other';

/** A default name that was not used for this long, with nothing open, gives its place back. */
export const NAME_IDLE_MS: number = 60 * 60 * 1000;

/** A (side, name) pair that has a place in the tables. */
export interface NameEntry {
  readonly slot: number;
  readonly side: Side;
  readonly name: string;
  /** Whether the program chose the name; a default name may be evicted. */
  chosen: boolean;
  usedAtMs: number;
}

/**
 * The bounded set of (side, name) pairs: what keeps the number of series finite whatever the program connects to.
 *
 * Slots 0 and 1 are `_other` of the server and of the client side and carry series only once they were needed.
 */
export class NameTable {
  readonly limit: number;
  #entries: (NameEntry | undefined)[];
  #bySide: { readonly [side in Side]: Map<string, NameEntry> } = { server: new Map(), client: new Map() };
  #newest: NameEntry | undefined;
  #overflowed = 0;

  constructor(limit: number) {
    this.limit = limit;
    this.#entries = new Array<NameEntry | undefined>(SIDES.length + limit).fill(undefined);
  }

  /** How many slots there can ever be: the length of every per-name array. */
  get capacity(): number {
    return this.#entries.length;
  }

  /** How many connections were opened or adopted under `_other`. */
  get overflowed(): number {
    return this.#overflowed;
  }

  /** The slot of a name, given a place if there is one left; else the slot of `_other`. */
  slotOf(side: Side, name: string, chosen: boolean, nowMs: number): number {
    // Most often it is the one that was asked for before, which needs no look-up.
    const newest = this.#newest;
    const known = newest?.name === name && newest.side === side ? newest : this.#bySide[side].get(name);
    if (known !== undefined) {
      this.#newest = known;
      known.usedAtMs = nowMs;
      if (chosen) known.chosen = true;
      return known.slot;
    }
    let slot = this.#entries.indexOf(undefined, SIDES.length);
    if (slot < 0) {
      slot = SIDES.indexOf(side);
      if (this.#entries[slot] === undefined) {
        this.#entries[slot] = { slot, side, name: OTHER_NAME, chosen: true, usedAtMs: nowMs };
      }
      return slot;
    }
    const entry: NameEntry = { slot, side, name, chosen, usedAtMs: nowMs };
    this.#entries[slot] = entry;
    this.#bySide[side].set(name, entry);
    return slot;
  }

  /** Counts a connection that opens under a slot, if that is `_other`. */
  countOpened(slot: number): void {
    if (slot < SIDES.length) this.#overflowed++;
  }

  /** Marks a slot as used now. */
  touch(slot: number, nowMs: number): void {
    const entry = this.#entries[slot];
    if (entry !== undefined) entry.usedAtMs = nowMs;
  }

  /** The pair at a slot. */
  at(slot: number): NameEntry | undefined {
    return this.#entries[slot];
  }

  /** Every pair that has a place, in slot order. */
  entries(): NameEntry[] {
    return this.#entries.filter((entry) => entry !== undefined);
  }

  /** Takes the place of a default name back, which was given a moment ago and under which nothing was counted. */
  drop(slot: number): void {
    const entry = this.#entries[slot];
    if (entry === undefined || entry.chosen) return;
    this.#entries[slot] = undefined;
    this.#bySide[entry.side].delete(entry.name);
    if (this.#newest === entry) this.#newest = undefined;
  }

  /** Takes the places of idle default names back and returns their slots, whose counters the caller must clear. */
  evictIdle(nowMs: number, isBusy: (slot: number) => boolean): number[] {
    const evicted: number[] = [];
    for (const entry of this.entries()) {
      if (entry.chosen || nowMs - entry.usedAtMs < NAME_IDLE_MS || isBusy(entry.slot)) continue;
      this.drop(entry.slot);
      evicted.push(entry.slot);
    }
    return evicted;
  }
}
