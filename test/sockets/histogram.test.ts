import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Histogram } from '../../src/sockets/histogram.ts';

it('a bound is the last value of its bucket', () => {
  const histogram = new Histogram([0.01, 0.1, 1]);
  for (const value of [0, 0.01, 0.010001, 0.1, 1, 1.5, 1_000]) histogram.observe(value);
  expect([...histogram.counts]).toEqual([2, 2, 1, 2]);
  expect(histogram.count).toBe(7);
  expect(histogram.sum).toBeCloseTo(0.01 + 0.010001 + 0.1 + 1 + 1.5 + 1_000);
});

it('each observation is in exactly one bucket', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 100, noNaN: true })), (values) => {
      const histogram = new Histogram([1, 2, 50]);
      for (const value of values) histogram.observe(value);
      expect(histogram.counts.reduce((total, count) => total + count, 0)).toBe(values.length);
      expect(histogram.count).toBe(values.length);
      expect(histogram.counts[0]).toBe(values.filter((value) => value <= 1).length);
      expect(histogram.counts[3]).toBe(values.filter((value) => value > 50).length);
    }),
  );
});

it('tells its subscribers every value until they leave, twice if they like', () => {
  const histogram = new Histogram([1]);
  const seen: number[] = [];
  const stop = histogram.subscribe((value) => seen.push(value));
  const stopOther = histogram.subscribe((value) => seen.push(-value));
  histogram.observe(1);
  stop();
  stop();
  histogram.observe(2);
  stopOther();
  histogram.observe(3);
  expect(seen).toEqual([1, -1, -2]);
});
