import type { KernelRow } from '../sockets/row.ts';
import { endpointsText } from '../sockets/tuple.ts';

/** More than that are not followed: the largest backlog that anybody asks for is about as long. */
const MOST_FOLLOWED = 8_192;

/**
 * Follows the connections that wait to be accepted from one table to the next. How long one and the same connection waits
 * is how long the event loop did not come round to it: at once where it is free, after its turn where many wait, because
 * libuv 1.46 (Node 20) accepts one connection a turn.
 */
export class WaitingConnections {
  /** By connection, the end of the table that showed it first. */
  #before: ReadonlyMap<number | string, number> = new Map();

  /** Takes a whole table's. Returns how long the oldest has waited at least; 0 where none was there before. */
  update(waiting: ReadonlySet<number | string>, startedAtMs: number, endedAtMs: number): number {
    const since = new Map<number | string, number>();
    let longestMs = 0;
    for (const key of waiting) {
      const seenMs = this.#before.get(key);
      if (seenMs !== undefined) longestMs = Math.max(longestMs, startedAtMs - seenMs);
      since.set(key, seenMs ?? endedAtMs);
    }
    this.#before = since;
    return longestMs;
  }
}

/** Remembers a row that waits: by its cookie, and where the source has none (procfs) by its endpoints. */
export function addWaiting(waiting: Set<number | string>, row: Readonly<KernelRow>): void {
  if (waiting.size >= MOST_FOLLOWED) return;
  if (row.cookie !== 0) waiting.add(row.cookie);
  else {
    const { local, peer } = endpointsText(row.tuple);
    waiting.add(`${local} ${peer}`);
  }
}
