/** Points nearer together than this tell nothing more. */
const SPACING_MS = 1_000;

interface Point {
  readonly atMs: number;
  readonly values: Float64Array;
}

/**
 * Numbers as they were over the newest while, each as a line from point to point. What has no place in a point was 0.
 */
export class RecentValues {
  readonly #keepMs: number;
  #points: Point[] = [];

  /** @param keepMs how far back a value can be asked for; before it, or before the first point, it stands still */
  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** The moments of the points, oldest first. */
  get times(): readonly number[] {
    return this.#points.map(({ atMs }) => atMs);
  }

  /** The moment of the oldest point; NaN without one. */
  get firstAtMs(): number {
    return this.#points[0]?.atMs ?? Number.NaN;
  }

  /** Takes the values of a moment; of one that is not after the newest, as its. They are kept, and not to be changed. */
  note(atMs: number, values: Float64Array): void {
    const points = this.#points;
    const newest = points.at(-1);
    const before = points.at(-2);
    const isLater = newest === undefined || atMs > newest.atMs;
    if (!isLater || (before !== undefined && atMs - before.atMs < SPACING_MS)) points.pop();
    points.push({ atMs: isLater ? atMs : newest.atMs, values });
    // The one before the oldest moment is needed for the line to it.
    while (points.length > 2 && (points[1] as Point).atMs <= atMs - this.#keepMs) points.shift();
  }

  /** The value at a moment. */
  at(index: number, atMs: number): number {
    const points = this.#points;
    let later = points.length - 1;
    while (later > 0 && (points[later - 1] as Point).atMs > atMs) later--;
    const right = points[later];
    if (right === undefined) return 0;
    const left = points[later - 1];
    if (left === undefined || atMs >= right.atMs) return valueIn(right, index);
    const share = (atMs - left.atMs) / (right.atMs - left.atMs);
    return valueIn(left, index) + share * (valueIn(right, index) - valueIn(left, index));
  }

  /** What these places hold is another's from now on: before, it was 0. */
  forget(from: number, to: number): void {
    for (const { values } of this.#points) values.fill(0, from, to);
  }
}

function valueIn({ values }: Point, index: number): number {
  return values[index] ?? 0;
}
