import type { Spread } from './statistics.ts';

/**
 * What a measurement says of its goal. `INCONCLUSIVE`: the control, which compares the bare program with itself, was
 * off, so nothing can be said. `WITHIN NOISE`: the goal lies inside the confidence interval. `NO GOAL`: the goal was
 * set for other circumstances, and the figure is for information.
 */
export type Verdict = 'PASS' | 'FAIL' | 'WITHIN NOISE' | 'INCONCLUSIVE' | 'NO GOAL';

/** One line of the report. */
export interface Finding {
  /** The number of the goal. */
  readonly goal: string;
  readonly what: string;
  /** What was measured, in `unit`; the ratio to the bare program where the unit is `x`. */
  readonly measured: Spread;
  readonly unit: 'x' | 'ns' | 'B' | 'ms' | '%';
  readonly atMost: number;
  readonly verdict: Verdict;
  /** The bare program against itself, in the same blocks. */
  readonly control?: Spread;
  /** Everything else worth reading. */
  readonly note: string;
}

/** How far the control may be from 1 before it spoils the measurement. */
const CONTROL_SLACK = 0.03;

/** Whether the bare program came out different from itself. */
export function isOff(control: Spread): boolean {
  return Math.abs(control.median - 1) > CONTROL_SLACK || control.low > 1 || control.high < 1;
}

/** Judges a measurement by its confidence interval: only a proven miss fails. */
export function judge(measured: Spread, atMost: number, control?: Spread): Verdict {
  if (control !== undefined && isOff(control)) return 'INCONCLUSIVE';
  if (measured.low > atMost) return 'FAIL';
  return measured.high <= atMost ? 'PASS' : 'WITHIN NOISE';
}
