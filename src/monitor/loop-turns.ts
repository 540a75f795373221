import { clearInterval, performance, setInterval } from '../globals.ts';

const TICK_MS = 10;

/** Measures the longest turn of the event loop in a stretch of time, by a timer that runs only then. */
export interface LoopTurns {
  /** Ends the measurement. Milliseconds, at least, to within a tick of 10. */
  end(): number;
}

/**
 * Begins a measurement.
 *
 * @param sinceMs when the stretch began, on the clock of `performance.now()`
 */
export function watchLoopTurns(sinceMs: number): LoopTurns {
  let last = sinceMs;
  let longestMs = 0;
  const look = (): void => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last - TICK_MS);
    last = now;
  };
  const timer = setInterval(look, TICK_MS);
  timer.unref();
  return {
    end() {
      clearInterval(timer);
      look();
      return longestMs;
    },
  };
}
