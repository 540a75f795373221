import { performance, setImmediate } from '../globals.ts';

/** At most so many steps, or so long, in one turn of the event loop. */
const SLICE_STEPS = 1_000;
const SLICE_MS = 2;

/** The clock is looked at once in so many steps; a power of two. */
const CLOCK_STEPS = 64;

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
  #steps = 0;
  #startedAt: number = performance.now();
  #workMs = 0;

  /** Counts one step, and says whether the turn has had enough. */
  isOver(): boolean {
    this.#steps++;
    if (this.#steps === SLICE_STEPS) return true;
    return (this.#steps & (CLOCK_STEPS - 1)) === 0 && performance.now() - this.#startedAt > SLICE_MS;
  }

  /** Waits for the next turn. */
  async next(): Promise<void> {
    this.#workMs += performance.now() - this.#startedAt;
    // Referenced: a loop with nothing else to do would sleep, and the work with it.
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#steps = 0;
    this.#startedAt = performance.now();
  }

  /** How many milliseconds of work that was, without the turns of the event loop in between. */
  end(): number {
    return this.#workMs + performance.now() - this.#startedAt;
  }
}
