import type { Unit } from './unit.ts';

/** How numbers are laid on a height. */
export interface Axis {
  /** Where a number stands, 0 at the bottom to 1 at the top. */
  readonly heightOf: (value: number) => number;
  readonly ticks: readonly number[];
  /** Whether equal heights are equal factors, so that 3 and 30,000 are both to be seen. */
  readonly isLogarithmic: boolean;
}

/** The axis from 0 to the largest of the peaks of some series: logarithmic where the small ones would be flat otherwise. */
export function axisOf(peaks: readonly number[], unit: Unit, mayBeLogarithmic: boolean): Axis {
  const most = Math.max(0, ...peaks);
  const least = Math.min(...peaks.filter((peak) => peak >= HANDFUL));
  if (mayBeLogarithmic && most / least > FLAT) return logarithmic(most);
  const ticks = evenTicks(most, unit);
  const top = ticks.at(-1) ?? 1;
  return { heightOf: (value) => clamp(value / top), ticks, isLogarithmic: false };
}

/** A series that is so many times smaller than the largest is a flat line. */
const FLAT = 40;
/** Fewer than these are told by the legend well enough. */
const HANDFUL = 5;
/** What is above the highest line, so that it is not mistaken for one that leaves the picture. */
const HEADROOM = 1.05;

function logarithmic(most: number): Axis {
  const powers = Math.max(1, Math.ceil(Math.log10(most * HEADROOM)));
  const step = Math.ceil(powers / 4);
  const shown = Array.from({ length: Math.floor(powers / step) + 1 }, (_, index) => 10 ** (index * step));
  return {
    heightOf: (value) => clamp(compressed(value) / compressed(10 ** powers)),
    ticks: [0, ...shown],
    isLogarithmic: true,
  };
}

/** 0 stays 0, and 1 to 10 is as high as 10 to 100. */
function compressed(value: number): number {
  return value <= 1 ? Math.max(0, value) / 2 : 0.5 + Math.log10(value);
}

function evenTicks(most: number, unit: Unit): number[] {
  if (most <= 0) return [0, 1];
  const step = roundStep(most / 4, unit);
  const count = Math.max(1, Math.ceil((most * HEADROOM) / step));
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

/** The next round number. Connections come in whole ones, and a hundredth of a core is nothing. */
function roundStep(least: number, unit: Unit): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= least - 1e-9) ?? 10);
  return unit === 'cores' ? Math.max(0.01, step) : Math.max(1, Math.ceil(step - 1e-9));
}

/** Round moments over a span, about so many. */
export function timeTicks(fromMs: number, toMs: number, about: number): readonly number[] {
  const least = (toMs - fromMs) / about;
  const step = TIME_STEPS.find((each) => each >= least) ?? Math.ceil(least / 3_600_000) * 3_600_000;
  const first = Math.ceil(fromMs / step);
  const count = Math.floor(toMs / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => (first + index) * step);
}

const TIME_STEPS: readonly number[] = [
  100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
  3_600_000, 7_200_000, 21_600_000,
];

function clamp(height: number): number {
  return Math.max(0, Math.min(1, height));
}
