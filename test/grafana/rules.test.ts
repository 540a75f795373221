import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runbookUrl } from '../../grafana/alerts/rule.ts';
import { ALERTS } from '../../grafana/generate.ts';
import { toYaml } from '../../grafana/yaml.ts';
import { DEFAULT_PREFIX, METRICS } from '../../src/metrics/catalogue.ts';
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
    expect(rule.keepFiringFor, rule.alert).toMatch(/^[1-9]\d*[mh]$/);
    const isOfNamespace = rule.expr.includes('group_left (netns)');
    expect(rule.summary, rule.alert).toContain(isOfNamespace ? '{{ $labels.netns }}' : '{{ $labels.instance }}');
    expect(rule.summary, rule.alert).toContain('{{ $labels.job }}');
    expect(rule.description, rule.alert).toContain('{{ $value');
  }
  expect(new Set(ALERTS.map(({ alert }) => alert)).size).toBe(ALERTS.length);
});

test('a gauge is never taken at one moment: one sample that is absent would end the incident', () => {
  for (const { alert, expr } of ALERTS) {
    for (const { name } of METRICS.filter(({ type }) => type === 'gauge')) {
      const uses = expr.match(new RegExp(`\\b${DEFAULT_PREFIX}${name}\\b`, 'g')) ?? [];
      const windows = expr.match(new RegExp(`\\b${DEFAULT_PREFIX}${name}(\\{[^}]*\\})?\\[\\d+[mh]\\]`, 'g')) ?? [];
      expect(windows.length, `${alert}: ${name}`).toBe(uses.length);
    }
  }
});

test('what grows waits until its process is half an hour old', () => {
  const growing = ALERTS.filter(({ expr }) => /predict_linear|min_over_time[^>]*>\s*min_over_time/.test(expr));
  expect(growing.map(({ alert }) => alert)).toEqual([
    'FinwaitCloseWaitLeak',
    'FinwaitDivergentSockets',
    'FinwaitDescriptorsRunningOut',
  ]);
  for (const { alert, expr } of growing) {
    expect(expr, alert).toMatch(/present_over_time\(\w+\[10m\] offset 30m\)/);
    expect(expr, alert).toMatch(/unless.*\n.*resets\(\w+\[40m\]\) > 0/);
  }
});

test('a ratio of counters asks for a minimum of events, and connections that were not used are in none', () => {
  const ratios = ALERTS.filter(({ expr }) => /increase\([\s\S]*\/[\s\S]*increase\(/.test(expr));
  expect(ratios.map(({ alert }) => alert)).toEqual([
    'FinwaitConnectFailures',
    'FinwaitConnectsSlow',
    'FinwaitResetRatio',
  ]);
  for (const { alert, expr } of ratios) expect(expr, alert).toMatch(/>= \d+\b(?!\.)/);
  const ofCloses = ALERTS.filter(({ expr }) => expr.includes(`${DEFAULT_PREFIX}connections_closed_total`));
  expect(ofCloses.map(({ alert }) => alert)).toEqual(['FinwaitResetRatio']);
  for (const { expr } of ofCloses) {
    const selectors = expr.match(/connections_closed_total\{[^}]*\}/g) ?? [];
    for (const selector of selectors) expect(selector).toMatch(/outcome(="reset"|!="unused")/);
  }
});

test('what all processes of a network namespace see alike fires once for it', () => {
  const alike = METRICS.filter(
    ({ name, aggregate, type }) =>
      aggregate !== 'sum' && (name.startsWith('netns_') || (name.startsWith('ephemeral_') && type === 'gauge')),
  );
  for (const { alert, expr } of ALERTS) {
    const counted = expr.split(/^and .*\n/m)[0] as string;
    if (!alike.some(({ name }) => counted.includes(`${DEFAULT_PREFIX}${name}`))) continue;
    expect(counted, alert).toMatch(/^(max|min) without \(instance, [^)]*\) \(\n/);
    expect(counted, alert).toContain('group_left (netns)');
  }
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

test('every alert has a unit test that sees it silent and then fires with all its annotations', () => {
  const text = UNIT_TESTS.map((file) => readFileSync(join(GRAFANA, 'tests', file), 'utf8')).join('\n');
  for (const { alert } of ALERTS) {
    expect(text, alert).toMatch(new RegExp(`alertname: ${alert}\\s+exp_alerts: \\[\\]`));
    expect(text, alert).toMatch(new RegExp(`alertname: ${alert}\\s+exp_alerts:( &\\w+)?\\s+- exp_labels:`));
    expect(text, alert).toContain(runbookUrl(alert));
  }
});

test.each([
  'A restart sets every counter back, and none of them takes that for events',
  'A rollout is no incident',
  'A service that only health checks visit is healthy',
  'A dead IPv6 route that IPv4 makes up for is no failure',
])('no alert at all fires: %s', (name) => {
  const scenarios = readFileSync(join(GRAFANA, 'tests/silence.test.yml'), 'utf8').split(/^ {2}- name: /m);
  const scenario = scenarios.find((text) => text.startsWith(`${name}\n`)) ?? '';
  expect(scenario).toMatch(/promql_expr_test: (&silent\s+- expr: ALERTS\{alertstate="firing"\}|\*silent)/);
});
