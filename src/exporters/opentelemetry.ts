import {
  type BatchObservableCallback,
  type Meter,
  type MeterProvider,
  metrics as metricsApi,
  type Observable,
} from '@opentelemetry/api';
import { type MetricDefinition, metricsOf } from '../metrics/catalogue.ts';
import { boundsOf, type HistogramName, measure, type ScalarName, subscribe } from '../metrics/measure.ts';
import { internalsOf, type Monitor } from '../monitor/monitor.ts';
import { refuseUnknownKeys, show } from '../monitor/options.ts';
import { VERSION } from '../version.ts';

/** Options of {@link registerOpenTelemetry}. */
export interface OpenTelemetryOptions {
  /** Where the meter comes from. @default the global MeterProvider at the time of the call */
  readonly meterProvider?: MeterProvider;
  /**
   * Adds the names of OpenTelemetry's semantic conventions: `system.network.connection.count`, from the table of the
   * whole network namespace. It is a metric of the host: take it from one process only. @default false
   */
  readonly semconv?: boolean;
}

/** What every instrument's name begins with. */
const OTEL_PREFIX = 'nodejs.tcp.';

/**
 * Creates every metric of a monitor as an OpenTelemetry instrument named `nodejs.tcp.<name>`, with its UCUM unit, so
 * that the usual translation to Prometheus gives the names of `finwait/prometheus` again. Gauges and counters are
 * observed in one batch at collection; histograms are recorded when they happen.
 *
 * @returns a function that ends the observation; `monitor.close()` does the same
 * @throws TypeError if an option is wrong, Error if the MeterProvider has a monitor already
 * @example registerOpenTelemetry(monitor, { meterProvider })
 */
export function registerOpenTelemetry(monitor: Monitor, options: OpenTelemetryOptions = {}): () => void {
  refuseUnknownKeys('registerOpenTelemetry', options, ['meterProvider', 'semconv']);
  const { meterProvider = metricsApi.getMeterProvider(), semconv = false } = options;
  if (typeof meterProvider?.getMeter !== 'function') {
    throw new TypeError(`meterProvider is an OpenTelemetry MeterProvider, received ${show(meterProvider)}`);
  }
  if (typeof semconv !== 'boolean') throw new TypeError(`semconv is a boolean, received ${show(semconv)}`);
  const inside = internalsOf(monitor);
  if (taken.has(meterProvider)) {
    throw new Error(
      'this MeterProvider has a monitor already, and two would overwrite each other: give this monitor a MeterProvider ' +
        'of its own, or call the stop function of the first registration',
    );
  }
  const meter = meterProvider.getMeter('finwait', VERSION);

  const definitions = metricsOf(inside.level);
  const stops = definitions
    .filter((definition) => definition.type === 'histogram')
    .map((definition) => {
      const name = definition.name as HistogramName;
      const instrument = meter.createHistogram(OTEL_PREFIX + definition.name, {
        description: definition.help,
        unit: definition.unit,
        advice: { explicitBucketBoundaries: [...boundsOf(inside, name)] },
      });
      return subscribe(inside, name, (labels, value) => {
        try {
          instrument.record(value, { ...labels });
        } catch (error) {
          // An instrument that throws must not stop the event that is being counted.
          inside.report('exporter', error);
        }
      });
    });

  const observables = definitions
    .filter((definition) => definition.type !== 'histogram')
    .map((definition) => ({
      name: definition.name as ScalarName,
      instrument: createObservable(meter, definition),
    }));
  const connectionCount = semconv ? createConnectionCount(meter) : undefined;

  const observe: BatchObservableCallback = (result) => {
    try {
      for (const { name, instrument } of observables) {
        for (const { labels, value } of measure(inside, name)) result.observe(instrument, value, { ...labels });
      }
      if (connectionCount === undefined) return;
      for (const { labels, value } of measure(inside, 'netns_sockets')) {
        const attributes = { 'network.transport': 'tcp', 'network.connection.state': labels.state ?? '' };
        result.observe(connectionCount, value, attributes);
      }
    } catch (error) {
      inside.report('exporter', error);
    }
  };
  const observed = observables.map(({ instrument }) => instrument);
  if (connectionCount !== undefined) observed.push(connectionCount);
  meter.addBatchObservableCallback(observe, observed);

  let registered = true;
  taken.add(meterProvider);
  inside.onClose(unregisterOpenTelemetry);
  return unregisterOpenTelemetry;

  function unregisterOpenTelemetry(): void {
    if (!registered) return;
    registered = false;
    taken.delete(meterProvider);
    for (const stop of stops) stop();
    meter.removeBatchObservableCallback(observe, observed);
  }
}

/** The providers that have a monitor: a meter gives the same instruments to everyone who asks for the same names. */
const taken = new WeakSet<MeterProvider>();

function createObservable(meter: Meter, definition: MetricDefinition): Observable {
  const description = { description: definition.help, unit: definition.unit };
  const name = OTEL_PREFIX + definition.name;
  return definition.type === 'counter'
    ? meter.createObservableCounter(name, description)
    : meter.createObservableGauge(name, description);
}

function createConnectionCount(meter: Meter): Observable {
  return meter.createObservableUpDownCounter('system.network.connection.count', {
    description: 'TCP connections of the network namespace by state.',
    unit: '{connection}',
  });
}
