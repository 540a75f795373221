import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Counter, Gauge, Registry, register } from 'prom-client';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registerPrometheus } from '../../src/exporters/prometheus.ts';
import { createMonitor, internalsOf, type Monitor } from '../../src/monitor/monitor.ts';
import { createMetricsText, type MetricsText } from '../../src/web/metrics-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'finwait-text-'));
let monitor: Monitor;
let warnings: string[];

beforeEach(() => {
  warnings = [];
  monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: ({ message }) => warnings.push(message) });
});
afterEach(() => {
  monitor.close();
  register.clear();
  register.setContentType(Registry.PROMETHEUS_CONTENT_TYPE);
});
afterAll(() => rmSync(folder, { recursive: true }));

function render(options: { prefix?: string; withApplication?: boolean; folders?: readonly string[] } = {}) {
  const { prefix, withApplication = false, folders = [] } = options;
  return createMetricsText(internalsOf(monitor), { prefix, withApplication, folders });
}

/** How often a metric is announced: more than once is no valid exposition. */
function announced({ text }: MetricsText, name: string): number {
  return text.split('\n').filter((line) => line.startsWith(`# TYPE ${name} `)).length;
}

/** An application with a prom-client of its own that says this. */
function application(name: string, source: string): string {
  const place = join(folder, name, 'node_modules/prom-client');
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'index.js'), source);
  return join(folder, name, 'main.js');
}

describe('the text of a scrape', () => {
  it('is in the format and under the prefix that were asked for', async () => {
    const metrics = await render()();
    expect(metrics).toMatchObject({ status: 200, contentType: 'text/plain; version=0.0.4; charset=utf-8' });
    expect(announced(metrics, 'nodejs_tcp_open_connections')).toBe(1);
    expect(announced(await render({ prefix: 'mine_' })(), 'mine_open_connections')).toBe(1);
  });

  it("leaves the application's registry as it is, and out", async () => {
    new Counter({ name: 'app_requests_total', help: 'x' });
    const before = await register.metrics();
    const metrics = await render()();
    expect(await register.metrics()).toBe(before);
    expect(announced(metrics, 'app_requests_total')).toBe(0);
    // And the program may still register its own monitor, or ours.
    registerPrometheus(monitor);
    expect(announced(await render()(), 'nodejs_tcp_open_connections')).toBe(1);
  });

  it("has the application's metrics in it where that is asked for, its default labels on its own only", async () => {
    new Counter({ name: 'app_requests_total', help: 'x' }).inc(3);
    register.setDefaultLabels({ app: 'shop' });
    const metrics = await render({ withApplication: true })();
    expect(metrics.text).toContain('app_requests_total{app="shop"} 3\n');
    expect(announced(metrics, 'nodejs_tcp_open_connections')).toBe(1);
    expect(metrics.text).not.toMatch(/nodejs_tcp_.*shop/);
  });

  it('ends once in OpenMetrics, the format that the application has chosen', async () => {
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    new Counter({ name: 'app_requests_total', help: 'x' }).inc(3);
    const { contentType, text } = await render({ withApplication: true })();
    expect(contentType).toContain('openmetrics');
    expect(text.match(/# EOF/g)).toHaveLength(1);
    expect(text).toMatch(/^[\s\S]*app_requests_total 3\n[\s\S]*nodejs_tcp_connections_opened[\s\S]*# EOF\n$/);
  });

  it("is the application's where the names are on both, each announced once", async () => {
    new Counter({ name: 'app_requests_total', help: 'x' });
    registerPrometheus(monitor);
    const metrics = await render({ withApplication: true })();
    expect(announced(metrics, 'nodejs_tcp_open_connections')).toBe(1);
    expect(announced(metrics, 'app_requests_total')).toBe(1);
  });

  it('is ours alone where a metric of the application fails, which is counted and said', async () => {
    new Gauge({
      name: 'app_broken',
      help: 'x',
      collect() {
        throw new Error('no database');
      },
    });
    const metrics = await render({ withApplication: true })();
    expect(metrics.status).toBe(200);
    expect(announced(metrics, 'nodejs_tcp_open_connections')).toBe(1);
    expect(internalsOf(monitor).internalErrors.get('callback')).toBe(1);
    expect(warnings).toEqual([expect.stringContaining('no database')]);
  });
});

describe('prom-client', () => {
  it("is the application's, else the one beside finwait", async () => {
    const theirs = application(
      'has-one',
      `
      exports.register = {};
      exports.Registry = class { contentType = 'text/theirs'; getSingleMetric() {} registerMetric() {} metrics() { return 'theirs'; } };`,
    );
    expect(await render({ folders: [theirs] })()).toEqual({ status: 200, contentType: 'text/theirs', text: 'theirs' });
    expect(await render({ folders: [join(folder, 'has-none/main.js')] })()).toMatchObject({ status: 200 });
  });

  it.each([
    ['is something else', 'exports.Metrics = class {};'],
    ['does not load', 'throw new Error("broken");'],
  ])('of the application that %s is passed over', async (name, source) => {
    const metrics = await render({ folders: [application(name.replaceAll(' ', '-'), source)] })();
    expect(announced(metrics, 'nodejs_tcp_open_connections')).toBe(1);
  });
});
