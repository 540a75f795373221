import { performance, setImmediate } from '../globals.ts';
import type { Ledger } from '../sockets/ledger.ts';
import type { SocketRecord } from '../sockets/record.ts';

/** How much is done in one turn of the event loop. */
export interface SliceLimits {
  /** @default 0.5 */
  readonly sliceMs?: number;
  /** The clock is looked at once in so many steps, a power of two. @default 64 */
  readonly clockSteps?: number;
}

/** And whatever the clock says, no more steps than this. */
const MAX_STEPS = 1_000;

/**
 * Divides a long piece of work between turns of the event loop.
 *
 * @example
 * const slices = new Slices();
 * for (const record of records) {
 *   lookAt(record);
 *   if (slices.isOver()) await slices.next();
 * }
 * slices.end(); // milliseconds of work
 */
export class Slices {
  readonly #sliceMs: number;
  readonly #clockMask: number;
  #steps = 0;
  #startedAt: number = performance.now();
  #workMs = 0;
  #turn = 0;

  constructor({ sliceMs = 0.5, clockSteps = 64 }: SliceLimits = {}) {
    this.#sliceMs = sliceMs;
    this.#clockMask = clockSteps - 1;
  }

  /** Which turn of the work this is, from 0 on. */
  get turn(): number {
    return this.#turn;
  }

  /** Counts one step, and says whether the turn has had enough. */
  isOver(): boolean {
    this.#steps++;
    if (this.#steps === MAX_STEPS) return true;
    return (this.#steps & this.#clockMask) === 0 && performance.now() - this.#startedAt > this.#sliceMs;
  }

  /** Waits for the next turn. */
  async next(): Promise<void> {
    this.#workMs += performance.now() - this.#startedAt;
    // Referenced: a loop with nothing else to do would sleep, and the work with it.
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#turn++;
    this.#steps = 0;
    this.#startedAt = performance.now();
  }

  /** How many milliseconds of work that was, without the turns of the event loop in between. */
  end(): number {
    return this.#workMs + performance.now() - this.#startedAt;
  }
}

/**
 * Visits every live record, newest first. Whoever leaves meanwhile gives its place to the newest, which may be seen twice
 * then; what comes meanwhile is not met.
 */
export async function visitRecords(
  { records }: Ledger,
  slices: Slices,
  visit: (record: SocketRecord) => void,
): Promise<void> {
  for (let index = records.length - 1; index >= 0; index--) {
    const record = records[index];
    if (record !== undefined) visit(record);
    if (index > 0 && slices.isOver()) await slices.next();
  }
}
