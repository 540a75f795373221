import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CookieIndex, NO_PLACE } from '../../src/sockets/cookie-index.ts';

/** Cookies that collide: few of them, some with the same lower half. */
const cookie = fc
  .record({ high: fc.integer({ min: 0, max: 2 }), low: fc.constantFrom(0, 1, 2, 3, 64, 128, 4_096, 0xffffffff) })
  .map(({ high, low }) => high * 2 ** 32 + low);

const step = fc.oneof(
  fc.record({ what: fc.constant('set' as const), cookie, place: fc.nat(50) }),
  fc.record({ what: fc.constant('delete' as const), cookie, place: fc.nat(50) }),
);

describe('cookies', () => {
  it('are found where they were put last, by their lower half, as in a map', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const index = new CookieIndex();
        const places = new Map<number, number>();
        for (const { what, cookie, place } of steps) {
          const low = cookie >>> 0;
          if (what === 'set') {
            index.set(cookie, place);
            places.set(low, place);
          } else {
            index.delete(cookie, place);
            if (places.get(low) === place) places.delete(low);
          }
          expect(index.size).toBe(places.size);
        }
        for (const low of [0, 1, 2, 3, 64, 128, 4_096, 0xffffffff, 7]) {
          expect(index.find(low)).toBe(places.get(low) ?? NO_PLACE);
          expect(index.find(2 ** 52 + low)).toBe(places.get(low) ?? NO_PLACE);
        }
      }),
    );
  });

  it('are found among 100,000, and after every second one is gone', () => {
    const index = new CookieIndex();
    const cookies = Array.from({ length: 100_000 }, (_, place) => 2 ** 40 + place * 3);
    for (const [place, each] of cookies.entries()) index.set(each, place);
    expect(cookies.every((each, place) => index.find(each) === place)).toBe(true);
    for (const [place, each] of cookies.entries()) if (place % 2 === 0) index.delete(each, place);
    expect(index.size).toBe(50_000);
    expect(cookies.every((each, place) => index.find(each) === (place % 2 === 0 ? NO_PLACE : place))).toBe(true);
  });
});
