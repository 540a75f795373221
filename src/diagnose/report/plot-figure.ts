import type { LoadRun, Span } from '../../detect/load-test/load-run.ts';
import { PHASES } from '../../detect/load-test/load-run.ts';
import { type Axis, axisOf, timeTicks } from './axis.ts';
import { html, type Markup } from './markup.ts';
import type { Plot, Series } from './plots.ts';
import { COLUMNS, linesOf } from './thinned.ts';
import { endOf, lastOf, peakOf, spanOf, type Track } from './track.ts';
import { inUnit } from './unit.ts';
import { clock } from './verdict-words.ts';

/** The window of a finding, to be marked on a plot. */
export interface PlotMark {
  /** The finding's number. */
  readonly number: number;
  /** Absent where it was always so. */
  readonly seen?: Span | undefined;
}

/** Whether a plot has anything to draw: what is 0 throughout is said in words. */
export function isFlat({ series }: Plot): boolean {
  return series.every(({ track }) => (peakOf(track) ?? 0) === 0);
}

/** Those of a plot's series that are drawn. */
export function drawnSeries({ series }: Plot): readonly Series[] {
  return series.filter(({ track }) => (peakOf(track) ?? 0) > 0);
}

/**
 * One plot as a figure: lines, phases, limits, the windows of the findings it concerns, and a legend with the peak and the
 * end of each line. Drawn alone, apart from its group, it has no anchor. It is as wide as its place: what is drawn is stretched, what is written is not.
 */
export function plotFigure(plot: Plot, run: LoadRun, marks: readonly PlotMark[], isAlone = false): Markup {
  const { id, title, about, unit, scope } = plot;
  const drawn = drawnSeries(plot);
  const empty = plot.series.filter((series) => !drawn.includes(series));
  const limits = drawnLimits(drawn);
  const peaks = drawn.filter(({ name }) => name !== 'LISTEN').map(({ track }) => peakOf(track) ?? 0);
  const axis = axisOf([...peaks, ...limits], unit, limits.length === 0);
  const badges = marks.map(({ number }) => badge(number));
  const shared = scope === 'namespace' ? html` <small class="shared">whole network namespace</small>` : undefined;
  const titleOf = html`${title}${badges}`;
  const name = isAlone ? undefined : html` id="plot-${id}"`;
  return html`<figure class="plot" data-plot="${id}"${name}>
<figcaption>${isAlone ? html`<h2>${titleOf}</h2>` : html`<h3>${titleOf}</h3>`}<p>${about}${shared}${axis.isLogarithmic ? html` <small class="shared">logarithmic</small>` : undefined}</p></figcaption>
<div class="canvas">
<div class="phases">${PHASES.map((phase) => phaseLabel(phase, run))}</div>
<div class="ys" aria-hidden="true">${axis.ticks.map((tick) => html`<span style="bottom:${percent(axis.heightOf(tick))}">${inUnit(tick, unit)}</span>`)}</div>
<div class="area">
${drawing(plot, drawn, limits, axis, run)}
${limits.map((limit) => html`<span class="limit" style="bottom:${percent(axis.heightOf(limit))}">limit ${inUnit(limit, unit)}</span>`)}
${marks.filter(({ seen }) => seen !== undefined).map((mark, row) => markOf(mark, row, run))}
<div class="cross" hidden><b></b></div>
</div>
<div class="xs" aria-hidden="true">${timeLabels(run)}</div>
</div>
<table class="legend"><thead><tr><th scope="col"><span class="unseen">Line</span></th><th scope="col" class="here">at <span class="at"></span></th><th scope="col">peak</th><th scope="col">end</th></tr></thead><tbody>
${drawn.map((series, index) => legendRow(series, index, plot, run))}</tbody></table>
${empty.length === 0 ? undefined : html`<p class="empty">0 throughout: ${empty.map(({ name }) => name).join(', ')}</p>`}
</figure>`;
}

/** The number of a finding, leading to it. */
export function badge(number: number): Markup {
  return html` <a class="badge" href="#finding-${number}" aria-label="finding ${number}">${number}</a>`;
}

/** Limits that are worth their height: a line that stays far below is not pressed flat for one. */
function drawnLimits(drawn: readonly Series[]): readonly number[] {
  const near = drawn.flatMap(({ track, limit }) => {
    const bound = limit && peakOf(limit);
    return bound !== undefined && bound > 0 && (peakOf(track) ?? 0) >= bound * NEAR ? [bound] : [];
  });
  return [...new Set(near)];
}

const NEAR = 0.4;

