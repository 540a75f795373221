import type { Json } from '../finalize.ts';

/** One recording rule of Prometheus: a series by the level of its labels, the metric, and what was done to it. */
export interface RecordingRule {
  readonly record: `${string}:${string}:${string}`;
  readonly expr: string;
}

/** A rule as Prometheus loads it. */
export function recordOf({ record, expr }: RecordingRule): Json {
  return { record, expr };
}
