import { register as defaultRegister, type Registry } from 'prom-client';
import { DEFAULT_PREFIX, type MetricDefinition, metricsOf } from '../metrics/catalogue.ts';
import { distributions, type HistogramName, measure, type ScalarName } from '../metrics/measure.ts';
import { internalsOf, type Monitor, type MonitorInternals } from '../monitor/monitor.ts';
import { refuseUnknownKeys, show } from '../monitor/options.ts';

/** Options of {@link registerPrometheus}. */
export interface PrometheusOptions {
  /** The registry to register on. @default prom-client's global `register` */
  readonly register?: Registry;
  /** What every metric's name begins with: letters, digits, `_` and `:`. @default 'nodejs_tcp_' */
  readonly prefix?: string;
}

/**
 * Registers every metric of a monitor on a prom-client registry. Values are read when the registry is scraped; no
 * prom-client call is made for an event, and a scrape neither starts a sample nor waits for one.
 *
 * @returns a function that takes the metrics off the registry; `monitor.close()` does the same
 * @throws TypeError if an option is wrong, Error if the registry has a monitor under this prefix already
 * @example
 * import { register } from 'prom-client';
 * registerPrometheus(monitor);
 * app.get('/metrics', async (_, res) => res.type(register.contentType).send(await register.metrics()));
 */
export function registerPrometheus(monitor: Monitor, options: PrometheusOptions = {}): () => void {
  refuseUnknownKeys('registerPrometheus', options, ['register', 'prefix']);
  const { register = defaultRegister, prefix = DEFAULT_PREFIX } = options;
  if (typeof prefix !== 'string' || !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(prefix)) {
    throw new TypeError(`prefix is letters, digits, '_' and ':', not beginning with a digit, received ${show(prefix)}`);
  }
  if (typeof register?.registerMetric !== 'function') {
    throw new TypeError(`register is a prom-client Registry, received ${show(register)}`);
  }
  const inside = internalsOf(monitor);
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
  const registration: Registration = { register };
  registrations.set(monitor, [...(registrations.get(monitor) ?? []), registration]);
  inside.onClose(unregisterPrometheus);
  return unregisterPrometheus;

  function unregisterPrometheus(): void {
    const others = registrations.get(monitor)?.filter((other) => other !== registration) ?? [];
    registrations.set(monitor, others);
    for (const metric of metrics) {
      const name = prefix + metric.definition.name;
      if (register.getSingleMetric(name) === (metric as unknown)) register.removeSingleMetric(name);
    }
  }
}

/** The registry a monitor was registered on last, of those it is still on; undefined if it is on none. @internal */
export function registryOf(monitor: Monitor): Registry | undefined {
  return registrations.get(monitor)?.at(-1)?.register;
}

/** An object of its own, because a monitor may be on one registry twice, under two prefixes. */
interface Registration {
  readonly register: Registry;
}

const registrations = new WeakMap<Monitor, readonly Registration[]>();

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
