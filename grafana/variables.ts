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
import { LABEL_VALUES, type MetricName } from '../src/metrics/catalogue.ts';
import { type Matchers, select } from './promql.ts';

/** The data source the reader chose: a variable serves import and file provisioning alike, `__inputs` only import. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in, not JavaScript.
export const DATASOURCE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

/**
 * The variables of every dashboard, each narrowed by those before it.
 *
 * @param side the one side that the dashboard is about: then there is none to choose
 */
export function variables(side?: 'client' | 'server'): Builder<VariableModel>[] {
  const process = [
    new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    labelValues('job', 'Job', 'info', []),
    labelValues('instance', 'Instance', 'info', ['job']),
  ];
  if (side !== undefined) {
    return [...process, labelValues('name', 'Name', 'open_connections', ['job', 'instance'], { side })];
  }
  const sides = new CustomVariableBuilder('side')
    .label('Side')
    .description('server: connections this process accepted; client: connections it opened.')
    .values((LABEL_VALUES.side ?? []).join(','))
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current(ALL);
  return [...process, sides, labelValues('name', 'Name', 'open_connections', ['job', 'instance', 'side'])];
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
