import { expect, test } from 'vitest';
import { agree, counted, duration, grouped, known, percent, size } from '../../src/detect/wording.ts';

test.each([
  [0, '0'],
  [0.04, '0'],
  [1.25, '1.3'],
  [9, '9'],
  [10.4, '10'],
  [999, '999'],
  [1_000, '1,000'],
  [28_232, '28,232'],
  [1_234_567, '1,234,567'],
])('the number %d reads %s', (number, text) => expect(grouped(number)).toBe(text));

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_000, '1 s'],
  [5_249, '5.2 s'],
  [119_999, '120 s'],
  [120_000, '2 min'],
  [37 * 60_000, '37 min'],
  [3_569_000, '59 min'],
  [3_570_000, '1 h'],
  [3_600_000, '1 h'],
  [7_500_000, '2 h 5 min'],
  [86_369_000, '23 h 59 min'],
  [86_370_000, '1 d'],
  [3 * 86_400_000, '3 d'],
  [3 * 86_400_000 + 5 * 3_600_000, '3 d 5 h'],
  [1_000 * 86_400_000, '1,000 d'],
])('%d ms reads %s', (ms, text) => expect(duration(ms)).toBe(text));

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1 kB'],
  [1_234, '1.2 kB'],
  [9_949, '9.9 kB'],
  [9_950, '10 kB'],
  [34_465, '34 kB'],
  [999_499, '999 kB'],
  [999_500, '1 MB'],
  [3_791_872, '3.8 MB'],
  [2e12, '2 TB'],
  [5e15, '5,000 TB'],
])('%d bytes read %s', (bytes, text) => expect(size(bytes)).toBe(text));

test('a word agrees with its number', () =>
  expect([0, 1, 2].map((count) => agree(count, 'it', 'them'))).toEqual(['them', 'it', 'them']));

test('one is one', () => {
  expect([counted(0, 'port'), counted(1, 'port'), counted(2_000, 'port')]).toEqual([
    '0 ports',
    '1 port',
    '2,000 ports',
  ]);
});

test('a share is a percentage', () => expect(percent(0.666)).toBe('67%'));

test('what is not known is left out', () =>
  expect(known({ one: 1, none: undefined, zero: 0 })).toEqual({ one: 1, zero: 0 }));
