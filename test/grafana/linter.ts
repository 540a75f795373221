// The rules of grafana/dashboard-linter, all 17, read off its source: that is a Go program, and this repository needs none.
import { type DashboardJson, dataPanels, type PanelJson } from './queries.ts';

/** One rule; `check` gives a line for each finding, beginning with the panel's title where it is about one. */
interface Rule {
  readonly name: string;
  readonly check: (dashboard: DashboardJson) => string[];
}

const DATASOURCE = ['$datasource', `\${datasource}`];
/** Of the linter's list of units, those that a panel of ours has a use for. */
const UNITS = ['short', 'cps', 's', 'bytes', 'Bps', 'percentunit'];

/** What parses PromQL is Prometheus: the two rules that need it hand out what it is to be asked. */
export const PROMQL_RULES: readonly { readonly name: string; readonly expressions: (d: DashboardJson) => string[] }[] =
  [
    {
      name: 'template-label-promql-rule',
      expressions: (dashboard) => queryVariables(dashboard).map(({ definition = '' }) => selectorOf(definition)),
    },
    {
      name: 'target-promql-rule',
      expressions: (dashboard) => targets(dashboard).map(({ expr }) => expr),
    },
  ];

export const RULES: readonly Rule[] = [
  {
    name: 'template-datasource-rule',
    check({ templating }) {
      const sources = templating.list.filter(({ type }) => type === 'datasource');
      const known = sources.filter(({ name, label }) => name === 'datasource' && label === 'Data source');
      return sources.length === 1 && known.length === 1 ? [] : ['not one data source called "Data source"'];
    },
  },
  { name: 'template-job-rule', check: (dashboard) => templateFindings(dashboard, 'job') },
  { name: 'template-instance-rule', check: (dashboard) => templateFindings(dashboard, 'instance') },
  {
    name: 'template-on-time-change-reload-rule',
    check: (dashboard) =>
      queryVariables(dashboard)
        .filter(({ refresh }) => refresh !== 2)
        .map(({ name }) => `${name} is not refreshed with the time range`),
  },
  {
    name: 'panel-datasource-rule',
    check: (dashboard) =>
      dataPanels(dashboard)
        .filter(({ datasource }) => !DATASOURCE.includes(datasource?.uid ?? ''))
        .map(({ title }) => `${title}: its data source is not the one chosen`),
  },
  {
    name: 'panel-title-description-rule',
    check: ({ panels }) =>
      panels
        .filter(({ type, title, description }) => isBlank(title) || (type !== 'row' && isBlank(description)))
        .map(({ id, title }) => `${title ?? id}: without title or description`),
  },
  {
    name: 'panel-units-rule',
    check: (dashboard) =>
      dataPanels(dashboard).flatMap(({ title, fieldConfig }) => {
        const overrides = fieldConfig?.overrides.flatMap(({ properties }) => properties) ?? [];
        const units = overrides.filter(({ id }) => id === 'unit').map(({ value }) => String(value));
        return [fieldConfig?.defaults.unit ?? 'none at all', ...units]
          .filter((unit) => !UNITS.includes(unit))
          .map((unit) => `${title}: unit ${unit}`);
      }),
  },
  {
    name: 'panel-no-targets-rule',
    check: (dashboard) =>
      dataPanels(dashboard)
        .filter(({ targets = [] }) => targets.length === 0)
        .map(({ title }) => `${title}: no query`),
  },
  { name: 'target-logql-rule', check: notLoki },
  { name: 'target-logql-auto-rule', check: notLoki },
  {
    name: 'target-rate-interval-rule',
    check: (dashboard) =>
      ofTargets(dashboard, (expr) =>
        [...expr.matchAll(/\bi?rate\(\w+(?:\{[^}]*\})?\[([^\]]*)\]/g)]
          .map(([, range = '']) => range)
          .filter((range) => range !== '$__rate_interval')
          .map((range) => `a rate over ${range}`),
      ),
  },
  { name: 'target-job-rule', check: (dashboard) => selectorFindings(dashboard, 'job') },
  { name: 'target-instance-rule', check: (dashboard) => selectorFindings(dashboard, 'instance') },
  {
    name: 'target-counter-agg-rule',
    check: (dashboard) =>
      ofTargets(dashboard, (expr) => {
        const counters = expr.match(/\w+_total\b/g) ?? [];
        const rated = expr.match(/\b(?:i?rate|increase)\(\w+_total(?:\{[^}]*\})?\[/g) ?? [];
        return counters.length === rated.length ? [] : ['a counter without a rate'];
      }),
  },
  {
    name: 'uneditable-dashboard',
    check: ({ editable }) => (editable === false ? [] : ['can be edited, and then differs from its source']),
  },
];

