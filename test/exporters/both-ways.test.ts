// One loaded process, exported through prom-client and through a real OpenTelemetry SDK: the same names, the same
// series, the same numbers.
import net from 'node:net';
import { createNoopMeter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { createMonitor, type Monitor } from 'finwait';
import { registerOpenTelemetry } from 'finwait/opentelemetry';
import { registerPrometheus } from 'finwait/prometheus';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

describe('one process exported both ways', () => {
  let monitor: Monitor;
  let server: net.Server;
  const stops: (() => void)[] = [];

  beforeEach(async () => {
    monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: () => undefined });
    server = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume();
    });
    monitor.observeServer(server, { name: 'api' });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    for (const stop of stops.splice(0)) stop();
    monitor.close();
    await new Promise((resolve) => server.close(resolve));
  });

  test('gives the same series with the same values', async () => {
    const registry = new Registry();
    registerPrometheus(monitor, { register: registry });
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const provider = new MeterProvider({ readers: [exporter] });
    const stop = registerOpenTelemetry(monitor, { meterProvider: provider });
    stops.push(stop, () => void provider.shutdown());

    stops.push(await load(monitor, (server.address() as net.AddressInfo).port));
    await monitor.sample();

    const fromPrometheus = seriesOf(await registry.metrics());
    const { resourceMetrics, errors } = await exporter.collect();
    expect(errors).toEqual([]);
    const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
    const fromOpenTelemetry = seriesOf(serializer.serialize(resourceMetrics));

    expect(fromPrometheus.size).toBeGreaterThan(200);
    const missing = [...fromPrometheus].filter(([series]) => !fromOpenTelemetry.has(series)).map(([series]) => series);
    // A synchronous histogram has no series before its first observation; everything else is there from the start.
    expect(missing.filter((series) => !/_seconds_(bucket|sum|count)/.test(series))).toEqual([]);
    for (const [series, value] of fromOpenTelemetry) {
      expect(fromPrometheus.get(series), series).toBeCloseTo(value, 6);
    }
    expect(fromPrometheus.get('nodejs_tcp_connections_opened_total{name="api",side="server"}')).toBe(20);
  });

  test('leaves nothing on the meter after its stop', async () => {
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const provider = new MeterProvider({ readers: [exporter] });
    const stop = registerOpenTelemetry(monitor, { meterProvider: provider });
    stop();
    const { resourceMetrics } = await exporter.collect();
    const points = resourceMetrics.scopeMetrics.flatMap((scope) =>
      scope.metrics.map((metric) => metric.dataPoints.length),
    );
    expect(points.filter((count) => count > 0)).toEqual([]);
    await provider.shutdown();
  });

  test('leaves nothing on the meter once the monitor is closed', async () => {
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const provider = new MeterProvider({ readers: [exporter] });
    registerOpenTelemetry(monitor, { meterProvider: provider });
    monitor.close();
    const { resourceMetrics } = await exporter.collect();
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    expect(metrics.filter((metric) => metric.dataPoints.length > 0)).toEqual([]);
    await provider.shutdown();
  });

  test('a MeterProvider takes one monitor, names the remedy to the second, and is free again after the stop', async () => {
    const provider = new MeterProvider();
    const second = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: () => undefined });
    const stop = registerOpenTelemetry(monitor, { meterProvider: provider });
    for (const refused of [second, monitor]) {
      expect(() => registerOpenTelemetry(refused, { meterProvider: provider })).toThrow(
        /give this monitor a MeterProvider of its own, or call the stop function of the first registration/,
      );
    }
    stop();
    registerOpenTelemetry(second, { meterProvider: provider });
    stop();
    expect(() => registerOpenTelemetry(monitor, { meterProvider: provider })).toThrow(/has a monitor already/);
    second.close();
    registerOpenTelemetry(monitor, { meterProvider: provider });
    await provider.shutdown();
  });

  test('a histogram instrument that throws is reported and stops no event', async () => {
    const warnings: string[] = [];
    const watcher = createMonitor({
      sampleIntervalMs: 3_600_000,
      onWarning: ({ message }) => warnings.push(message),
    });
    const meter = createNoopMeter();
    const broken = Object.create(meter, {
      createHistogram: {
        value: () => ({
          record() {
            throw new Error('the instrument is broken');
          },
        }),
      },
    }) as typeof meter;
    registerOpenTelemetry(watcher, { meterProvider: { getMeter: () => broken } });
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    watcher.observeSocket(client, { name: 'upstream' });
    await new Promise((resolve) => client.once('connect', resolve));
    client.destroy();
    await new Promise((resolve) => client.once('close', resolve));
    expect(warnings).toContain('finwait: its exporter failed: the instrument is broken');
    expect(warnings.filter((warning) => warning.includes('observer'))).toEqual([]);
    expect(watcher.snapshot().names).toMatchObject([{ name: 'upstream', opened: 1, open: 0 }]);
    watcher.close();
  });

  test('adds the semantic conventions name on request, from the namespace', async () => {
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const provider = new MeterProvider({ readers: [exporter] });
    stops.push(registerOpenTelemetry(monitor, { meterProvider: provider, semconv: true }));
    await monitor.sample();
    const { resourceMetrics } = await exporter.collect();
    const count = resourceMetrics.scopeMetrics
      .flatMap((scope) => scope.metrics)
      .find((metric) => metric.descriptor.name === 'system.network.connection.count');
    const states = count?.dataPoints.map((point) => point.attributes['network.connection.state']);
    expect(states).toContain('close_wait');
    expect(states).toHaveLength(11);
    await provider.shutdown();
  });

  test.each([
    [{ meterProvider: {} }, /meterProvider/],
    [{ semconv: 1 }, /semconv is a boolean, received 1/],
    [{ prefix: 'x' }, /unknown option 'prefix'/],
  ])('refuses %j', (options, message) => {
    expect(() => registerOpenTelemetry(monitor, options as never)).toThrow(message);
  });
});

/** Twenty connections that end in several ways; two stay open until the returned function is called. */
async function load(monitor: Monitor, port: number): Promise<() => void> {
  const open: net.Socket[] = [];
  const ends = Array.from({ length: 20 }, (_, index) => {
    const socket = net.connect(port, '127.0.0.1');
    monitor.observeSocket(socket, { name: 'upstream' });
    socket.on('error', () => undefined);
    socket.once('connect', () => {
      socket.write('hello', () => {
        if (index % 4 === 0) socket.resetAndDestroy();
        else if (index % 4 === 1) socket.destroy();
        else if (index < 16) socket.end();
      });
    });
    socket.resume();
    if (index >= 16 && index % 4 > 1) {
      open.push(socket);
      return undefined;
    }
    return new Promise((resolve) => socket.once('close', resolve));
  });
  await Promise.all(ends);
  return () => {
    for (const socket of open) socket.destroy();
  };
}

/** Every series of a text exposition with its labels in order, without what an SDK adds of its own. */
function seriesOf(text: string): Map<string, number> {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^(nodejs_tcp_\w+)(?:\{(.*)\})? (\S+)/.exec(line);
    if (match === null) continue;
    const [, name = '', labels = '', value = ''] = match;
    const sorted = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
      .filter(([, label]) => !label?.startsWith('otel_'))
      .map(([, label, text]) => `${label}="${text}"`)
      .sort()
      .join(',');
    series.set(`${name}{${sorted}}`, Number(value.replace('+Inf', 'Infinity')));
  }
  return series;
}
