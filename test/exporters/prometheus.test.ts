import net from 'node:net';
import { createMonitor, type Monitor } from 'finwait';
import { registerPrometheus } from 'finwait/prometheus';
import { Counter, Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { registryOf } from '../../src/exporters/prometheus.ts';
import { metricsOf } from '../../src/metrics/catalogue.ts';
import { STATE_LABELS } from '../../src/tcp/state.ts';
import { run, testWith } from '../support/tools.ts';

describe('a monitor on a prom-client registry', () => {
  let monitor: Monitor;
  let registry: Registry;
  let server: net.Server;

  beforeEach(async () => {
    monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: () => undefined });
    registry = new Registry();
    server = net.createServer((socket) => socket.resume());
    monitor.observeServer(server, { name: 'api' });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    monitor.close();
    await new Promise((resolve) => server.close(resolve));
  });

  testWith('ss', 'shows all 11 states at 0 before the first connection, but LISTEN', async () => {
    registerPrometheus(monitor, { register: registry });
    expect(await monitor.sample()).toMatchObject({ ok: true });
    const text = await registry.metrics();
    for (const metric of ['sockets', 'node_sockets']) {
      for (const state of STATE_LABELS) {
        const value = state === 'listen' ? 1 : 0;
        expect(text).toContain(`nodejs_tcp_${metric}{side="server",name="api",state="${state}"} ${value}\n`);
      }
    }
  });

  test('shows no kernel column before the first complete table: a zero would be a lie', async () => {
    registerPrometheus(monitor, { register: registry });
    const text = await registry.metrics();
    expect(text).toContain('# TYPE nodejs_tcp_sockets gauge');
    expect(text).not.toContain('nodejs_tcp_sockets{');
    expect(text).not.toContain('nodejs_tcp_netns_sockets{');
    expect(text).toContain('nodejs_tcp_collector_up 0\n');
    expect(text).toContain('nodejs_tcp_node_sockets{side="server",name="api",state="listen"} 1\n');
  });

  testWith('promtool', 'passes `promtool check metrics` without a word, under load', async () => {
    registerPrometheus(monitor, { register: registry });
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    monitor.observeSocket(client);
    await new Promise((resolve) => client.once('connect', resolve));
    client.end('bye');
    await new Promise((resolve) => client.resume().once('close', resolve));
    await monitor.sample();
    expect(run('promtool', ['check', 'metrics'], await registry.metrics())).toEqual({ status: 0, output: '' });
  });

  test('exports every metric of the catalogue and nothing else, under any prefix', async () => {
    registerPrometheus(monitor, { register: registry, prefix: 'shop:tcp_' });
    const types = [...(await registry.metrics()).matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, name, type]) => [
      name,
      type,
    ]);
    expect(types).toEqual(metricsOf('standard').map(({ name, type }) => [`shop:tcp_${name}`, type]));
  });

  test('speaks OpenMetrics where the registry does', async () => {
    const openMetrics = new Registry();
    openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    registerPrometheus(monitor, { register: openMetrics });
    const text = await openMetrics.metrics();
    expect(text).toContain('# TYPE nodejs_tcp_connections_opened counter');
    expect(text).toContain('nodejs_tcp_connections_opened_total{side="server",name="api"} 0');
    expect(text.trimEnd()).toMatch(/# EOF$/);
  });

  test('histograms are cumulative and end with +Inf', async () => {
    registerPrometheus(monitor, { register: registry });
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    monitor.observeSocket(client);
    await new Promise((resolve) => client.once('connect', resolve));
    client.destroy();
    await new Promise((resolve) => client.once('close', resolve));
    const text = await registry.metrics();
    expect(text).toContain('nodejs_tcp_connection_duration_seconds_bucket{le="+Inf",side="client"} 1\n');
    expect(text).toContain('nodejs_tcp_connection_duration_seconds_count{side="client"} 1\n');
    expect(text).toContain('nodejs_tcp_connection_duration_seconds_bucket{le="86400",side="client"} 1\n');
  });

  test('a second monitor on the same registry and prefix is refused, and the remedy named', () => {
    registerPrometheus(monitor, { register: registry });
    const second = createMonitor({ onWarning: () => undefined });
    expect(() => registerPrometheus(second, { register: registry })).toThrow(
      /nodejs_tcp_sockets is registered already: give this monitor another prefix or its own new Registry\(\)/,
    );
    registerPrometheus(second, { register: registry, prefix: 'other_' });
    second.close();
  });

  test('its stop takes all of it off the registry, and nothing else', async () => {
    new Counter({ name: 'app_total', help: 'ours', registers: [registry] });
    const stop = registerPrometheus(monitor, { register: registry });
    stop();
    stop();
    expect(registry.getMetricsAsArray().map((metric) => metric.name)).toEqual(['app_total']);
    registerPrometheus(monitor, { register: registry });
  });

  test('closing the monitor takes it off every registry, and a closed one stays off', async () => {
    const other = new Registry();
    registerPrometheus(monitor, { register: registry });
    registerPrometheus(monitor, { register: other, prefix: 'shop_' });
    monitor.close();
    registerPrometheus(monitor, { register: registry })();
    registerPrometheus(monitor, { register: registry });
    expect([...registry.getMetricsAsArray(), ...other.getMetricsAsArray()]).toEqual([]);
  });

  test('the registry of a monitor is the one it went on last, of those it is still on', () => {
    const other = new Registry();
    const stopFirst = registerPrometheus(monitor, { register: registry });
    const stopSecond = registerPrometheus(monitor, { register: registry, prefix: 'shop_' });
    const stopThird = registerPrometheus(monitor, { register: other });
    expect(registryOf(monitor)).toBe(other);
    stopThird();
    stopThird();
    stopFirst();
    expect(registryOf(monitor)).toBe(registry);
    stopSecond();
    expect(registryOf(monitor)).toBeUndefined();
  });

  test('a registry that throws when it is left does not throw out of close', () => {
    const other = new Registry();
    registerPrometheus(monitor, { register: registry });
    registerPrometheus(monitor, { register: other });
    registry.removeSingleMetric = () => {
      throw new Error('not mine to remove');
    };
    monitor.close();
    expect(other.getMetricsAsArray()).toEqual([]);
  });

  test('a registry that resets its metrics does not reset the monitor', async () => {
    registerPrometheus(monitor, { register: registry });
    registry.resetMetrics();
    expect(await registry.metrics()).toContain('state_transitions_total{from="closed",to="listen"} 1');
  });

  test.each([
    [{ prefix: '1st' }, /prefix is letters.*received '1st'/],
    [{ prefix: 5 }, /received 5/],
    [{ register: {} }, /register is a prom-client Registry/],
    [{ labels: {} }, /unknown option 'labels', known are register, prefix/],
    [null, /options are an object, received null/],
  ])('refuses %j', (options, message) => {
    expect(() => registerPrometheus(monitor, options as never)).toThrow(message);
  });

  test('refuses what is no monitor', () => {
    expect(() => registerPrometheus({} as never, { register: registry })).toThrow(
      /not a monitor made by createMonitor/,
    );
  });
});
