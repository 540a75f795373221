import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { axisOf, timeTicks } from '../../../src/diagnose/report/axis.ts';
import type { Unit } from '../../../src/diagnose/report/unit.ts';

const peaks = fc.array(fc.oneof(fc.nat(100_000), fc.double({ min: 0, max: 1e9, noNaN: true })), { maxLength: 11 });
const units = fc.constantFrom<Unit>('count', 'per_second', 'bytes', 'ms', 'cores');

describe('an axis', () => {
  it('has room for all its lines, rises with them, and is marked at a few round numbers', () => {
    fc.assert(
      fc.property(peaks, units, fc.boolean(), (lines, unit, mayBeLogarithmic) => {
        const { heightOf, ticks } = axisOf(lines, unit, mayBeLogarithmic);
        expect(heightOf(0)).toBe(0);
        expect(ticks[0]).toBe(0);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(8);
        const most = Math.max(0, ...lines);
        expect(heightOf(most)).toBeLessThan(1);
        for (const line of lines.filter((each) => each > most / 1e6)) expect(heightOf(line)).toBeGreaterThan(0);
        const sorted = [...lines].sort((one, other) => one - other).map(heightOf);
        expect(sorted).toEqual([...sorted].sort((one, other) => one - other));
      }),
    );
  });

  it('is logarithmic where a line that is more than a handful would be flat', () => {
    expect(axisOf([28_000, 40], 'count', true).isLogarithmic).toBe(true);
    expect(axisOf([28_000, 3], 'count', true).isLogarithmic).toBe(false);
    expect(axisOf([480, 52, 2], 'count', true).isLogarithmic).toBe(false);
    expect(axisOf([28_000, 40], 'count', false).isLogarithmic).toBe(false);
  });

  it('counts connections in whole ones', () => {
    expect(axisOf([1], 'count', false).ticks).toEqual([0, 1, 2]);
    expect(axisOf([9, 8], 'count', false).ticks).toEqual([0, 3, 6, 9, 12]);
    expect(axisOf([0.9], 'cores', false).ticks).toEqual([0, 0.25, 0.5, 0.75, 1]);
  });
});

describe('moments on the axis of time', () => {
  it.each([
    [0, 12_000, [0, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000]],
    [0, 900, [0, 200, 400, 600, 800]],
    [0, 2_461_000, [0, 600_000, 1_200_000, 1_800_000, 2_400_000]],
  ])('from %i to %i', (from, to, ticks) => {
    expect(timeTicks(from, to, 6)).toEqual(ticks);
  });

  it('are round, inside and few, however long it lasts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 * 3_600_000 }), (to) => {
        const ticks = timeTicks(0, to, 6);
        expect(ticks.length).toBeGreaterThan(0);
        expect(ticks.length).toBeLessThanOrEqual(8);
        for (const tick of ticks) expect(tick).toBeLessThanOrEqual(to);
      }),
    );
  });
});
