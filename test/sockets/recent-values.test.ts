import { describe, expect, test } from 'vitest';
import { RecentValues } from '../../src/sockets/recent-values.ts';

function noted(keepMs: number, ...points: readonly (readonly [atMs: number, ...values: number[]])[]): RecentValues {
  const values = new RecentValues(keepMs);
  for (const [atMs, ...numbers] of points) values.note(atMs, Float64Array.from(numbers));
  return values;
}

describe('recent values', () => {
  test('of nothing are 0, and begin nowhere', () => {
    const values = new RecentValues(1_000);
    expect(values.at(0, 5)).toBe(0);
    expect(values.firstAtMs).toBeNaN();
    expect(values.times).toEqual([]);
  });

  test('are a line from point to point, and stand still outside', () => {
    const values = noted(60_000, [1_000, 0], [3_000, 10], [5_000, 40]);
    expect([0, 1_000, 2_000, 3_000, 4_500, 5_000, 9_000].map((at) => values.at(0, at))).toEqual([
      0, 0, 5, 10, 32.5, 40, 40,
    ]);
  });

  test('without a place in a point were 0 there', () => {
    expect(noted(60_000, [1_000], [2_000, 4, 8]).at(1, 1_500)).toBe(4);
  });

  test('of the newest moment replace what stands within a second of the one before, never the first', () => {
    expect(noted(60_000, [1_000, 0], [1_400, 1], [1_800, 2], [2_200, 3], [2_600, 4]).times).toEqual([
      1_000, 1_800, 2_600,
    ]);
  });

  test('of the same moment, or one before, are those that came last', () => {
    const values = noted(60_000, [1_000, 1], [1_000, 3], [999, 2]);
    expect(values.times).toEqual([1_000]);
    expect(values.at(0, 1_000)).toBe(2);
  });

  test('are kept as long as they are asked for, and one point longer', () => {
    const values = noted(5_000, ...Array.from({ length: 20 }, (_, index) => [index * 2_000, index] as const));
    expect(values.firstAtMs).toBe(32_000);
    expect(values.at(0, 33_000)).toBe(16.5);
  });

  test('that are forgotten were always 0, the others were not', () => {
    const values = noted(60_000, [1_000, 1, 2, 3], [2_000, 4, 5, 6]);
    values.forget(1, 2);
    expect([0, 1, 2].map((index) => values.at(index, 2_000))).toEqual([4, 0, 6]);
    expect(values.at(1, 1_000)).toBe(0);
  });
});
