import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runbookUrl } from '../../grafana/alerts/rule.ts';
import { ALERTS } from '../../grafana/generate.ts';
import { toYaml } from '../../grafana/yaml.ts';
import { DEFAULT_PREFIX } from '../../src/metrics/catalogue.ts';
import { run, testWith } from '../support/tools.ts';
import { dashboards, expressions, metricsIn, namesOfCatalogue } from './queries.ts';

const GRAFANA = fileURLToPath(new URL('../../grafana/', import.meta.url));
const UNIT_TESTS = readdirSync(join(GRAFANA, 'tests'));

testWith('promtool', 'Prometheus accepts the rules', () => {
  const { status, output } = run('promtool', ['check', 'rules', '--lint=all', join(GRAFANA, 'out/alerts.yml')], '');
  expect(output).toContain(`SUCCESS: ${ALERTS.length} rules found`);
  expect(status).toBe(0);
});

for (const file of UNIT_TESTS) {
  testWith('promtool', `the alerts fire and stay silent as ${file} says`, () => {
    const { status, output } = run('promtool', ['test', 'rules', join(GRAFANA, 'tests', file)], '');
    expect(output).toContain('SUCCESS');
    expect(status, output).toBe(0);
  });
}

const RUNBOOK_QUERIES = [...readFileSync(join(GRAFANA, 'runbook.md'), 'utf8').matchAll(/^promtool query .+ '(.+)'$/gm)]
  .map(([, expr]) => expr ?? '')
  .filter((expr) => expr !== '');

testWith('promtool', 'Prometheus accepts every query of every dashboard and of the runbook', () => {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-queries-'));
  try {
    const all = [
      ...dashboards.flatMap((dashboard) => [
        ...expressions(dashboard),
        ...dashboard.annotations.list.map(({ expr }) => expr),
      ]),
      ...RUNBOOK_QUERIES,
    ];
    // As recording rules: checking those parses the expression and its types, functions and aggregations.
    const rules = all.map((expr, index) => ({
      record: `query:${index}`,
      expr: expr.replaceAll('$__rate_interval', '1m'),
    }));
    const file = join(folder, 'queries.yml');
    writeFileSync(file, toYaml({ groups: [{ name: 'queries', rules }] }));
    const { status, output } = run('promtool', ['check', 'rules', file], '');
    expect(output).toContain(`SUCCESS: ${all.length} rules found`);
    expect(status, output).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('every alert waits, outlasts a gap, and says who, what, how bad and where to read on', () => {
  for (const rule of ALERTS) {
    expect(rule.for, rule.alert).toMatch(/^\d+[mh]$/);
    expect(rule.keepFiringFor, rule.alert).toMatch(/^\d+[mh]$/);
    expect(rule.summary, rule.alert).toContain('{{ $labels.instance }}');
    expect(rule.description, rule.alert).toContain('{{ $value');
  }
  expect(new Set(ALERTS.map(({ alert }) => alert)).size).toBe(ALERTS.length);
});

test('every name in an alert is one that the catalogue exports', () => {
  const known = namesOfCatalogue(DEFAULT_PREFIX);
  for (const { alert, expr } of ALERTS) {
    const used = metricsIn(expr);
    expect(used.length, alert).toBeGreaterThan(0);
    expect(used.filter((name) => !known.has(name), alert)).toEqual([]);
  }
});

test('every name in a query of the runbook is one that the catalogue exports', () => {
  const known = namesOfCatalogue(DEFAULT_PREFIX);
  expect(RUNBOOK_QUERIES.length).toBeGreaterThan(0);
  for (const expr of RUNBOOK_QUERIES) {
    const used = metricsIn(expr);
    expect(used.length, expr).toBeGreaterThan(0);
    expect(used.filter((name) => !known.has(name), expr)).toEqual([]);
  }
});

test('every alert has its heading in the runbook, with meaning, impact, commands, causes and fix', () => {
  const sections = readFileSync(join(GRAFANA, 'runbook.md'), 'utf8').split(/^## /m).slice(1);
  expect(sections.map((section) => section.split('\n', 1)[0])).toEqual(ALERTS.map(({ alert }) => alert));
  for (const section of sections) {
    expect(section.match(/^### .+$/gm)).toEqual(
      ['Meaning', 'Impact', 'Commands', 'Likely causes in code', 'Fix'].map((heading) => `### ${heading}`),
    );
    expect(section.match(/^```sh$/gm)?.length).toBe(3);
  }
});

test('every alert has a unit test that sees it fire with its link, and one that sees it silent', () => {
  const text = UNIT_TESTS.map((file) => readFileSync(join(GRAFANA, 'tests', file), 'utf8')).join('\n');
  for (const { alert } of ALERTS) {
    expect(text, alert).toMatch(new RegExp(`alertname: ${alert}\\s+exp_alerts: \\[\\]`));
    expect(text, alert).toContain(runbookUrl(alert));
  }
});
