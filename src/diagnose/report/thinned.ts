import type { Track } from './track.ts';

/** A moment in milliseconds and a number. */
export type Point = readonly [atMs: number, value: number];

/** The columns of a plot: a run with more looks than that has several of them in one. */
export const COLUMNS = 480;

/**
 * The lines of a track, one for each stretch without a gap: all its points, or where they are more than can be told apart,
 * of each column the first, the smallest, the largest and the last, in their order in time. A gap is where nothing was seen for longer than the
 * track's usual pace.
 */
export function linesOf(
  times: readonly number[],
  track: Track,
  columns: number = COLUMNS,
): readonly (readonly Point[])[] {
  const points = times.flatMap((atMs, index): Point[] => {
    const value = track[index];
    return value === undefined ? [] : [[atMs, value]];
  });
  return stretches(points).map((stretch) => thinnedStretch(stretch, times, columns));
}

/** For each column what a track is there: one number, the smallest and the largest, or nothing. */
export function columnsOf(
  times: readonly number[],
  track: Track,
  columns: number = COLUMNS,
): (number | [number, number] | null)[] {
  if (times.length <= columns) return track.map((value) => value ?? null);
  const ranges: (number | [number, number] | null)[] = Array.from({ length: columns }, () => null);
  track.forEach((value, index) => {
    if (value === undefined) return;
    const column = columnAt(times, times[index] ?? 0, columns);
    const range = ranges[column] ?? value;
    const [least, most] = typeof range === 'number' ? [range, range] : range;
    const wider: [number, number] = [Math.min(least, value), Math.max(most, value)];
    ranges[column] = wider[0] === wider[1] ? wider[0] : wider;
  });
  return ranges;
}

/** When each column is: the looks themselves, or the middle of each column. */
export function columnTimes(times: readonly number[], columns: number = COLUMNS): readonly number[] {
  if (times.length <= columns) return times;
  const [from, to] = endsOf(times);
  return Array.from({ length: columns }, (_, index) => Math.round(from + ((to - from) * (index + 0.5)) / columns));
}

/** So many times the usual pace is no pace any more. */
const GAP = 3.5;

function stretches(points: readonly Point[]): Point[][] {
  const paces = points
    .slice(1)
    .map(([atMs], index) => atMs - (points[index]?.[0] ?? 0))
    .sort((one, other) => one - other);
  const usual = paces[Math.floor(paces.length / 2)] ?? 0;
  const found: Point[][] = [];
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before === undefined || point[0] - before[0] > usual * GAP) found.push([]);
    found.at(-1)?.push(point);
  });
  return found;
}

function thinnedStretch(points: readonly Point[], times: readonly number[], columns: number): readonly Point[] {
  if (times.length <= columns) return points;
  const byColumn = new Map<number, Point[]>();
  for (const point of points) {
    const column = columnAt(times, point[0], columns);
    const there = byColumn.get(column);
    if (there === undefined) byColumn.set(column, [point]);
    else there.push(point);
  }
  return [...byColumn.values()].flatMap(outline);
}

/** The first, the smallest, the largest and the last, in their order and each once. */
function outline(points: readonly Point[]): Point[] {
  const indexOf = (isBetter: (one: number, other: number) => boolean): number =>
    points.reduce((best, [, value], index) => (isBetter(value, points[best]?.[1] ?? 0) ? index : best), 0);
  const kept = new Set([
    0,
    indexOf((one, other) => one < other),
    indexOf((one, other) => one > other),
    points.length - 1,
  ]);
  return [...kept].sort((one, other) => one - other).map((index) => points[index] as Point);
}

function columnAt(times: readonly number[], atMs: number, columns: number): number {
  const [from, to] = endsOf(times);
  return to <= from ? 0 : Math.min(columns - 1, Math.floor(((atMs - from) / (to - from)) * columns));
}

function endsOf(times: readonly number[]): readonly [from: number, to: number] {
  return [times[0] ?? 0, times.at(-1) ?? 0];
}
