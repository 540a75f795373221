// Panels that are bands over time: a state timeline, and a heatmap.
import { type Drawing, escaped, type ShownSeries, thresholdColour } from './model.ts';
import { clock, timesBetween } from './timeseries.ts';
import { inUnit } from './units.ts';

const AXIS_HEIGHT = 20;
const AXIS = '#9a9ba3';

/** A band for each series, in the colour of its value. */
export function drawTimeline(drawing: Drawing): string {
  const { panel, width, height, start, end } = drawing;
  const { unit, thresholds } = panel.fieldConfig?.defaults ?? {};
  const series = [...drawing.series].sort((one, other) => (one.name < other.name ? -1 : 1));
  const left = 12 + Math.max(0, ...series.map(({ name }) => name.length)) * 6.6;
  const bottom = height - AXIS_HEIGHT;
  const row = Math.min(56, bottom / Math.max(1, series.length));
  const x = (at: number): number => left + ((at - start) / (end - start)) * (width - left - 8);
  const parts = series.flatMap((one, index) => {
    const top = index * row + row * 0.1;
    const name = text(left - 8, top + row * 0.4 + 4, 'end', one.name, '#ccccdc');
    const bands = constant(one).map(({ from, to, value }) => {
      const band = `<rect x="${x(from)}" y="${top}" width="${x(to) - x(from)}" height="${row * 0.8}" fill="${thresholdColour(thresholds?.steps, value)}" opacity="0.8"/>`;
      const isWide = x(to) - x(from) > 30;
      return band + (isWide ? text(x(from) + 6, top + row * 0.4 + 4, 'start', inUnit(value, unit), '#fff') : '');
    });
    return [name, ...bands];
  });
  return svg(width, height, [...parts, ...timeAxis(drawing, x, bottom)]);
}

/** How observations spread over the buckets of a histogram, over time. */
export function drawHeatmap(drawing: Drawing): string {
  const { panel, width, height, start, end } = drawing;
  const bounds = drawing.series
    .map((one) => ({ one, bound: Number((one.labels['le'] ?? '').replace('Inf', 'Infinity')) }))
    .sort((left, right) => left.bound - right.bound);
  const left = 62;
  const bottom = height - AXIS_HEIGHT;
  // Half a label above the highest bound.
  const row = (bottom - 8) / Math.max(1, bounds.length);
  const x = (at: number): number => left + ((at - start) / (end - start)) * (width - left - 8);
  // Buckets are cumulative: each holds those below it.
  const own = bounds.map(({ one }, index) => {
    const below = new Map(bounds[index - 1]?.one.points);
    return one.points.map(([at, value]) => [at, Math.max(0, value - (below.get(at) ?? 0))] as const);
  });
  const most = Math.max(1e-9, ...own.flatMap((points) => points.map(([, value]) => value || 0)));
  const parts = own.flatMap((points, index) => {
    const top = bottom - (index + 1) * row;
    const step = (points[1]?.[0] ?? 0) - (points[0]?.[0] ?? 0);
    const cells = points
      .filter(([, value]) => value > 0)
      .map(([at, value]) => {
        const share = Math.sqrt(value / most);
        return `<rect x="${x(at - step)}" y="${top + 1}" width="${Math.max(1, x(at) - x(at - step) - 0.5)}" height="${row - 2}" fill="${orange(share)}"/>`;
      });
    const bound = bounds[index]?.bound ?? 0;
    return [...cells, text(left - 6, top + 4, 'end', inUnit(bound, panel.options?.yAxis?.unit), AXIS)];
  });
  return svg(width, height, [...parts, ...timeAxis(drawing, x, bottom)]);
}

function timeAxis({ start, end, width }: Drawing, x: (at: number) => number, bottom: number): string[] {
  return timesBetween(start, end, width - x(start)).map((at) => text(x(at), bottom + 15, 'middle', clock(at), AXIS));
}

/** Stretches of time in which a value stays. */
function constant({ points }: ShownSeries): { from: number; to: number; value: number }[] {
  const stretches: { from: number; to: number; value: number }[] = [];
  for (const [at, value] of points) {
    const last = stretches.at(-1);
    if (last !== undefined) last.to = at;
    if (last?.value !== value) stretches.push({ from: at, to: at, value });
  }
  return stretches.filter(({ value }) => !Number.isNaN(value));
}

function orange(share: number): string {
  return `hsl(${48 - 34 * share} ${60 + 35 * share}% ${16 + 46 * share}%)`;
}

function text(x: number, y: number, anchor: string, words: string, colour: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${colour}" font-size="11">${escaped(words)}</text>`;
}

function svg(width: number, height: number, parts: readonly string[]): string {
  return `<svg width="${width}" height="${height}">${parts.join('')}</svg>`;
}
