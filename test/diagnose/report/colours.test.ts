import { describe, expect, it } from 'vitest';
import { COLOURS, type Colour } from '../../../src/diagnose/report/colours.ts';
import { SURFACES } from '../../../src/diagnose/report/page-style.ts';
import { STATE_LABELS } from '../../../src/tcp/state.ts';

type Rgb = readonly [red: number, green: number, blue: number];

describe.each(['white', 'black'] as const)('on %s', (ground) => {
  const colours = Object.entries(COLOURS[ground]);
  const surface = (name: string): string => SURFACES[ground][name] ?? '';

  it.each(colours)('a line in %s stands out from the card by 3 to 1 (WCAG 1.4.11)', (_, colour) => {
    expect(contrast(colour, surface('card'))).toBeGreaterThanOrEqual(3);
  });

  it.each(
    ['ink', 'soft', 'bad', 'good', 'better', 'link'].flatMap((text) => [
      [text, 'card'],
      [text, 'page'],
    ]),
  )('text in %s is read on the %s: 4.5 to 1 (WCAG 1.4.3)', (text, below) => {
    expect(contrast(surface(text as string), surface(below as string))).toBeGreaterThanOrEqual(4.5);
  });

  it('so is code, a number of a finding, and what stands on a phase', () => {
    expect(contrast(surface('ink'), surface('code'))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(surface('card'), surface('window'))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(surface('ink'), surface('load'))).toBeGreaterThanOrEqual(4.5);
  });

  it('no two states have the same colour', () => {
    expect(new Set(STATE_LABELS.map((label) => COLOURS[ground][label])).size).toBe(STATE_LABELS.length);
  });
});

it.each(Object.keys(COLOURS.white).filter((name) => !['ink', 'closed', 'listen', 'slate'].includes(name)))(
  '%s has one hue on both',
  (name) => {
    const [white, black] = [hue(COLOURS.white[name as Colour]), hue(COLOURS.black[name as Colour])];
    const apart = Math.abs(white - black);
    expect(Math.min(apart, 360 - apart)).toBeLessThan(15);
  },
);

function rgb(colour: string): Rgb {
  const channel = (at: number): number => Number.parseInt(colour.slice(at, at + 2), 16) / 255;
  return [channel(1), channel(3), channel(5)];
}

function luminance(colour: string): number {
  const linear = rgb(colour).map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ];
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function hue(colour: string): number {
  const [red, green, blue] = rgb(colour);
  const [most, least] = [Math.max(red, green, blue), Math.min(red, green, blue)];
  const range = most - least;
  if (most === red) return (60 * ((green - blue) / range) + 360) % 360;
  return most === green ? 60 * ((blue - red) / range) + 120 : 60 * ((red - green) / range) + 240;
}
