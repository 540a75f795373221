// Pictures of the dashboards, and what draws them.
import { readdirSync, readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Dashboard, Panel, ShownSeries } from '../../grafana/preview/model.ts';
import { drawPage, heightOf, PAGE_WIDTH } from '../../grafana/preview/page.ts';
import { withPalette } from '../../grafana/preview/png.ts';
import { inUnit } from '../../grafana/preview/units.ts';
import { dashboards } from './queries.ts';

const PICTURES = new URL('../../docs/pictures/', import.meta.url);
const MOST_BYTES = 300_000;

describe.each(dashboards as unknown as readonly Dashboard[])('$title', (dashboard) => {
  test('there is a picture of it as it is laid out now (npm run preview)', () => {
    const picture = readFileSync(new URL(`${dashboard.uid}.png`, PICTURES));
    expect(picture.toString('latin1', 1, 4)).toBe('PNG');
    expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([PAGE_WIDTH, heightOf(dashboard)]);
    expect(picture.length).toBeLessThan(MOST_BYTES);
  });

  test('every panel can be drawn, with data and without', () => {
    const full = new Map(dashboard.panels.map((panel) => [panel, twoSeries(panel)]));
    for (const series of [full, new Map<Panel, readonly ShownSeries[]>()]) {
      const page = drawPage({ dashboard, series, marks: [{ at: 1_010, colour: 'red' }], start: 1_000, end: 1_060 });
      for (const { title = '' } of dashboard.panels) expect(page).toContain(title.replaceAll('"', '&quot;'));
      expect(page).toContain('not by Grafana');
      expect(page).not.toMatch(/NaN|undefined|Infinity/);
    }
  });
});

test('there is no picture of a dashboard that is gone', () => {
  expect(readdirSync(PICTURES).sort()).toEqual(dashboards.map(({ uid }) => `${uid}.png`).sort());
});

test.each([
  [0, 'short', '0'],
  [1234, 'short', '1.23 K'],
  [0.04, 'cps', '0.04 c/s'],
  [0.955, 'percentunit', '95.5%'],
  [0.0005, 's', '500 µs'],
  [0.25, 's', '250 ms'],
  [90, 's', '1.5 mins'],
  [7_200, 's', '2 hours'],
  [65_536, 'bytes', '64 KiB'],
  [2_000, 'Bps', '2 kB/s'],
  [Number.POSITIVE_INFINITY, 's', '∞'],
])('%d in %s is %s', (value, unit, text) => {
  expect(inUnit(value, unit)).toBe(text);
});

test('a picture of 24 bits becomes one with a palette, and keeps its pixels', () => {
  const [red, green] = [
    [255, 0, 0],
    [0, 255, 0],
  ];
  // Two rows of two pixels: as they are, and as differences from the row above.
  const rows = Buffer.from([0, ...(red ?? []), ...(green ?? []), 2, 0, 0, 0, 0, 0, 0]);
  const header = Buffer.from([0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
  const png = withPalette(Buffer.concat([Buffer.alloc(8), piece('IHDR', header), piece('IDAT', deflateSync(rows))]));
  expect(png.includes(Buffer.concat([Buffer.from('PLTE'), Buffer.from([255, 0, 0, 0, 255, 0])]))).toBe(true);
  expect(png.includes(deflateSync(Buffer.from([0, 0, 1, 0, 0, 1]), { level: 9 }))).toBe(true);
});

function twoSeries({ targets = [] }: Panel): readonly ShownSeries[] {
  return targets.flatMap(({ refId }) =>
    ['one', 'two'].map((name, index) => ({
      name,
      refId,
      labels: { instance: name, le: `${index + 1}` },
      points: [
        [1_000, index],
        [1_030, Number.NaN],
        [1_060, index * 1_000],
      ],
    })),
  );
}

/** A chunk of a PNG, its checksum left out: nobody reads it here. */
function piece(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
}
