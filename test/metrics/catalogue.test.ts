import { readFileSync } from 'node:fs';
import { createMonitor } from 'finwait';
import { expect, test } from 'vitest';
import { LABEL_VALUES, type LabelName, METRICS, metricsOf } from '../../src/metrics/catalogue.ts';
import { distributions, type HistogramName, measure, type ScalarName } from '../../src/metrics/measure.ts';
import { internalsOf, type MonitorInternals } from '../../src/monitor/monitor.ts';
import { newListener } from '../../src/sockets/ledger.ts';
import { STATE_LABELS } from '../../src/tcp/state.ts';
import { VERSION } from '../../src/version.ts';
import { fillCollector } from '../support/collector.ts';
import { rowOf } from '../support/row.ts';
import { tupleOf } from '../support/tuple.ts';

const ROWS = [rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0', { inode: 1, sendQueue: 511 })];

/** Of an HTTP server, as far as it is asked. */
const SERVER = { keepAliveTimeout: 5_000 };

/** One server and some upstreams with their pools, and everything known that a sample finds out: no metric is without a series. */
function serve(inside: MonitorInternals, upstreams: number): void {
  const { ledger } = inside;
  const listener = newListener(SERVER, 80, 1, 0);
  ledger.assign(listener, 'server', 'api', true, 0);
  ledger.addListener(listener);
  for (let index = 1; index <= upstreams; index++) connectTo(inside, index);
  fillCollector(inside, ROWS);
  const each = (): Float64Array => new Float64Array(ledger.names.capacity);
  Object.assign(inside, { pools: () => ({ active: each(), idle: each(), pending: each() }) });
}

function connectTo({ ledger }: MonitorInternals, index: number): void {
  const slot = ledger.names.slotOf('client', `upstream-${index}:80`, false, 0);
  ledger.upstreams.name(ledger.rememberUpstream(tupleOf('10.0.0.1:1', `10.0.0.${index + 1}:80`)), slot);
  // That there is no port left is in sight then.
  ledger.connects.start(slot);
  ledger.connects.fail(slot, 'port_exhausted');
}

test('counters end in _total, and units are base units in the name', () => {
  for (const { name, type, unit } of METRICS) {
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    if (unit === 's') expect(name).toMatch(/_seconds$/);
    if (unit === 'By') expect(name).toMatch(/bytes_total$|_bytes$/);
  }
});

test('whatever belongs to the whole network namespace says so, and is never summed over processes', () => {
  for (const { name, aggregate } of METRICS) {
    if (name.startsWith('netns_')) expect(aggregate, name).toBe('max');
  }
});

test('every series carries exactly the labels of its definition, with values of their closed sets', () => {
  const monitor = createMonitor({
    sampleTcpInfo: true,
    remedyAfterMs: 60_000,
    level: 'full',
    onWarning: () => undefined,
  });
  const inside = internalsOf(monitor);
  serve(inside, 1);
  for (const definition of METRICS) {
    const series =
      definition.type === 'histogram'
        ? distributions(inside, definition.name as HistogramName)
        : measure(inside, definition.name as ScalarName);
    expect(series.length, definition.name).toBeGreaterThan(0);
    for (const { labels } of series) {
      expect(Object.keys(labels).sort(), definition.name).toEqual([...definition.labels].sort());
      for (const [label, value] of Object.entries(labels)) {
        const closed = definition.values?.[label as LabelName] ?? LABEL_VALUES[label as LabelName];
        if (closed !== undefined) expect(closed, `${definition.name} ${label}`).toContain(value);
      }
    }
  }
  monitor.close();
});

test('sockets that no record stands for are there in all states, and in no count that needs a record', () => {
  const monitor = createMonitor({ onWarning: () => undefined });
  const inside = internalsOf(monitor);
  const untracked = (metric: ScalarName): object[] =>
    measure(inside, metric).filter(({ labels }) => labels.name === '_untracked');
  expect(untracked('sockets')).toEqual([]);
  fillCollector(inside, ROWS);
  expect(untracked('sockets')).toEqual(
    STATE_LABELS.map((state) => ({ labels: { side: 'unknown', name: '_untracked', state }, value: 0 })),
  );
  for (const { name, type, values } of METRICS) {
    if (type !== 'histogram' && values?.side === undefined) expect(untracked(name as ScalarName), name).toEqual([]);
  }
  monitor.close();
});

test.each([
  ['standard', 600],
  ['full', 1_200],
] as const)('at level %s one server and three upstreams stay below %i series', (level, most) => {
  const monitor = createMonitor({ level, onWarning: () => undefined });
  const inside = internalsOf(monitor);
  serve(inside, 3);
  const count = (): number =>
    metricsOf(level).reduce((sum, { name, type }) => {
      if (type !== 'histogram') return sum + measure(inside, name as ScalarName).length;
      const parts = distributions(inside, name as HistogramName);
      return sum + parts.reduce((all, { histogram }) => all + histogram.bounds.length + 3, 0);
    }, 0);
  const before = count();
  expect(before).toBeGreaterThan(most / 2);
  expect(before).toBeLessThanOrEqual(most);
  connectTo(inside, 4);
  fillCollector(inside, ROWS);
  if (level === 'standard') expect(count() - before).toBeLessThanOrEqual(90);
  monitor.close();
});

test('the version is the one of package.json', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(version);
});
