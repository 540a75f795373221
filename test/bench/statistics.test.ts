import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mean, median, quantile, ratioSpreadOf, spreadOf } from '../../bench/statistics.ts';

const numbers = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });

it('quantiles are interpolated, and do not mind the order', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(median([9, 1, 5])).toBe(5);
  expect(quantile([10, 20], 0.95)).toBe(19.5);
});

it('an interval holds its middle, lies within the range and is the same every time', () => {
  fc.assert(
    fc.property(numbers, (values) => {
      const spread = spreadOf(values);
      expect(spread.low).toBeLessThanOrEqual(spread.median);
      expect(spread.high).toBeGreaterThanOrEqual(spread.median);
      expect(spread.min).toBeLessThanOrEqual(spread.low);
      expect(spread.max).toBeGreaterThanOrEqual(spread.high);
      expect(spreadOf(values)).toEqual(spread);
    }),
    { numRuns: 20 },
  );
});

it('a ratio is that of the middles: a denominator near zero does not throw it about', () => {
  const spread = ratioSpreadOf([10, 10, 10], [20, 0.001, 20]);
  expect(spread.median).toBe(0.5);
  expect(spread.max).toBe(10_000);
});

it('the mean of ticks is the exact ratio where single ones are not', () => {
  // 104 ms read as 100 and 110 against 80: what is cut off one shows in the next.
  const spread = ratioSpreadOf([100, 100, 110, 100, 110], [80, 80, 80, 80, 80], mean);
  expect(spread.median).toBeCloseTo(1.3, 10);
  expect(ratioSpreadOf([100, 100, 110, 100, 110], [80, 80, 80, 80, 80]).median).toBe(1.25);
});

it('a ratio stretches with its numerators', () => {
  fc.assert(
    fc.property(numbers, fc.double({ min: 0.01, max: 100, noNaN: true }), (values, factor) => {
      const spread = ratioSpreadOf(
        values.map((value) => value * factor),
        values,
      );
      for (const value of [spread.median, spread.low, spread.high, spread.min, spread.max]) {
        expect(value / factor).toBeCloseTo(1, 9);
      }
    }),
    { numRuns: 20 },
  );
});