function drawing(
  { title, unit }: Plot,
  drawn: readonly Series[],
  limits: readonly number[],
  axis: Axis,
  run: LoadRun,
): Markup {
  const times = run.samples.map(({ atMs }) => atMs);
  const x = (atMs: number): string => rounded(shareOf(atMs, run) * WIDTH);
  const y = (value: number): string => rounded((1 - axis.heightOf(value)) * HEIGHT);
  const { fromMs, toMs } = run.phases.load;
  const load =
    toMs > fromMs
      ? html`<rect class="load" x="${x(fromMs)}" y="0" width="${rounded((shareOf(toMs, run) - shareOf(fromMs, run)) * WIDTH)}" height="${HEIGHT}"/>`
      : undefined;
  const grid = axis.ticks.map(
    (tick) => html`<line class="grid" x1="0" x2="${WIDTH}" y1="${y(tick)}" y2="${y(tick)}"/>`,
  );
  const bounds = limits.map(
    (limit) => html`<line class="bound" x1="0" x2="${WIDTH}" y1="${y(limit)}" y2="${y(limit)}"/>`,
  );
  const isFew = drawn.length <= 2;
  const isDense = times.length > COLUMNS;
  // The largest is drawn first, so that it hides no other.
  const ordered = [...drawn].sort((one, other) => (peakOf(other.track) ?? 0) - (peakOf(one.track) ?? 0));
  const lines = ordered.map(({ track, colour }, index) => {
    const path = linesOf(times, track)
      .map((line) => pathOf(line.map(([atMs, value]) => [x(atMs), y(value)] as const)))
      .join('');
    const area =
      isFew && index === 0 ? html`<path class="fill c-${colour}" d="${areaOf(times, track, x, y)}"/>` : undefined;
    return html`${area}<path class="line c-${colour}${isDense ? ' dense' : ''}" d="${path}"/>`;
  });
  const words = drawn.map(({ name, track }) => `${name}: ${valuesInWords(track, unit, run)}`).join('; ');
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${title}. ${words}">${load}${grid}${bounds}${lines}</svg>`;
}

/** In units of the drawing, which is stretched to its place. */
const WIDTH = 1_000;
const HEIGHT = 100;

/** A line; a single look is a dot, drawn as a line without length. */
function pathOf(points: readonly (readonly [x: string, y: string])[]): string {
  const [first, ...rest] = points.map(([x, y]) => `${x} ${y}`);
  return first === undefined ? '' : `M${first}L${rest.length === 0 ? first : rest.join(' ')}`;
}

function areaOf(
  times: readonly number[],
  track: Track,
  x: (atMs: number) => string,
  y: (value: number) => string,
): string {
  return linesOf(times, track)
    .map((line) => {
      const [from] = line[0] ?? [0];
      const [to] = line.at(-1) ?? [0];
      return `M${x(from)} ${HEIGHT}L${line.map(([atMs, value]) => `${x(atMs)} ${y(value)}`).join(' ')} ${x(to)} ${HEIGHT}Z`;
    })
    .join('');
}

function legendRow({ name, colour, track, limit }: Series, index: number, { unit }: Plot, run: LoadRun): Markup {
  const bound = limit && lastOf(limit);
  const of = bound === undefined ? undefined : html` <small>of ${inUnit(bound, unit)}</small>`;
  const peak = peakOf(track);
  const end = endOf(track, run);
  return html`<tr data-series="${index}"><th scope="row"><i class="c-${colour}"></i>${name}</th><td class="here"></td><td>${peak === undefined ? '' : inUnit(peak, unit)}${of}</td><td>${end === undefined ? '-' : inUnit(end, unit)}</td></tr>
`;
}

function valuesInWords(track: Track, unit: Plot['unit'], run: LoadRun): string {
  const end = endOf(track, run);
  return `at most ${inUnit(peakOf(track) ?? 0, unit)}${end === undefined ? '' : `, at the end ${inUnit(end, unit)}`}`;
}

function phaseLabel(phase: keyof LoadRun['phases'], run: LoadRun): Markup | undefined {
  const { fromMs, toMs } = run.phases[phase];
  if (toMs <= fromMs) return undefined;
  return html`<span class="${phase}" style="left:${percent(shareOf(fromMs, run))};width:${percent(shareOf(toMs, run) - shareOf(fromMs, run))}">${phase}</span>`;
}

function markOf({ number, seen }: PlotMark, row: number, run: LoadRun): Markup | undefined {
  if (seen === undefined) return undefined;
  const from = shareOf(seen.fromMs, run);
  return html`<div class="window" style="left:${percent(from)};width:${percent(Math.max(0.002, shareOf(seen.toMs, run) - from))};--row:${row}"><span>${number}</span></div>`;
}

function timeLabels(run: LoadRun): Markup[] {
  const { fromMs, toMs } = spanOf(run);
  return timeTicks(fromMs, toMs, MOST_TIMES).map(
    (atMs) => html`<span style="left:${percent(shareOf(atMs, run))}">${clock(atMs)}</span>`,
  );
}

/** As many labels as fit the narrowest screen. */
const MOST_TIMES = 6;

function shareOf(atMs: number, run: LoadRun): number {
  const { fromMs, toMs } = spanOf(run);
  return Math.max(0, Math.min(1, (atMs - fromMs) / (toMs - fromMs)));
}

function percent(share: number): string {
  return `${rounded(share * 100)}%`;
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}
