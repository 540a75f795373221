import { duration, grouped } from '../wording.ts';
import type { Evidence } from './finding.ts';

type Scope = Evidence['scope'];

/**
 * What a counter has grown by; none where it is not known.
 *
 * @example grew('ListenOverflows', 1234, 8.2, 'namespace') // [{ ..., value: '+1,234 in 8.2 s' }]
 */
export function grew(what: string, growth: number | undefined, seconds: number, scope: Scope): readonly Evidence[] {
  return growth === undefined ? [] : [{ what, value: `+${grouped(growth)} in ${duration(seconds * 1_000)}`, scope }];
}

/** A number that was seen; none where it is not known. */
export function seen(
  what: string,
  value: number | undefined,
  scope: Scope,
  say: (value: number) => string = grouped,
): readonly Evidence[] {
  return value === undefined ? [] : [{ what, value: say(value), scope }];
}

/** `0.97 cores`. */
export function cores(value: number): string {
  return `${Math.round(value * 100) / 100} ${value === 1 ? 'core' : 'cores'}`;
}

/** A share of the test between two bounds. */
export function impactOf(share: number, least: number, most: number): number {
  return Math.round((least + (most - least) * Math.min(1, Math.max(0, share))) * 100) / 100;
}
