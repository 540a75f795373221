import { duration, grouped, size } from '../../detect/wording.ts';

/** What a number counts. */
export type Unit = 'count' | 'per_second' | 'bytes' | 'ms' | 'cores';

/** `1,234`, `820/s`, `4.2 kB`, `310 ms`, `0.98`. */
export function inUnit(value: number, unit: Unit): string {
  switch (unit) {
    case 'count':
      return grouped(value);
    case 'per_second':
      return `${grouped(value)}/s`;
    case 'bytes':
      return size(value);
    case 'ms':
      return duration(value);
    case 'cores':
      return value < 9.95 ? String(Math.round(value * 100) / 100) : grouped(value);
    default:
      return unit satisfies never;
  }
}
