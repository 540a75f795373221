/** `1,234 connections`, `1 connection`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `28,232`; a rate below ten with one decimal. */
export function grouped(count: number): string {
  if (count > 0 && count < 10 && !Number.isInteger(count)) return String(Math.round(count * 10) / 10);
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `340 ms`, `5.2 s`, `3 min`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  return `${Math.round(ms / 60_000)} min`;
}

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