/** What a rule finds in a dashboard and is right all the same. */
interface Exception {
  readonly rule: string;
  readonly uid: string;
  readonly panel: string;
  readonly reason: string;
}

export const EXCEPTIONS: readonly Exception[] = [
  {
    rule: 'target-instance-rule',
    uid: 'finwait-tcp-fleet',
    panel: 'Firing alerts',
    reason: 'it follows $instance, and shows besides the alerts about a whole service, which have no instance',
  },
];

/** The selectors of an expression: the name, and what is in its braces. One without braces follows no variable. */
function selectorsOf(expr: string): { readonly name: string; readonly matchers: string }[] {
  const whole = /\b([a-zA-Z_:][\w:]*)\{([^}]*)\}/g;
  const bare = expr.replaceAll(whole, '').match(/\bnodejs_tcp_\w+|\bALERTS\b/g) ?? [];
  return [
    ...[...expr.matchAll(whole)].map(([, name = '', matchers = '']) => ({ name, matchers })),
    ...bare.map((name) => ({ name, matchers: '' })),
  ];
}

/** `label_values(x{...}, label)`: what is before the label. The linter reads it the same way. */
function selectorOf(definition: string): string {
  const [, selector] = /^label_values\((.+), \w+\)$/.exec(definition) ?? [];
  return selector ?? `no call of label_values: ${definition}`;
}

function templateFindings({ templating }: DashboardJson, wanted: 'job' | 'instance'): string[] {
  const variable = templating.list.find(({ name }) => name === wanted);
  if (variable === undefined) return [`no variable ${wanted}`];
  const { type, label, multi, allValue, datasource } = variable;
  const title = wanted[0]?.toUpperCase() + wanted.slice(1);
  const isRight = type === 'query' && label === title && multi === true && allValue === '.+';
  return isRight && DATASOURCE.includes(datasource?.uid ?? '') ? [] : [`the variable ${wanted} is not as it should be`];
}

function selectorFindings(dashboard: DashboardJson, label: 'job' | 'instance'): string[] {
  return ofTargets(dashboard, (expr) =>
    selectorsOf(expr)
      .filter(({ matchers }) => !matchers.includes(`${label}=~"$${label}"`))
      .map(({ name }) => `${name} does not follow $${label}`),
  );
}

/** The rules about LogQL: they ask nothing of who has no Loki. */
function notLoki(dashboard: DashboardJson): string[] {
  return dataPanels(dashboard)
    .filter(({ datasource }) => datasource?.type !== 'prometheus')
    .map(({ title }) => `${title}: its data source is no Prometheus`);
}

function ofTargets(dashboard: DashboardJson, findings: (expr: string) => string[]): string[] {
  return dataPanels(dashboard).flatMap(({ title, targets = [] }: PanelJson) =>
    targets.flatMap(({ expr }) => findings(expr).map((finding) => `${title}: ${finding}`)),
  );
}

function targets(dashboard: DashboardJson): { readonly expr: string }[] {
  return dataPanels(dashboard).flatMap((panel) => panel.targets ?? []);
}

function queryVariables({ templating }: DashboardJson): DashboardJson['templating']['list'] {
  return templating.list.filter(({ type }) => type === 'query');
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === '';
}
