import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  ScaleDistribution,
  ScaleDistributionConfigBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  FieldColorBuilder,
  FieldColorModeId,
  RowBuilder,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { STATE_COLOURS, VERDICT_COLOURS } from './colours.ts';
import { DATASOURCE } from './variables.ts';

/** What every panel says of itself; none can be made without. */
export interface PanelSpec {
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
  /** Fixed colours by legend, for what has one on every dashboard. */
  readonly colours?: { readonly [legend: string]: string };
  /** From which number on it is bad: drawn as a line. Where a number alone is a verdict. */
  readonly badFrom?: number;
  /** Areas on top of each other: where the sum means something. @default false */
  readonly stacked?: boolean;
  /** Rows of the grid. @default 8 */
  readonly height?: number;
}

/** One number, as of now. */
export interface StatSpec extends PanelSpec {
  readonly expr: string;
  /** A fixed colour; or from which number on, or below which, it is bad, where a number alone is a verdict. */
  readonly colour: string | { readonly badFrom: number } | { readonly badBelow: number };
  /** What it says where the query is empty. @default 'unknown' */
  readonly whenEmpty?: string;
  /** Rows of the grid. @default 4 */
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
  for (const [legend, fixedColor] of Object.entries(spec.colours ?? {})) {
    panel.overrideByName(legend, [{ id: 'color', value: { mode: 'fixed', fixedColor } }]);
  }
  if (spec.badFrom !== undefined) {
    panel
      .thresholds(verdictThresholds(spec.badFrom))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  }
  if (spec.stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A')).fillOpacity(40);
  return panel;
}

/** A {@link timeseries} of all 11 states, each in its colour, on a scale that shows 3 beside 30,000. */
export function statesOverTime(spec: TimeseriesSpec): TimeseriesBuilder {
  return timeseries({ ...spec, colours: STATE_COLOURS }).scaleDistribution(
    // Logarithmic but for the step from 0 to 1: most states are at 0 most of the time.
    new ScaleDistributionConfigBuilder().type(ScaleDistribution.Symlog).log(10).linearThreshold(1),
  );
}

/** One number. An instant query: over a range, Grafana would show the last number there was, however old. */
export function stat(spec: StatSpec): StatBuilder {
  const { colour } = spec;
  const fixed = typeof colour === 'string';
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
    .thresholds(statThresholds(colour))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .withTarget(new DataqueryBuilder().expr(spec.expr).instant());
}

/** Good below, bad from there on. */
export function verdictThresholds(badFrom: number): ThresholdsConfigBuilder {
  return thresholds([
    { value: null, color: VERDICT_COLOURS.good },
    { value: badFrom, color: VERDICT_COLOURS.bad },
  ]);
}

function statThresholds(colour: StatSpec['colour']): ThresholdsConfigBuilder {
  if (typeof colour === 'string') return thresholds([{ value: null, color: colour }]);
  // Grafana gives the lowest colour to what has no value: nothing known is not good, and no end in sight is.
  if ('badFrom' in colour) {
    return thresholds([
      { value: null, color: VERDICT_COLOURS.neutral },
      { value: 0, color: VERDICT_COLOURS.good },
      { value: colour.badFrom, color: VERDICT_COLOURS.bad },
    ]);
  }
  return thresholds([
    { value: null, color: VERDICT_COLOURS.good },
    { value: 0, color: VERDICT_COLOURS.bad },
    { value: colour.badBelow, color: VERDICT_COLOURS.good },
  ]);
}

function thresholds(steps: Threshold[]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

/** A heading that the panels after it stand under. */
export function row(title: string): RowBuilder {
  return new RowBuilder(title);
}

/** The letter by which overrides and transformations know a query. */
export function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}
