const SI = ['', ' K', ' Mil', ' Bil'];
const METRIC = ['', 'k', 'M', 'G', 'T'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A value as Grafana shows it in a unit. */
export function inUnit(value: number, unit: string = 'short'): string {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  switch (unit) {
    case 's':
      return duration(value);
    case 'percentunit':
      return `${rounded(value * 100)}%`;
    case 'cps':
      return `${scaled(value, 1_000, SI)} c/s`;
    case 'bytes':
      return scaled(value, 1_024, BINARY, ' ');
    case 'Bps':
      return `${scaled(value, 1_000, METRIC, ' ')}B/s`;
    default:
      return scaled(value, 1_000, SI);
  }
}

function duration(seconds: number): string {
  const size = Math.abs(seconds);
  if (size === 0) return '0 s';
  if (size < 0.001) return `${rounded(seconds * 1_000_000)} µs`;
  if (size < 1) return `${rounded(seconds * 1_000)} ms`;
  if (size < 60) return `${rounded(seconds)} s`;
  if (size < 3_600) return `${rounded(seconds / 60)} mins`;
  return `${rounded(seconds / 3_600)} hours`;
}

function scaled(value: number, base: number, suffixes: readonly string[], space: string = ''): string {
  let left = value;
  let step = 0;
  while (Math.abs(left) >= base && step < suffixes.length - 1) {
    left /= base;
    step++;
  }
  return `${rounded(left)}${space}${suffixes[step]}`;
}

/** Three digits that mean something. */
function rounded(value: number): string {
  if (value === 0 || Number.isInteger(value)) return `${value}`;
  const digits = Math.max(0, Math.min(3, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return `${Number(value.toFixed(digits))}`;
}
