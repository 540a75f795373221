import { CATALOGUE, DEFAULT_PREFIX, LABEL_VALUES, type LabelName, type MetricName } from '../src/metrics/catalogue.ts';

/** Labels with the value each must have, or must not have. */
export type Matchers = { readonly [label in LabelName]?: string | { readonly not: string } };

/** The three series of a histogram. */
export type HistogramSeries = 'bucket' | 'sum' | 'count';

/**
 * The full name of a metric, the only way a name gets into a query.
 *
 * @param series which series of a histogram; a histogram has none under its plain name
 * @throws Error if `series` is missing for a histogram, or given for anything else
 * @example metricName('sockets') // nodejs_tcp_sockets
 */
export function metricName(metric: MetricName, series?: HistogramSeries): string {
  const isHistogram = CATALOGUE[metric].type === 'histogram';
  if (isHistogram !== (series !== undefined)) {
    throw new Error(`${metric} is a ${CATALOGUE[metric].type}: series ${series ?? 'none'} does not exist`);
  }
  return DEFAULT_PREFIX + metric + (series === undefined ? '' : `_${series}`);
}

/**
 * A selector for a metric. A label that the metric does not carry, or a value outside a closed set, is refused here:
 * in Prometheus it would be an empty panel or an alert that never fires.
 *
 * @param matchers further matchers as text, put first
 * @throws Error if the catalogue knows no such label or value
 * @example select('sockets', { state: 'close_wait' }) // nodejs_tcp_sockets{state="close_wait"}
 */
export function select(
  metric: MetricName,
  labels: Matchers = {},
  matchers: readonly string[] = [],
  series?: HistogramSeries,
): string {
  const own = Object.entries(labels).map(([label, wanted]) => {
    const [operator, value] = typeof wanted === 'string' ? ['=', wanted] : ['!=', wanted.not];
    if (!CATALOGUE[metric].labels.includes(label as LabelName)) throw new Error(`${metric} has no label ${label}`);
    const known = CATALOGUE[metric].values?.[label as LabelName] ?? LABEL_VALUES[label as LabelName];
    if (known !== undefined && !known.includes(value)) throw new Error(`${label} is never ${value}`);
    return `${label}${operator}${JSON.stringify(value)}`;
  });
  const all = [...matchers, ...own];
  return metricName(metric, series) + (all.length === 0 ? '' : `{${all.join(', ')}}`);
}

/**
 * The matcher for one bucket of a histogram. Prometheus 3 writes a bound of 1 as 1.0 when it scrapes, Prometheus 2 and
 * VictoriaMetrics leave it as the exporter wrote it.
 *
 * @example bucketUpTo(1) // le=~"1|1[.]0"
 */
export function bucketUpTo(seconds: number): string {
  const bound = String(seconds).replace('.', '[.]');
  return Number.isInteger(seconds) ? `le=~"${bound}|${bound}[.]0"` : `le=~"${bound}"`;
}
