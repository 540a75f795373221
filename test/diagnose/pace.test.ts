import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pace } from '../../src/diagnose/pace.ts';

const OPTIONS = { intervalMs: 250, share: 0.25 };

test('cheap looks come at the interval', () => {
  const pace = new Pace(OPTIONS, 1_000, 500);
  expect(pace.nextAtMs(1_000, 520)).toBe(1_250);
  expect(pace.nextAtMs(1_250, 540)).toBe(1_500);
  expect(pace.share(1_500)).toBe(0.08);
});

test('dear ones wait until what was spent, with another one like the last, is within the share', () => {
  const pace = new Pace(OPTIONS, 1_000, 500);
  expect(pace.nextAtMs(1_000, 700)).toBe(1_000 + (200 + 200) * 4);
});

test('looks that cost about the same are within the share at every moment after the first', () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 2_000, noNaN: true }), fc.nat({ max: 50 }), (costMs, looks) => {
      const pace = new Pace(OPTIONS, 0, 0);
      let [atMs, spentMs] = [0, costMs];
      for (let look = 0; look < looks; look++) {
        const next = pace.nextAtMs(atMs, spentMs);
        expect(next).toBeGreaterThanOrEqual(atMs + 250);
        atMs = next;
        spentMs += costMs;
        expect(spentMs).toBeLessThanOrEqual(atMs * 0.25 + 1e-6);
      }
    }),
  );
});

test('whatever looks cost, one that was dearer than it seemed is paid back before the next', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 2_000, noNaN: true }), { minLength: 1 }), (costs) => {
      const pace = new Pace(OPTIONS, 0, 0);
      let [atMs, spentMs] = [0, 0];
      for (const cost of costs) {
        spentMs += cost;
        atMs = pace.nextAtMs(atMs, spentMs);
        expect(spentMs).toBeLessThanOrEqual(atMs * 0.25 + 1e-6);
      }
    }),
  );
});
