import {
  type Drawing,
  escaped,
  overrideOf,
  type Panel,
  type ShownSeries,
  type Step,
  thresholdColour,
} from './model.ts';
import { inUnit } from './units.ts';

const ROW_HEIGHT = 29;

interface Column {
  readonly field: string;
  readonly heading: string;
}

type Cells = Readonly<Record<string, string | number>>;

/** Rows as of now, put together and put in order by the panel's transformations `merge` and `organize`. */
export function drawTable({ panel, series, height }: Drawing): string {
  const columns = columnsOf(panel, series);
  const rows = sorted(panel, columns, merged(panel, series));
  const room = Math.floor(height / ROW_HEIGHT) - 1;
  const left = rows.length - room;
  const shown = rows.slice(0, left > 0 ? room - 1 : room);
  if (rows.length === 0)
    return `<p class="empty">${escaped(panel.fieldConfig?.defaults.noValue ?? 'No data')}: none</p>`;
  return [
    '<table class="rows"><tr>',
    ...columns.map(({ field, heading }) => `<th class="${isValue(field) ? 'number' : ''}">${escaped(heading)}</th>`),
    '</tr>',
    ...shown.map((row) => `<tr>${columns.map((column) => cell(panel, column, row[column.field])).join('')}</tr>`),
    left > 0 ? `<tr><td class="dim">and ${left + 1} more</td></tr>` : '',
    '</table>',
  ].join('');
}

function cell(panel: Panel, { field, heading }: Column, value: string | number | undefined): string {
  if (typeof value === 'string' || (value === undefined && !isValue(field))) {
    const isLink = overrideOf(panel, heading, 'links') !== undefined;
    return `<td class="${isLink ? 'link' : ''}">${escaped(`${value ?? ''}`)}</td>`;
  }
  const defaults = panel.fieldConfig?.defaults ?? {};
  const unit = (overrideOf(panel, heading, 'unit') as string | undefined) ?? defaults.unit;
  const own = overrideOf(panel, heading, 'thresholds') as { readonly steps: readonly Step[] } | undefined;
  const isPainted = overrideOf(panel, heading, 'custom.cellOptions') !== undefined;
  const colour = isPainted && value !== undefined ? thresholdColour(own?.steps, value) : 'transparent';
  const text = value === undefined ? (defaults.noValue ?? '') : inUnit(value, unit);
  return `<td class="number" style="background:${colour}">${escaped(text)}</td>`;
}

/** One row for each combination of labels that all queries share. */
function merged(panel: Panel, series: readonly ShownSeries[]): readonly Cells[] {
  const rows = new Map<string, Record<string, string | number>>();
  for (const { labels, refId, points } of series) {
    const { __name__, ...own } = labels;
    const key = JSON.stringify(Object.entries(own).sort());
    const row = rows.get(key) ?? { ...own };
    rows.set(key, row);
    const value = points.at(-1)?.[1];
    if (value !== undefined) row[valueField(panel, refId)] = value;
  }
  return [...rows.values()];
}

function columnsOf(panel: Panel, series: readonly ShownSeries[]): readonly Column[] {
  const {
    excludeByName = {},
    indexByName = {},
    renameByName = {},
  } = panel.transformations?.find(({ id }) => id === 'organize')?.options ?? {};
  const labels = series.flatMap((one) => Object.keys(one.labels)).filter((label) => label !== '__name__');
  const values = (panel.targets ?? []).map(({ refId }) => valueField(panel, refId));
  const place = (field: string): number => indexByName[field] ?? Number.POSITIVE_INFINITY;
  return [...new Set([...labels, ...values])]
    .filter((field) => excludeByName[field] !== true)
    .sort((one, other) => (place(one) === place(other) ? 0 : place(one) - place(other)))
    .map((field) => ({ field, heading: renameByName[field] ?? field }));
}

function sorted(panel: Panel, columns: readonly Column[], rows: readonly Cells[]): readonly Cells[] {
  const [by] = panel.options?.sortBy ?? [];
  const field = columns.find(({ heading }) => heading === by?.displayName)?.field;
  if (field === undefined) return rows;
  const value = (row: Cells): number => Number(row[field] ?? Number.NEGATIVE_INFINITY);
  const downwards = [...rows].sort((one, other) => value(other) - value(one));
  return by?.desc === true ? downwards : downwards.reverse();
}

/** Grafana names a value by its query only where there are several. */
function valueField({ targets = [] }: Panel, refId: string): string {
  return targets.length === 1 ? 'Value' : `Value #${refId}`;
}

function isValue(field: string): boolean {
  return field === 'Value' || field.startsWith('Value #');
}
