import { drawHeatmap, drawTimeline } from './bands.ts';
import { drawCanvas } from './canvas.ts';
import { type Dashboard, type Drawing, escaped, type Mark, type Panel, type ShownSeries } from './model.ts';
import { drawBarGauge, drawStat, drawText } from './numbers.ts';
import { drawTable } from './table.ts';
import { clock, drawTimeseries } from './timeseries.ts';

/** What a dashboard is drawn from. */
export interface PageData {
  readonly dashboard: Dashboard;
  readonly series: ReadonlyMap<Panel, readonly ShownSeries[]>;
  readonly marks: readonly Mark[];
  /** Seconds. */
  readonly start: number;
  readonly end: number;
}

/** A picture is so wide, and a row of Grafana's grid so high, the gap below it included. */
export const PAGE_WIDTH = 1_440;
const ROW = 36;
const GAP = 8;
const HEAD = 84;
const TITLE = 30;
const CAPTION = "Preview drawn from the dashboard's JSON and a real Prometheus, not by Grafana";

const DRAWN: Readonly<Record<string, (drawing: Drawing) => string>> = {
  timeseries: drawTimeseries,
  stat: drawStat,
  table: drawTable,
  bargauge: drawBarGauge,
  text: drawText,
  'state-timeline': drawTimeline,
  heatmap: drawHeatmap,
  canvas: drawCanvas,
};

/** The height of the page in pixels. */
export function heightOf({ panels }: Dashboard): number {
  return HEAD + Math.max(...panels.map(({ gridPos: { y, h } }) => y + h)) * ROW + 8;
}

/** The whole dashboard as HTML. */
export function drawPage(data: PageData): string {
  const { dashboard, start, end } = data;
  const variables = dashboard.templating.list
    .filter(({ name }) => name !== 'datasource')
    .map(({ name, label = name }) => `<span class="variable"><b>${escaped(label)}</b>All</span>`);
  return `<!doctype html><html><head><meta charset="utf-8"><title>${escaped(dashboard.title)}</title><style>${STYLE}</style></head><body style="height:${heightOf(dashboard)}px">
<header><h1>${escaped(dashboard.title)}</h1><em>${CAPTION}</em><time>${clock(start)} to ${clock(end)} UTC</time></header>
<nav>${variables.join('')}</nav>
${dashboard.panels.map((panel) => drawPanel(panel, data)).join('\n')}
</body></html>`;
}

function drawPanel(panel: Panel, { series, marks, start, end }: PageData): string {
  const { x, y, w, h } = panel.gridPos;
  const column = (PAGE_WIDTH - GAP) / 24;
  const box = { left: GAP + x * column, top: HEAD + y * ROW, width: w * column - GAP, height: h * ROW - GAP };
  const style = `left:${box.left}px;top:${box.top}px;width:${box.width}px;height:${box.height}px`;
  const title = escaped(panel.title ?? '');
  if (panel.type === 'row') return `<section class="row" style="${style}"><h2>${title}</h2></section>`;
  const draw = DRAWN[panel.type];
  if (draw === undefined) throw new Error(`${title}: nobody draws a ${panel.type}`);
  const isFilled = panel.type === 'stat';
  const width = box.width - (isFilled ? 2 : 20);
  const height = box.height - TITLE - (isFilled ? 2 : 10);
  const body = draw({ panel, series: series.get(panel) ?? [], marks, start, end, width, height });
  return `<section class="panel ${panel.type}" style="${style}"><h2>${title}</h2><div class="body">${body}</div></section>`;
}

const STYLE = `
* { box-sizing: border-box; margin: 0; }
body { position: relative; width: ${PAGE_WIDTH}px; background: #111217; color: #ccccdc; font: 13px Inter, "DejaVu Sans", sans-serif; overflow: hidden; }
svg { display: block; font-family: inherit; }
header { display: flex; align-items: baseline; gap: 18px; padding: 14px 12px 4px; }
h1 { font-size: 20px; font-weight: 500; }
header em { color: #8e8e9a; flex: 1; }
header time { color: #ccccdc; }
nav { padding: 4px 12px; }
.variable { display: inline-block; border: 1px solid #2f3037; border-radius: 3px; margin-right: 8px; padding: 3px 10px 3px 0; background: #181b1f; }
.variable b { color: #6e9fff; font-weight: 500; border-right: 1px solid #2f3037; padding: 3px 10px; margin-right: 10px; }
section { position: absolute; }
.row h2 { font-size: 15px; font-weight: 500; padding: 5px 2px; }
.row h2::before { content: "\\25be"; color: #8e8e9a; margin-right: 8px; }
.panel { background: #181b1f; border: 1px solid #26282e; border-radius: 3px; overflow: hidden; }
.panel h2 { font-size: 13.5px; font-weight: 500; height: ${TITLE}px; padding: 7px 10px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.body { padding: 0 10px 10px; overflow: hidden; }
.stat .body { padding: 0; }
.stat .stat { display: flex; align-items: center; justify-content: center; font-weight: 500; height: 104px; white-space: nowrap; }
table { border-collapse: collapse; width: 100%; }
.legend { font-size: 11.5px; }
.legend th { text-align: left; font-weight: 400; max-width: 0; width: 99%; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.legend td { text-align: right; white-space: nowrap; padding-left: 14px; }
.legend tr { height: 18px; }
.legend i { display: inline-block; width: 14px; height: 4px; border-radius: 2px; margin: 0 7px 2px 0; }
.dim, .dim th, .dim td { color: #8e8e9a; }
.rows { font-size: 12.5px; }
.rows tr { height: 29px; border-bottom: 1px solid #26282e; }
.rows th { text-align: left; font-weight: 500; color: #6e9fff; padding: 0 8px; white-space: nowrap; }
.rows td { padding: 0 8px; max-width: 280px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.rows .number { text-align: right; }
.link { color: #6e9fff; }
.empty { color: #8e8e9a; padding: 30px; text-align: center; }
.bars { padding-top: 6px; }
.bar { display: flex; align-items: center; gap: 10px; margin-bottom: 8px; }
.bar span { width: 130px; text-align: right; }
.bar div { flex: 1; height: 100%; background: #22252b; border-radius: 3px; }
.bar i { display: block; height: 100%; border-radius: 3px; }
.bar b { width: 64px; font-size: 15px; font-weight: 500; }
.words { line-height: 1.35; font-size: 12px; }
.words p, .words ul, .words table { margin-bottom: 6px; }
.words th, .words td { border: 1px solid #2f3037; text-align: left; padding: 2px 7px; vertical-align: top; }
.words code { background: #22252b; border-radius: 3px; padding: 0 4px; font-size: 11.5px; }
`;
