import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';
import {
  CustomVariableBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { CATALOGUE, type MetricName } from '../src/metrics/catalogue.ts';
import { type Matchers, metricName, select } from './promql.ts';

/** The data source the reader chose: a variable serves import and file provisioning alike, `__inputs` only import. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in, not JavaScript.
export const DATASOURCE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

/**
 * What a dashboard lets one choose besides data source, job and instance. `both`: side and name; `client`: it is about
 * that side, so only the name; `neither`: it is about a fleet, where a name means nothing.
 */
export type Choice = 'both' | 'client' | 'neither';

/** The variables of a dashboard, each narrowed by those before it. */
export function variables(choice: Choice): Builder<VariableModel>[] {
  const process = [
    new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    labelValues('job', 'Job', 'info', []),
    labelValues('instance', 'Instance', 'info', ['job']),
  ];
  if (choice === 'neither') return process;
  if (choice === 'client') {
    return [...process, labelValues('name', 'Name', 'open_connections', ['job', 'instance'], { side: 'client' })];
  }
  const sides = new CustomVariableBuilder('side')
    .label('Side')
    .description(
      'server: connections this process accepted; client: connections it opened; unknown: sockets that finwait was not shown (_untracked).',
    )
    .values(SIDES.join(','))
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current(ALL);
  return [...process, sides, names()];
}

/** `unknown` too: what nobody stands for is chosen like the rest. */
const SIDES = CATALOGUE.oldest_socket_age_seconds.values?.side ?? [];

/** Of Node's column, which is always there, and of the kernel's, which alone has `_untracked`. */
function names(): QueryVariableBuilder {
  const metrics = [metricName('open_connections'), metricName('oldest_socket_age_seconds')];
  const chosen = ['job', 'instance', 'side'].map((variable) => `${variable}=~"$${variable}"`);
  return labelValuesOf('name', 'Name', `{${[`__name__=~"${metrics.join('|')}"`, ...chosen].join(', ')}}`);
}

const ALL = { selected: true, text: ['All'], value: ['$__all'] };

function labelValues(
  label: string,
  title: string,
  metric: MetricName,
  narrowedBy: readonly string[],
  labels: Matchers = {},
): QueryVariableBuilder {
  const series = select(
    metric,
    labels,
    narrowedBy.map((variable) => `${variable}=~"$${variable}"`),
  );
  return labelValuesOf(label, title, series);
}

function labelValuesOf(label: string, title: string, series: string): QueryVariableBuilder {
  return new QueryVariableBuilder(label)
    .label(title)
    .datasource(DATASOURCE)
    .query({ query: `label_values(${series}, ${label})`, refId: `${label}-values` })
    .definition(`label_values(${series}, ${label})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current(ALL);
}
