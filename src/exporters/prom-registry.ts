// The catalogue on a prom-client Registry that somebody else brings: nothing of prom-client is loaded here.
import type { Registry } from 'prom-client';
import { type MetricDefinition, metricsOf } from '../metrics/catalogue.ts';
import { distributions, type HistogramName, measure, type ScalarName } from '../metrics/measure.ts';
import type { MonitorInternals } from '../monitor/monitor.ts';

/** The part of prom-client that whoever loads it hands on. */
export type PromClient = Pick<typeof import('prom-client'), 'Registry' | 'register'>;

export type { Registry };

/**
 * Puts every metric of a monitor on a registry, and returns the function that takes them off.
 *
 * @throws Error if a name is taken there
 */
export function putOnRegistry(inside: MonitorInternals, register: Registry, prefix: string): () => void {
  const definitions = metricsOf(inside.level);
  const taken = definitions.find((definition) => register.getSingleMetric(prefix + definition.name) !== undefined);
  if (taken !== undefined) {
    throw new Error(
      `${prefix}${taken.name} is registered already: give this monitor another prefix or its own new Registry(), ` +
        'or call the stop function of the first registration',
    );
  }
  const metrics = definitions.map((definition) => new CatalogueMetric(prefix, definition, inside));
  // Any object with a name and a get() is a metric to a Registry; its type lists prom-client's own classes only.
  for (const metric of metrics) register.registerMetric(metric as unknown as RegisteredMetric);
  return () => {
    for (const metric of metrics) {
      const name = prefix + metric.definition.name;
      if (register.getSingleMetric(name) === (metric as unknown)) register.removeSingleMetric(name);
    }
  };
}

type RegisteredMetric = Parameters<Registry['registerMetric']>[0];

const NO_LABELS = {};

interface PromValue {
  readonly labels: { readonly [label: string]: string | number };
  readonly value: number;
  readonly metricName?: string;
}

/** One metric of the catalogue in the shape that a prom-client Registry collects. */
class CatalogueMetric {
  readonly definition: MetricDefinition;
  /** Not readonly: in its OpenMetrics mode a Registry renames counters. */
  name: string;
  readonly help: string;
  readonly type: MetricDefinition['type'];
  readonly aggregator: MetricDefinition['aggregate'];
  readonly #inside: MonitorInternals;

  constructor(prefix: string, definition: MetricDefinition, inside: MonitorInternals) {
    this.definition = definition;
    this.name = prefix + definition.name;
    this.help = definition.help;
    this.type = definition.type;
    this.aggregator = definition.aggregate;
    this.#inside = inside;
  }

  async get(): Promise<{ name: string; help: string; type: string; aggregator: string; values: readonly PromValue[] }> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#values() };
  }

  /**
   * The same for a text exposition. prom-client remembers the text of labels that it is told are shared, and ours stay
   * the same objects from scrape to scrape: what is left to do for a series is to print its number.
   */
  async getForPromString(): Promise<unknown> {
    const metric = await this.get();
    return {
      ...metric,
      values: metric.values.map(({ labels, value, metricName }) => ({
        labels: NO_LABELS,
        sharedLabels: labels,
        value,
        metricName,
      })),
    };
  }

  /** A Registry resets its metrics on demand; what is measured here is not the Registry's to forget. */
  reset(): void {}

  #values(): readonly PromValue[] {
    try {
      if (this.type === 'histogram') return this.#histogramValues();
      return measure(this.#inside, this.definition.name as ScalarName) as readonly PromValue[];
    } catch (error) {
      this.#inside.report('exporter', error);
      return [];
    }
  }

  #histogramValues(): PromValue[] {
    const series = distributions(this.#inside, this.definition.name as HistogramName);
    return series.flatMap(({ labels, histogram }) => {
      let cumulative = 0;
      const buckets = [...histogram.bounds, '+Inf' as const].map((le, index): PromValue => {
        cumulative += histogram.counts[index] ?? 0;
        return { labels: { le, ...labels }, value: cumulative, metricName: `${this.name}_bucket` };
      });
      const plain = labels as PromValue['labels'];
      return [
        ...buckets,
        { labels: plain, value: histogram.sum, metricName: `${this.name}_sum` },
        { labels: plain, value: histogram.count, metricName: `${this.name}_count` },
      ];
    });
  }
}
