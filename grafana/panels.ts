import {
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  ScaleDistribution,
  ScaleDistributionConfigBuilder,
  SortOrder,
  TableSortByFieldStateBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  FieldColorBuilder,
  FieldColorModeId,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { STATE_COLOURS, VERDICT_COLOURS } from './colours.ts';
import { DATASOURCE } from './variables.ts';

/** What every panel says of itself; none can be made without. */
interface PanelSpec {
  readonly title: string;
  /** What is shown, what bad looks like, what to do then. */
  readonly description: string;
  /** A Grafana unit: `short`, `cps`, `s`, `bytes` ... */
  readonly unit: string;
  /** Of 24 columns. */
  readonly width: number;
}

/** A line or lines over time. */
export interface TimeseriesSpec extends PanelSpec {
  readonly queries: readonly { readonly expr: string; readonly legend: string }[];
  /** Rows of the grid. @default 8 */
  readonly height?: number;
}

/** One number, as of now. */
export interface StatSpec extends PanelSpec {
  readonly expr: string;
  /** A fixed colour; or from which number on it is bad, where a number alone is a verdict. */
  readonly colour: string | { readonly badFrom: number };
  /** What it says where the query is empty. @default 'unknown' */
  readonly whenEmpty?: string;
  /** Rows of the grid. @default 4 */
  readonly height?: number;
}

/** Rows as of now; the labels become columns, and so does the value of each query, under its name. */
export interface TableSpec extends PanelSpec {
  readonly labels: readonly string[];
  readonly values: readonly { readonly expr: string; readonly column: string }[];
  /** Rows of the grid. @default 8 */
  readonly height?: number;
}

/** Lines with a table legend, worst first. */
export function timeseries(spec: TimeseriesSpec): TimeseriesBuilder {
  const panel = new TimeseriesBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(DATASOURCE)
    .unit(spec.unit)
    .min(0)
    .span(spec.width)
    .height(spec.height ?? 8)
    .lineWidth(1)
    .fillOpacity(8)
    .showPoints(VisibilityMode.Never)
    // A gap is a missing scrape or a missing table, and is to be seen.
    .spanNulls(false)
    // By name, so that an upstream has its colour in every panel.
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .calcs(['lastNotNull', 'max'])
        .sortBy('Max')
        .sortDesc(true),
    );
  for (const { expr, legend } of spec.queries) {
    panel.withTarget(new DataqueryBuilder().expr(expr).legendFormat(legend).range());
  }
  return panel;
}

/** A {@link timeseries} of all 11 states, each in its colour, on a scale that shows 3 beside 30,000. */
export function statesOverTime(spec: TimeseriesSpec): TimeseriesBuilder {
  const panel = timeseries(spec).scaleDistribution(
    // Logarithmic but for the step from 0 to 1: most states are at 0 most of the time.
    new ScaleDistributionConfigBuilder().type(ScaleDistribution.Symlog).log(10).linearThreshold(1),
  );
  for (const [state, fixedColor] of Object.entries(STATE_COLOURS)) {
    panel.overrideByName(state, [{ id: 'color', value: { mode: 'fixed', fixedColor } }]);
  }
  return panel;
}

/** One number. An instant query: over a range, Grafana would show the last number there was, however old. */
export function stat(spec: StatSpec): StatBuilder {
  const { colour } = spec;
  const fixed = typeof colour === 'string';
  const steps = fixed
    ? [{ value: null, color: colour }]
    : [
        { value: null, color: VERDICT_COLOURS.good },
        { value: colour.badFrom, color: VERDICT_COLOURS.bad },
      ];
  return new StatBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(DATASOURCE)
    .unit(spec.unit)
    .noValue(spec.whenEmpty ?? 'unknown')
    .span(spec.width)
    .height(spec.height ?? 4)
    .graphMode(BigValueGraphMode.None)
    .colorMode(fixed ? BigValueColorMode.Value : BigValueColorMode.Background)
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .withTarget(new DataqueryBuilder().expr(spec.expr).instant());
}

/** A table of the newest values, sorted by its first value, largest on top. */
export function table(spec: TableSpec): TableBuilder {
  const panel = new TableBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(DATASOURCE)
    .unit(spec.unit)
    .noValue('0')
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
      excludeByName: { Time: true },
      indexByName: Object.fromEntries(
        [...spec.labels, ...columns.map(([field]) => field)].map((field, index) => [field, index]),
      ),
      renameByName: Object.fromEntries(columns),
    },
  });
  const [first] = spec.values;
  if (first !== undefined) panel.sortBy([new TableSortByFieldStateBuilder().displayName(first.column).desc(true)]);
  return panel;
}

/** A heading that the panels after it stand under. */
export function row(title: string): RowBuilder {
  return new RowBuilder(title);
}

/** The letter by which overrides and transformations know a query. */
export function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}

/** Grafana names the value of a table query by its letter only where there are several. */
function valueColumn(index: number, of: number): string {
  return of === 1 ? 'Value' : `Value #${refId(index)}`;
}
