// Panels without an axis: one number, bars, words.
import { coloursOf, type Drawing, escaped, TEXT, thresholdColour } from './model.ts';
import { inUnit } from './units.ts';

/** One number, large. */
export function drawStat({ panel, series, height, width }: Drawing): string {
  const { unit, noValue = 'No data', thresholds } = panel.fieldConfig?.defaults ?? {};
  const value = series[0]?.points.findLast(([, each]) => !Number.isNaN(each))?.[1];
  const text = value === undefined ? noValue : inUnit(value, unit);
  const colour = value === undefined ? '#8e8e9a' : thresholdColour(thresholds?.steps, value);
  const isFilled = panel.options?.colorMode === 'background' && value !== undefined;
  const size = Math.min(height * 0.62, (width * 1.5) / Math.max(text.length, 4));
  const style = isFilled ? `background:${colour};color:#fff` : `color:${colour}`;
  return `<div class="stat" style="${style};font-size:${size.toFixed(0)}px">${escaped(text)}</div>`;
}

/** A bar for each series, as of now. */
export function drawBarGauge({ panel, series, height }: Drawing): string {
  const { unit } = panel.fieldConfig?.defaults ?? {};
  const values = series.map((one) => ({ name: one.name, value: one.points.at(-1)?.[1] ?? 0 }));
  const most = Math.max(1, ...values.map(({ value }) => value));
  const row = Math.min(34, height / Math.max(1, values.length));
  const colours = coloursOf(
    panel,
    values.map((each) => each.name),
  );
  const bars = values.map(({ name, value }) => {
    const colour = colours.get(name) ?? TEXT;
    const bar = `<div><i style="width:${(value / most) * 100}%;background:${colour}"></i></div>`;
    const shownColour = value > 0 ? colour : '#8e8e9a';
    return `<div class="bar" style="height:${row - 8}px"><span>${escaped(name)}</span>${bar}<b style="color:${shownColour}">${inUnit(value, unit)}</b></div>`;
  });
  return `<div class="bars">${bars.join('')}</div>`;
}

/** The Markdown that our panels use: paragraphs, tables, bold, code, headings and lists. */
export function drawText({ panel }: Drawing): string {
  const blocks = (panel.options?.content ?? '').split(/\n{2,}/).map((block) => {
    const lines = block.split('\n');
    if (lines[0]?.startsWith('|') === true) return tableOf(lines);
    const [, heading] = /^#+ (.*)$/.exec(block) ?? [];
    if (heading !== undefined) return `<h3>${inline(heading)}</h3>`;
    if (lines.every((each) => /^[-*] /.test(each))) {
      return `<ul>${lines.map((each) => `<li>${inline(each.slice(2))}</li>`).join('')}</ul>`;
    }
    return `<p>${inline(lines.join(' '))}</p>`;
  });
  return `<div class="words" style="color:${TEXT}">${blocks.join('')}</div>`;
}

function tableOf(lines: readonly string[]): string {
  const cells = (each: string): string[] => each.replace(/^\||\|$/g, '').split(/(?<!\\)\|/);
  const [head = '', , ...body] = lines;
  const row = (tag: string, each: string): string =>
    `<tr>${cells(each)
      .map((text) => `<${tag}>${inline(text.trim())}</${tag}>`)
      .join('')}</tr>`;
  return `<table>${row('th', head)}${body.map((each) => row('td', each)).join('')}</table>`;
}

function inline(text: string): string {
  return escaped(text)
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll(/\*\*([^*]+)\*\*/g, '<b>$1</b>')
    .replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '<span class="link">$1</span>');
}
