import { coloursOf, type Drawing, escaped, type ShownSeries } from './model.ts';
import { inUnit } from './units.ts';

const AXIS_WIDTH = 62;
const AXIS_HEIGHT = 20;
const LEGEND_ROW = 18;
/** A legend below takes no more than that. */
const LEGEND_SHARE = 0.42;
const GRID = '#2a2d33';
const AXIS = '#9a9ba3';

/** Lines over time with their legend. */
export function drawTimeseries(drawing: Drawing): string {
  const { panel, width, height } = drawing;
  const defaults = panel.fieldConfig?.defaults ?? {};
  const { custom = {}, unit } = defaults;
  const isStacked = custom.stacking?.mode === 'normal';
  const series = [...drawing.series].sort((one, other) => maxOf(other) - maxOf(one));
  const colours = coloursOf(
    panel,
    series.map(({ name }) => name),
  );
  const legendRows = Math.min(series.length, Math.max(1, Math.floor((height * LEGEND_SHARE) / LEGEND_ROW) - 1));
  const plotHeight = height - (legendRows + 1) * LEGEND_ROW - 6;
  const lines = isStacked ? stacked(series) : series.map((one) => ({ one, top: one.points, bottom: undefined }));
  const limits = (custom.thresholdsStyle?.mode ?? 'off') === 'off' ? [] : (defaults.thresholds?.steps ?? []);
  const highest = Math.max(
    0,
    ...lines.flatMap(({ top }) => top.map(([, value]) => (Number.isFinite(value) ? value : 0))),
  );
  const toHeight = custom.scaleDistribution?.type === 'symlog' ? symlog : (value: number): number => value;
  const ticks = custom.scaleDistribution?.type === 'symlog' ? powersUpTo(highest) : ticksUpTo(highest, unit);
  const top = ticks.at(-1) ?? 1;
  const plot = { left: AXIS_WIDTH, top: 6, right: width - 8, bottom: plotHeight - AXIS_HEIGHT };
  const x = (at: number): number =>
    plot.left + ((at - drawing.start) / (drawing.end - drawing.start)) * (plot.right - plot.left);
  const y = (value: number): number =>
    plot.bottom - (toHeight(Math.min(Math.max(value, 0), top)) / toHeight(top)) * (plot.bottom - plot.top);

  const parts: string[] = [];
  for (const tick of ticks) {
    parts.push(line(plot.left, y(tick), plot.right, y(tick), GRID));
    parts.push(words(plot.left - 6, y(tick) + 4, 'end', inUnit(tick, unit)));
  }
  for (const at of timesBetween(drawing.start, drawing.end, plot.right - plot.left)) {
    parts.push(line(x(at), plot.top, x(at), plot.bottom, GRID), words(x(at), plot.bottom + 15, 'middle', clock(at)));
  }
  for (const { at, colour } of drawing.marks) {
    parts.push(
      `<line x1="${x(at)}" x2="${x(at)}" y1="${plot.top}" y2="${plot.bottom}" stroke="${colour}" stroke-dasharray="2 4" opacity="0.4"/>`,
    );
  }
  for (const { one, top: points, bottom } of [...lines].reverse()) {
    const colour = colours.get(one.name) ?? AXIS;
    for (const run of runsOf(points)) {
      const path = run.map(([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join('L');
      const below = (bottom === undefined ? run.map(([at]) => [at, 0] as const) : within(bottom, run)).toReversed();
      const area = `${path}L${below.map(([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join('L')}Z`;
      parts.push(`<path d="M${area}" fill="${colour}" opacity="${(custom.fillOpacity ?? 8) / 100}"/>`);
      parts.push(`<path d="M${path}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-linejoin="round"/>`);
    }
  }
  for (const { value, color } of limits) {
    if (value === null || value > top) continue;
    parts.push(
      `<line x1="${plot.left}" x2="${plot.right}" y1="${y(value)}" y2="${y(value)}" stroke="${color}" stroke-dasharray="8 6"/>`,
    );
  }
  if (series.length === 0) {
    parts.push(words((plot.left + plot.right) / 2, plot.bottom / 2, 'middle', defaults.noValue ?? 'No data'));
  }
  const svg = `<svg width="${width}" height="${plotHeight}">${parts.join('')}</svg>`;
  return svg + legend(drawing, series, legendRows, colours);
}

/** A span of time in minutes and seconds, or hours. */
export function clock(at: number): string {
  return new Date(at * 1_000).toISOString().slice(11, 19);
}

/** Round times, so many that their labels do not touch. */
export function timesBetween(start: number, end: number, pixels: number): readonly number[] {
  const least = ((end - start) * 76) / pixels;
  const step = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600].find((each) => each >= least) ?? 7_200;
  const times: number[] = [];
  for (let at = Math.ceil(start / step) * step; at < end - step / 4; at += step) times.push(at);
  return times;
}

function legend(
  { panel }: Drawing,
  series: readonly ShownSeries[],
  rows: number,
  colours: ReadonlyMap<string, string>,
): string {
  const unit = panel.fieldConfig?.defaults.unit;
  const left = series.length - rows;
  const shown = series.slice(0, left > 0 ? rows - 1 : rows).map((one) => {
    const last = one.points.findLast(([, value]) => !Number.isNaN(value))?.[1];
    const cells = [last, maxOf(one)].map((value) => `<td>${value === undefined ? '' : inUnit(value, unit)}</td>`);
    return `<tr><th><i style="background:${colours.get(one.name)}"></i>${escaped(one.name)}</th>${cells.join('')}</tr>`;
  });
  const more = left > 0 ? `<tr><th class="dim">and ${left + 1} more</th></tr>` : '';
  const heading = series.length === 0 ? '' : '<tr class="dim"><th>Name</th><td>Last *</td><td>Max</td></tr>';
  return `<table class="legend">${heading}${shown.join('')}${more}</table>`;
}

function maxOf({ points }: ShownSeries): number {
  return points.reduce(
    (max, [, value]) => (Number.isNaN(value) ? max : Math.max(value, max)),
    Number.NEGATIVE_INFINITY,
  );
}

type Points = ShownSeries['points'];

function stacked(series: readonly ShownSeries[]): { one: ShownSeries; top: Points; bottom: Points }[] {
  const heights = new Map<number, number>();
  return series.map((one) => {
    const bottom = one.points.map(([at]) => [at, heights.get(at) ?? 0] as const);
    const top = one.points.map(([at, value]) => [at, (heights.get(at) ?? 0) + (value || 0)] as const);
    for (const [at, value] of top) heights.set(at, value);
    return { one, top, bottom };
  });
}

function within(points: Points, run: Points): Points {
  const times = new Set(run.map(([at]) => at));
  return points.filter(([at]) => times.has(at));
}

/** A gap is a missing scrape, and is to be seen. */
function runsOf(points: Points): Points[] {
  const runs: (readonly [number, number])[][] = [];
  const step = Math.min(...points.slice(1).map(([at], index) => at - (points[index]?.[0] ?? 0)), 60);
  let before: number | undefined;
  for (const [at, value] of points) {
    if (Number.isNaN(value)) continue;
    if (before === undefined || at - before > step * 1.5) runs.push([]);
    runs.at(-1)?.push([at, value]);
    before = at;
  }
  return runs;
}

function symlog(value: number): number {
  return value <= 1 ? value : 1 + Math.log10(value);
}

function powersUpTo(highest: number): number[] {
  const powers = Math.max(0, Math.ceil(Math.log10(Math.max(1, highest))));
  return [0, ...Array.from({ length: powers + 1 }, (_, power) => 10 ** power)];
}

function ticksUpTo(highest: number, unit: string | undefined): number[] {
  if (highest <= 0) return [0, 1];
  const least = highest / 4;
  const step = stepsOf(unit, least).find((each) => each >= least) ?? least;
  const count = Math.ceil(highest / step - 0.001);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

/** Steps that read well: minutes and hours are no tens, and bytes are powers of two. */
function stepsOf(unit: string | undefined, least: number): readonly number[] {
  if (unit === 's' && least > 10)
    return [15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400];
  if (unit === 'bytes' && least > 1) return Array.from({ length: 40 }, (_, power) => 2 ** power);
  const power = 10 ** Math.floor(Math.log10(least));
  return [power, 2 * power, 2.5 * power, 5 * power, 10 * power];
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${colour}"/>`;
}

function words(x: number, y: number, anchor: string, text: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${AXIS}" font-size="11">${escaped(text)}</text>`;
}
