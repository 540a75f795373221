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

/** The arithmetic mean: for what is counted in coarse ticks, whose remainders carry over from one to the next. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
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

/** Describes a set of measurements. The `median` of the spread is the middle that is asked for. */
export function spreadOf(values: readonly number[], middle: (values: readonly number[]) => number = median): Spread {
  return describe(values, middle(values), (pick) => middle(pick.map((at) => values[at] as number)));
}

/**
 * Describes the ratio of two sets of measurements that were taken in pairs: the ratio of their middles, not the middle
 * of their ratios, which a denominator near zero would throw about. Its `median` is that ratio; the rest of the spread
 * is that of the single pairs.
 */
export function ratioSpreadOf(
  numerators: readonly number[],
  denominators: readonly number[],
  middle: (values: readonly number[]) => number = median,
): Spread {
  const ratio = (pick: readonly number[]): number =>
    middle(pick.map((at) => numerators[at] as number)) / middle(pick.map((at) => denominators[at] as number));
  const single = numerators.map((numerator, at) => numerator / (denominators[at] as number));
  return describe(single, ratio([...numerators.keys()]), ratio);
}

const RESAMPLES = 2_000;

function describe(values: readonly number[], middle: number, middleOf: (pick: readonly number[]) => number): Spread {
  const random = seeded(values.length);
  const middles: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    middles.push(middleOf(values.map(() => Math.floor(random() * values.length))));
  }
  return {
    median: middle,
    low: quantile(middles, 0.025),
    high: quantile(middles, 0.975),
    p25: quantile(values, 0.25),
    p75: quantile(values, 0.75),
    min: Math.min(...values),
    max: Math.max(...values),
  };
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
