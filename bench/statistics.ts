/** The value below which the share `q` of the numbers lies, interpolated. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** The middle of the numbers. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** A median with what says how far it can be trusted. */
export interface Spread {
  readonly median: number;
  /** 95% confidence interval of the median, by bootstrap. */
  readonly low: number;
  readonly high: number;
  /** The middle half of the single values. */
  readonly p25: number;
  readonly p75: number;
  readonly min: number;
  readonly max: number;
}

/** Describes a set of measurements. */
export function spreadOf(values: readonly number[]): Spread {
  const [low, high] = medianInterval(values);
  return {
    median: median(values),
    low,
    high,
    p25: quantile(values, 0.25),
    p75: quantile(values, 0.75),
    min: Math.min(...values),
    max: Math.max(...values),
  };
}

const RESAMPLES = 2_000;

function medianInterval(values: readonly number[]): readonly [low: number, high: number] {
  const random = seeded(values.length);
  const medians: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    medians.push(median(values.map(() => values[Math.floor(random() * values.length)] as number)));
  }
  return [quantile(medians, 0.025), quantile(medians, 0.975)];
}

/** A small generator with a fixed seed, so that the same measurements always give the same interval. */
function seeded(seed: number): () => number {
  let state = seed + 0x9e3779b9;
  return () => {
    state = Math.imul(state ^ (state >>> 15), state | 1);
    state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
    return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
  };
}
