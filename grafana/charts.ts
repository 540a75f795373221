import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import {
  AxisPlacement,
  BarGaugeDisplayMode,
  BarGaugeNamePlacement,
  BarGaugeValueMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { FieldColorBuilder, FieldColorModeId } from '@grafana/grafana-foundation-sdk/dashboard';
import {
  PanelBuilder as HeatmapBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  HeatmapColorScale,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TextBuilder, TextMode } from '@grafana/grafana-foundation-sdk/text';
import { type PanelSpec, verdictThresholds } from './panels.ts';
import { DATASOURCE } from './variables.ts';

/** One query, one series a legend. */
interface SeriesSpec extends PanelSpec {
  readonly expr: string;
  readonly legend: string;
  readonly height: number;
}

/** Bars as of now, each in its fixed colour. */
export function barGauge(
  spec: SeriesSpec & { readonly colours: { readonly [legend: string]: string } },
): BarGaugeBuilder {
  const panel = new BarGaugeBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(DATASOURCE)
    .unit(spec.unit)
    .min(0)
    .noValue('unknown')
    .span(spec.width)
    .height(spec.height)
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Basic)
    .valueMode(BarGaugeValueMode.Text)
    .namePlacement(BarGaugeNamePlacement.Left)
    .showUnfilled(true)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .withTarget(new DataqueryBuilder().expr(spec.expr).legendFormat(spec.legend).instant());
  for (const [legend, fixedColor] of Object.entries(spec.colours)) {
    panel.overrideByName(legend, [{ id: 'color', value: { mode: 'fixed', fixedColor } }]);
  }
  return panel;
}

/** A band for each series: good below `badFrom`, bad from there on, nothing where nothing is known. */
export function timeline(spec: SeriesSpec & { readonly badFrom: number }): TimelineBuilder {
  return new TimelineBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(DATASOURCE)
    .unit(spec.unit)
    .span(spec.width)
    .height(spec.height)
    .thresholds(verdictThresholds(spec.badFrom))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .showValue(VisibilityMode.Auto)
    .mergeValues(true)
    .rowHeight(0.8)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(false)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .calcs([]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Single))
    .withTarget(new DataqueryBuilder().expr(spec.expr).legendFormat(spec.legend).range());
}

/** How observations spread over the buckets of a histogram; `unit` is that of the bounds. */
export function heatmap(spec: Omit<SeriesSpec, 'legend'>): HeatmapBuilder {
  return new HeatmapBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(DATASOURCE)
    .unit('short')
    .span(spec.width)
    .height(spec.height)
    .calculate(false)
    .color(
      new HeatmapColorOptionsBuilder()
        .mode(HeatmapColorMode.Scheme)
        .scheme('Oranges')
        .scale(HeatmapColorScale.Exponential)
        .exponent(0.5)
        .steps(64),
    )
    .yAxis(new YAxisConfigBuilder().unit(spec.unit).axisPlacement(AxisPlacement.Left))
    .withTarget(new DataqueryBuilder().expr(spec.expr).legendFormat('{{le}}').format(PromQueryFormat.Heatmap).range());
}

/** Words, as Markdown; without queries. */
export function text(spec: {
  readonly title: string;
  readonly description: string;
  readonly markdown: string;
  readonly width: number;
  readonly height: number;
}): TextBuilder {
  return new TextBuilder()
    .title(spec.title)
    .description(spec.description)
    .span(spec.width)
    .height(spec.height)
    .mode(TextMode.Markdown)
    .content(spec.markdown);
}
