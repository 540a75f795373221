import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf, columnTimes, linesOf } from '../../../src/diagnose/report/thinned.ts';

/** Looks every 200 to 300 ms, each with a number or with none. */
const runs = fc
  .array(fc.tuple(fc.integer({ min: 200, max: 300 }), fc.option(fc.nat(1_000), { freq: 6, nil: undefined })), {
    minLength: 1,
    maxLength: 400,
  })
  .map((looks) => {
    let atMs = 0;
    const times = looks.map(([pace]) => (atMs += pace));
    return { times, track: looks.map(([, value]) => value) };
  });

const COLUMNS = 20;

describe('a line that is thinned', () => {
  it('keeps the smallest and the largest number, the first and the last', () => {
    fc.assert(
      fc.property(runs, ({ times, track }) => {
        const points = linesOf(times, track, COLUMNS).flat();
        const values = track.filter((value) => value !== undefined);
        if (values.length === 0) {
          expect(points).toEqual([]);
          return;
        }
        const drawn = points.map(([, value]) => value);
        expect(Math.max(...drawn)).toBe(Math.max(...values));
        expect(Math.min(...drawn)).toBe(Math.min(...values));
        expect([drawn[0], drawn.at(-1)]).toEqual([values[0], values.at(-1)]);
      }),
    );
  });

  it('has only points that were seen, in the order of time, and few of each column', () => {
    fc.assert(
      fc.property(runs, ({ times, track }) => {
        const lines = linesOf(times, track, COLUMNS);
        const points = lines.flat();
        for (const [atMs, value] of points) expect(track[times.indexOf(atMs)]).toBe(value);
        expect(points.map(([atMs]) => atMs)).toEqual(
          points.map(([atMs]) => atMs).toSorted((one, other) => one - other),
        );
        // A column that a gap divides is drawn in parts.
        if (times.length > COLUMNS) expect(points.length).toBeLessThanOrEqual(4 * (COLUMNS + lines.length));
      }),
    );
  });

  it('is whole where it has no more looks than columns', () => {
    const times = [0, 250, 500, 750];
    expect(linesOf(times, [1, 1, 1, 2], 4)).toEqual([
      [
        [0, 1],
        [250, 1],
        [500, 1],
        [750, 2],
      ],
    ]);
  });

  it('is broken where nothing was seen for long, and not where every fourth look has a number', () => {
    const times = Array.from({ length: 60 }, (_, index) => index * 250);
    const gap = times.map((_, index) => (index > 20 && index < 40 ? undefined : 1));
    const sparse = times.map((_, index) => (index % 4 === 0 ? 1 : undefined));
    expect(linesOf(times, gap)).toHaveLength(2);
    expect(linesOf(times, sparse)).toHaveLength(1);
  });
});

describe('the columns at the pointer', () => {
  it('have the range of all looks in each', () => {
    fc.assert(
      fc.property(runs, ({ times, track }) => {
        const columns = columnsOf(times, track, COLUMNS);
        expect(columns).toHaveLength(columnTimes(times, COLUMNS).length);
        const values = track.filter((value) => value !== undefined);
        const ends = columns.filter((column) => column !== null).flat();
        if (values.length === 0) {
          expect(ends).toEqual([]);
          return;
        }
        expect(Math.max(...ends)).toBe(Math.max(...values));
        expect(Math.min(...ends)).toBe(Math.min(...values));
      }),
    );
  });
});
