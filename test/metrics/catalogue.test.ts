import { readFileSync } from 'node:fs';
import { createMonitor } from 'finwait';
import { expect, test } from 'vitest';
import { LABEL_VALUES, type LabelName, METRICS } from '../../src/metrics/catalogue.ts';
import { distributions, type HistogramName, measure, type ScalarName } from '../../src/metrics/measure.ts';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { VERSION } from '../../src/version.ts';

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
  const monitor = createMonitor({ onWarning: () => undefined });
  const inside = internalsOf(monitor);
  inside.ledger.names.slotOf('server', 'api', true, 0);
  inside.ledger.names.slotOf('client', 'cache:6379', false, 0);
  for (const definition of METRICS) {
    const series =
      definition.type === 'histogram'
        ? distributions(inside, definition.name as HistogramName)
        : measure(inside, definition.name as ScalarName);
    for (const { labels } of series) {
      expect(Object.keys(labels).sort(), definition.name).toEqual([...definition.labels].sort());
      for (const [label, value] of Object.entries(labels)) {
        const closed = LABEL_VALUES[label as LabelName];
        if (closed !== undefined) expect(closed, `${definition.name} ${label}`).toContain(value);
      }
    }
  }
  monitor.close();
});

test('one server and three upstreams stay far below 600 series', () => {
  const monitor = createMonitor({ onWarning: () => undefined });
  const inside = internalsOf(monitor);
  inside.ledger.names.slotOf('server', 'api', true, 0);
  for (const name of ['a:1', 'b:2', 'c:3']) inside.ledger.names.slotOf('client', name, false, 0);
  fillCollector(inside);
  const count = (): number =>
    METRICS.reduce((sum, { name, type }) => {
      if (type !== 'histogram') return sum + measure(inside, name as ScalarName).length;
      const parts = distributions(inside, name as HistogramName);
      return sum + parts.reduce((all, { histogram }) => all + histogram.bounds.length + 3, 0);
    }, 0);
  const before = count();
  expect(before).toBeLessThanOrEqual(600);
  inside.ledger.names.slotOf('client', 'd:4', false, 0);
  expect(count() - before).toBeLessThanOrEqual(90);
  monitor.close();
});

test('the version is the one of package.json', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(version);
});
