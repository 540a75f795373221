import { TableSortByFieldStateBuilder } from '@grafana/grafana-foundation-sdk/common';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import type { LabelName } from '../src/metrics/catalogue.ts';
import { VERDICT_COLOURS } from './colours.ts';
import { type RowLink, rowLinks } from './links.ts';
import { type PanelSpec, refId } from './panels.ts';
import { DATASOURCE } from './variables.ts';

/** Rows as of now; the labels become columns, and so does the value of each query, under its name. */
export interface TableSpec extends PanelSpec {
  readonly labels: readonly (LabelName | 'job' | 'instance' | 'alertname' | 'severity')[];
  readonly values: readonly {
    readonly expr: string;
    readonly column: string;
    /** Where it is not the panel's. */
    readonly unit?: string;
    /** From which number on a cell is bad, and red. */
    readonly badFrom?: number;
  }[];
  /** Where a click on a row's first label leads. */
  readonly links?: readonly RowLink[];
  /** Labels of the series that are no columns. */
  readonly hidden?: readonly string[];
  /** Rows of the grid. @default 8 */
  readonly height?: number;
}

/** A table of the newest values, sorted by its first value, largest on top. */
export function table(spec: TableSpec): TableBuilder {
  const panel = new TableBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(DATASOURCE)
    .unit(spec.unit)
    .noValue('-')
    .span(spec.width)
    .height(spec.height ?? 8)
    .filterable(true);
  for (const { expr } of spec.values) {
    panel.withTarget(new DataqueryBuilder().expr(expr).format(PromQueryFormat.Table).instant());
  }
  const columns = spec.values.map(({ column }, index) => [valueColumn(index, spec.values.length), column] as const);
  panel.withTransformation({ id: 'merge', options: {} }).withTransformation({
    id: 'organize',
    options: {
      excludeByName: Object.fromEntries(['Time', ...(spec.hidden ?? [])].map((field) => [field, true])),
      indexByName: Object.fromEntries(
        [...spec.labels, ...columns.map(([field]) => field)].map((field, index) => [field, index]),
      ),
      renameByName: Object.fromEntries(columns),
    },
  });
  for (const { column, unit, badFrom } of spec.values) {
    const properties = [
      ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
      ...(badFrom === undefined ? [] : redFrom(badFrom)),
    ];
    if (properties.length > 0) panel.overrideByName(column, properties);
  }
  const [label] = spec.labels;
  if (spec.links !== undefined && label !== undefined) {
    panel.overrideByName(label, [{ id: 'links', value: rowLinks(spec.links) }]);
  }
  const [first] = spec.values;
  if (first !== undefined) panel.sortBy([new TableSortByFieldStateBuilder().displayName(first.column).desc(true)]);
  return panel;
}

/** No colour below: a table that is green all over says nothing. */
function redFrom(badFrom: number): { id: string; value: unknown }[] {
  return [
    { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } },
    { id: 'color', value: { mode: 'thresholds' } },
    {
      id: 'thresholds',
      value: {
        mode: 'absolute',
        steps: [
          { color: 'transparent', value: null },
          { color: VERDICT_COLOURS.bad, value: badFrom },
        ],
      },
    },
  ];
}

/** Grafana names the value of a table query by its letter only where there are several. */
function valueColumn(index: number, of: number): string {
  return of === 1 ? 'Value' : `Value #${refId(index)}`;
}
