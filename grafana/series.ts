// What queries of dashboards are put together from.
import { CATALOGUE, type LabelName, type MetricName } from '../src/metrics/catalogue.ts';
import { type HistogramSeries, type Matchers, select } from './promql.ts';

/** Every dashboard has these two variables. */
const PROCESS = ['job=~"$job"', 'instance=~"$instance"'] as const;

/**
 * A selector for what the dashboard's variables show. A label that `labels` settles follows no variable.
 *
 * @param matchers further matchers as text, such as the bound of a bucket
 */
export function shown(
  metric: MetricName,
  labels: Matchers = {},
  series?: HistogramSeries,
  matchers: readonly string[] = [],
): string {
  const own = CATALOGUE[metric].labels;
  const narrowed = (['side', 'name'] as const).filter((label) => own.includes(label) && labels[label] === undefined);
  const chosen = narrowed.map((label) => `${label}=~"$${label}"`);
  return select(metric, labels, [...PROCESS, ...chosen, ...matchers], series);
}

/**
 * A selector that follows job and instance only: for a whole fleet, where one name is not chosen among thousands.
 *
 * @param matchers further matchers as text
 */
export function ofFleet(
  metric: MetricName,
  labels: Matchers = {},
  series?: HistogramSeries,
  matchers: readonly string[] = [],
): string {
  return select(metric, labels, [...PROCESS, ...matchers], series);
}

/** A counter's increase a second, over the interval that Grafana takes from the scrape interval and the zoom. */
export function rate(counter: string): string {
  return `rate(${counter}[$__rate_interval])`;
}

/** One sum, or one for each combination of labels. */
export function sum(expr: string, by: readonly LabelName[] = []): string {
  return by.length === 0 ? `sum(${expr})` : `sum by (${by.join(', ')}) (${expr})`;
}

/**
 * A quantile of a histogram, one for each combination of labels; as exact as its buckets are narrow. Where nothing was
 * observed it is NaN, which is not >= 0: no line rather than one without points.
 */
export function quantile(
  q: number,
  histogram: MetricName,
  labels: Matchers = {},
  by: readonly LabelName[] = [],
): string {
  const buckets = rate(shown(histogram, labels, 'bucket'));
  return `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (${buckets})) >= 0`;
}

/** The processes of one network namespace see the same rows: the largest of them, then the sum over namespaces. */
export function sumOfNamespaces(expr: string, by: readonly LabelName[]): string {
  const netns = `max by (job, instance, netns) (${shown('info')})`;
  const joined = `${expr} * on (job, instance) group_left (netns) ${netns}`;
  return sum(`max by (${['netns', ...by].join(', ')}) (${joined})`, by);
}
