import { type CanvasElement, type Drawing, escaped, TEXT } from './model.ts';
import { inUnit } from './units.ts';

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Boxes with numbers or words in them, and arrows between them. */
export function drawCanvas({ panel, series, width, height }: Drawing): string {
  const elements = panel.options?.root?.elements ?? [];
  const boxes = new Map(elements.map((element) => [element.name, boxOf(element, width, height)]));
  const { unit, noValue = '' } = panel.fieldConfig?.defaults ?? {};
  const values = new Map(series.map(({ name, points }) => [name, points.at(-1)?.[1]]));
  const shownValue = (field: string): string => {
    const value = values.get(field);
    return value === undefined ? noValue : inUnit(value, unit);
  };
  const arrows = elements.flatMap((element) =>
    (element.connections ?? []).map(({ targetName, source, target, color }) => {
      const [from, to] = [boxes.get(element.name), boxes.get(targetName)];
      if (from === undefined || to === undefined) throw new Error(`${element.name}: no ${targetName}`);
      return arrow(pointOn(from, source), pointOn(to, target), color?.fixed ?? TEXT);
    }),
  );
  return `<svg width="${width}" height="${height}">${arrows.join('')}${elements
    .map((element) => drawElement(element, boxes.get(element.name) as Box, shownValue))
    .join('')}</svg>`;
}

function drawElement(element: CanvasElement, box: Box, shownValue: (field: string) => string): string {
  const { config = {}, border, background } = element;
  const { text: { mode, field = '', fixed = '' } = {}, size = 14, color, align = 'center', valign = 'middle' } = config;
  const words = mode === 'field' ? shownValue(field) : fixed;
  const isEmpty = words === '0';
  const frame = `<rect x="${box.left}" y="${box.top}" width="${box.width}" height="${box.height}" rx="6" fill="${background?.color?.fixed ?? 'none'}" stroke="${border?.color?.fixed ?? 'none'}" stroke-width="${border?.width ?? 0}"/>`;
  const x = align === 'left' ? box.left + 6 : align === 'right' ? box.left + box.width - 6 : box.left + box.width / 2;
  const anchor = align === 'left' ? 'start' : align === 'right' ? 'end' : 'middle';
  const lines = words.split('\n');
  const first =
    valign === 'top'
      ? box.top + size + 4
      : valign === 'bottom'
        ? box.top + box.height - 7 - (lines.length - 1) * size * 1.3
        : box.top + box.height / 2 + size * 0.35 - ((lines.length - 1) * size * 1.3) / 2;
  return (
    frame +
    lines
      .map(
        (line, index) =>
          `<text x="${x}" y="${first + index * size * 1.3}" text-anchor="${anchor}" font-size="${size}" fill="${color?.fixed ?? TEXT}" opacity="${isEmpty ? 0.5 : 1}">${escaped(line)}</text>`,
      )
      .join('')
  );
}

function boxOf({ placement }: CanvasElement, width: number, height: number): Box {
  const { left, right, top, bottom } = placement;
  return {
    left: (left / 100) * width,
    top: (top / 100) * height,
    width: ((100 - left - right) / 100) * width,
    height: ((100 - top - bottom) / 100) * height,
  };
}

function pointOn(box: Box, at: { readonly x: number; readonly y: number }): readonly [number, number] {
  return [box.left + (box.width * (1 + at.x)) / 2, box.top + (box.height * (1 - at.y)) / 2];
}

function arrow([x1, y1]: readonly [number, number], [x2, y2]: readonly [number, number], colour: string): string {
  const angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  return (
    `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${colour}" stroke-width="2"/>` +
    `<path d="M0 0L-9 -4.5L-9 4.5Z" fill="${colour}" transform="translate(${x2} ${y2}) rotate(${angle})"/>`
  );
}
