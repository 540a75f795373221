import { expect, test } from 'vitest';
import { counted, duration, grouped, known, percent } from '../../src/detect/wording.ts';

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
  [3_600_000, '60 min'],
])('%d ms reads %s', (ms, text) => expect(duration(ms)).toBe(text));

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
