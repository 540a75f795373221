import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toYaml } from '../../grafana/yaml.ts';
import { run, testWith } from '../support/tools.ts';
import { EXCEPTIONS, PROMQL_RULES, RULES } from './linter.ts';
import { type DashboardJson, dashboards } from './queries.ts';

const CASES = dashboards.flatMap((dashboard) =>
  RULES.map((rule) => [`${dashboard.title}: ${rule.name}`, dashboard, rule] as const),
);

test('the linter has 17 rules', () => {
  const names = [...RULES, ...PROMQL_RULES].map(({ name }) => name);
  expect(new Set(names).size).toBe(17);
});

test.each(CASES)('%s', (_, dashboard, rule) => {
  expect(rule.check(dashboard).filter((finding) => exceptionFor(dashboard, rule.name, finding) === undefined)).toEqual(
    [],
  );
});

test('every exception has a reason, and is needed', () => {
  for (const exception of EXCEPTIONS) {
    expect(exception.reason.length).toBeGreaterThan(20);
    const dashboard = dashboards.find(({ uid }) => uid === exception.uid) as DashboardJson;
    const findings = RULES.find(({ name }) => name === exception.rule)?.check(dashboard) ?? [];
    expect(findings.some((finding) => exceptionFor(dashboard, exception.rule, finding) === exception)).toBe(true);
  }
});

for (const rule of PROMQL_RULES) {
  testWith('promtool', `${rule.name}: Prometheus accepts them all, with their types`, () => {
    for (const dashboard of dashboards) {
      const { status, output } = checked(rule.expressions(dashboard));
      expect(status, `${dashboard.title}: ${output}`).toBe(0);
    }
  });
}

testWith('promtool', 'annotations are PromQL too', () => {
  const { status, output } = checked(dashboards.flatMap(({ annotations }) => annotations.list.map(({ expr }) => expr)));
  expect(status, output).toBe(0);
});

testWith('promtool', 'a query that does not parse, or has the wrong type, is found', () => {
  for (const broken of ['sum by (job (up)', 'rate(up)', 'histogram_quantile(0.9)', 'label_values(up)']) {
    expect(checked(['up', broken]).status, broken).not.toBe(0);
  }
});

/** What breaks a dashboard in the eyes of each rule: a text of its JSON, and what takes its place. */
const BREAKS: { readonly [rule: string]: readonly [RegExp, string] } = {
  'template-datasource-rule': [/"Data source"/, '"Prometheus"'],
  'template-job-rule': [/"label":"Job"/, '"label":"job"'],
  'template-instance-rule': [/"name":"instance"/, '"name":"node"'],
  'template-on-time-change-reload-rule': [/"refresh":2/, '"refresh":1'],
  'panel-datasource-rule': [/"uid":"\$\{datasource\}"\},"description"/, '"uid":"prom"},"description"'],
  'panel-title-description-rule': [/"description":"[^"]+","fieldConfig"/, '"description":" ","fieldConfig"'],
  'panel-units-rule': [/"unit":"short"/, '"unit":"things"'],
  'panel-no-targets-rule': [/"targets":\[[^\]]*\]/, '"targets":[]'],
  'target-logql-rule': [/"type":"prometheus","uid":"\$\{datasource\}"\},"description"/, '"type":"loki"},"description"'],
  'target-logql-auto-rule': [
    /"type":"prometheus","uid":"\$\{datasource\}"\},"description"/,
    '"type":"loki"},"description"',
  ],
  'target-rate-interval-rule': [/\[\$__rate_interval\]/, '[5m]'],
  'target-job-rule': [/\{job=~\\"\$job\\", /, '{'],
  'target-instance-rule': [/, instance=~\\"\$instance\\"(?=[^}]*\}\))/, ''],
  'target-counter-agg-rule': [/rate\((\w+_total)\{/, 'deriv($1{'],
  'uneditable-dashboard': [/"editable":false/, '"editable":true'],
};

test.each(RULES.map((rule) => [rule.name, rule] as const))('%s finds what breaks it', (name, rule) => {
  const whole = JSON.stringify(dashboards.find(({ uid }) => uid === 'finwait-tcp-lifecycle'));
  const [pattern, instead] = BREAKS[name] as readonly [RegExp, string];
  // In what it shows, not in annotations and variables, which come first and are another rule's.
  const at = name.startsWith('target-') || name.startsWith('panel-') ? whole.indexOf('"panels":') : 0;
  const broken = whole.slice(0, at) + whole.slice(at).replace(pattern, instead);
  expect(broken).not.toBe(whole);
  expect(rule.check(JSON.parse(whole) as DashboardJson)).toEqual([]);
  expect(rule.check(JSON.parse(broken) as DashboardJson)).not.toEqual([]);
});

test('a selector without braces follows nothing', () => {
  const whole = JSON.stringify(dashboards.find(({ uid }) => uid === 'finwait-tcp-lifecycle'));
  const bare = whole.replace(/nodejs_tcp_open_connections\{[^}]*\}\)/, 'nodejs_tcp_open_connections)');
  const rule = RULES.find(({ name }) => name === 'target-job-rule');
  expect(rule?.check(JSON.parse(bare) as DashboardJson)).toEqual([
    'Open connections: nodejs_tcp_open_connections does not follow $job',
  ]);
});

function exceptionFor({ uid }: DashboardJson, rule: string, finding: string): (typeof EXCEPTIONS)[number] | undefined {
  return EXCEPTIONS.find((known) => known.uid === uid && known.rule === rule && finding.startsWith(`${known.panel}: `));
}

/** As recording rules: checking those parses an expression and its types, functions and aggregations. */
function checked(expressions: readonly string[]): { status: number | null; output: string } {
  const rules = expressions.map((expr, index) => ({
    record: `query:${index}`,
    // The linter's own stand-in: no window that somebody would write.
    expr: expr.replaceAll('$__rate_interval', '8869990787ms'),
  }));
  const folder = mkdtempSync(join(tmpdir(), 'finwait-queries-'));
  try {
    const file = join(folder, 'queries.yml');
    writeFileSync(file, toYaml({ groups: [{ name: 'queries', rules }] }));
    return run('promtool', ['check', 'rules', file], '');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
