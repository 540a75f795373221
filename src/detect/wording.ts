/** `1,234 connections`, `1 connection`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `28,232`; a rate below ten with one decimal. */
export function grouped(count: number): string {
  if (count > 0 && count < 10 && !Number.isInteger(count)) return String(Math.round(count * 10) / 10);
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `it` for one, `them` for any other number. */
export function agree(count: number, one: string, many: string): string {
  return count === 1 ? one : many;
}

/** `340 ms`, `5.2 s`, `3 min`, `2 h 5 min`, `3 d`: the two largest units, rounded. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return inUnits(minutes, 60, 'h', 'min');
  return inUnits(Math.round(minutes / 60), 24, 'd', 'h');
}

function inUnits(count: number, perUnit: number, unit: string, rest: string): string {
  const left = count % perUnit;
  return `${grouped(Math.floor(count / perUnit))} ${unit}${left === 0 ? '' : ` ${left} ${rest}`}`;
}

/** `340 B`, `5.2 kB`, `3.8 MB`: powers of ten. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`;
  let shown = bytes;
  let unit = 0;
  // 999.95 would read as 1000.
  while (shown >= 999.5 && unit < SIZES.length) {
    shown /= 1_000;
    unit++;
  }
  return `${shown < 9.95 ? Math.round(shown * 10) / 10 : grouped(shown)} ${SIZES[unit - 1]}`;
}

const SIZES: readonly string[] = ['kB', 'MB', 'GB', 'TB'];

/** `7%`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** Numbers by name, without those that are not known. */
export function known(numbers: { readonly [what: string]: number | undefined }): { readonly [what: string]: number } {
  return Object.fromEntries(
    Object.entries(numbers).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}
