import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pace } from '../../src/diagnose/pace.ts';

const pace = new Pace({ intervalMs: 250, share: 0.25 });

test('cheap looks come at the interval', () => {
  expect(pace.nextAtMs(1_000, 120)).toBe(1_250);
});

test('dear ones wait until what was spent is within the share', () => {
  expect(pace.nextAtMs(1_000, 600)).toBe(2_000);
});

test('whatever looks cost, all but the last are within the share and its credit', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 2_000, noNaN: true }), { minLength: 1 }), (costs) => {
      let atMs = 0;
      let spentMs = 0;
      for (const cost of costs) {
        expect(spentMs).toBeLessThanOrEqual(atMs * 0.25 + 100 + 1e-6);
        spentMs += cost;
        const next = pace.nextAtMs(atMs, spentMs);
        expect(next).toBeGreaterThanOrEqual(atMs + 250);
        atMs = next;
      }
    }),
  );
});
