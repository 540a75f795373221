import { expect, test } from 'vitest';
import { TICKS_PER_SECOND } from '../../src/sockets/ledger.ts';
import { SiteSampling } from '../../src/sockets/site-sampling.ts';

function takenOf(sampling: SiteSampling, destination: string | number | undefined, count: number, at = 0): number {
  return Array.from({ length: count }, () => sampling.take(destination, at)).filter(Boolean).length;
}

test('the first 16 connections to a destination are looked at, then one of 64', () => {
  const sampling = new SiteSampling();
  expect(takenOf(sampling, 'db:5432', 16)).toBe(16);
  expect(takenOf(sampling, 'db:5432', 48)).toBe(0);
  expect(takenOf(sampling, 'db:5432', 640)).toBe(10);
});

test('a busy destination hides no rare one, and a name is another destination', () => {
  const sampling = new SiteSampling();
  takenOf(sampling, 'busy:80', 10_000);
  expect(takenOf(sampling, 'rare:80', 5)).toBe(5);
  expect(takenOf(sampling, 3, 5)).toBe(5);
});

test('of those whose destination nobody knows, 16 are looked at anew each second', () => {
  const sampling = new SiteSampling();
  expect(takenOf(sampling, undefined, 64)).toBe(16);
  expect(takenOf(sampling, undefined, 64, TICKS_PER_SECOND - 1)).toBe(1);
  expect(takenOf(sampling, undefined, 64, TICKS_PER_SECOND)).toBe(16);
});

test('a crawler with no end of destinations has a bounded sample, and what was known before stays apart', () => {
  const sampling = new SiteSampling();
  takenOf(sampling, 'db:5432', 10);
  for (let index = 0; index < 999; index++) expect(sampling.take(`host-${index}`, 0)).toBe(true);
  let taken = 0;
  for (let index = 0; index < 6_400; index++) if (sampling.take(`other-${index}`, 0)) taken++;
  expect(taken).toBe(16 + 99);
  expect(takenOf(sampling, 'db:5432', 6)).toBe(6);
});
