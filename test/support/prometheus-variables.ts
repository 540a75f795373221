/** What the reader of a dashboard has chosen, by the name of the variable; the rest is All. */
export type Chosen = Readonly<Record<string, string>>;

/** Grafana's own: as durations, and as numbers of seconds and milliseconds. */
export interface Intervals {
  readonly rateIntervalSeconds: number;
  readonly rangeSeconds: number;
  readonly intervalSeconds: number;
}

/**
 * A query as Grafana sends it: `$job`, `${job}` and `${job:regex}` become what was chosen, and `$__rate_interval` and its
 * kin durations. `$1` belongs to label_replace.
 */
export function filled(expr: string, chosen: Chosen, intervals: Intervals): string {
  const { rateIntervalSeconds: rate, rangeSeconds: range, intervalSeconds: interval } = intervals;
  const own: Readonly<Record<string, string>> = {
    __rate_interval: `${rate}s`,
    __range: `${range}s`,
    __range_s: `${range}`,
    __range_ms: `${range * 1_000}`,
    __interval: `${interval}s`,
    __interval_ms: `${interval * 1_000}`,
  };
  return expr.replaceAll(/\$(?:\{([A-Za-z_]\w*)(?::\w+)?\}|([A-Za-z_]\w*))/g, (_, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? '';
    return own[name] ?? chosen[name] ?? '.+';
  });
}
