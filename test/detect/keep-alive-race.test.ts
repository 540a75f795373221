import type { UpstreamRace } from 'finwait';
import { describe, expect, test } from 'vitest';
import { checkKeepAliveRace } from '../../src/detect/keep-alive-race.ts';
import { upstreamOf } from '../support/upstreams.ts';

const race = (given: Partial<UpstreamRace> = {}): UpstreamRace => ({
  count: 1,
  ageMs: 1_000,
  idleMs: 5_000,
  shortestIdleMs: 5_000,
  ...given,
});

const AS_ANNOUNCED = /closed as announced while this client kept the connection longer/;
const EARLIER = /it or something in between closed earlier than announced/;
const UNANNOUNCED = /the server announces no keep-alive timeout/;

describe('the keep-alive race', () => {
  test('is none without a lost request', () => {
    expect(checkKeepAliveRace(upstreamOf({ keepAliveSeconds: 5 }))).toBeUndefined();
  });

  test.each([
    // Idle in milliseconds, announced in seconds.
    [5_000, 5, AS_ANNOUNCED],
    [4_000, 5, AS_ANNOUNCED],
    [3_999, 5, EARLIER],
    [5_900, 5, AS_ANNOUNCED],
    [3_600_000, 5, AS_ANNOUNCED],
    [0, 1, AS_ANNOUNCED],
    [58_999, 60, EARLIER],
    [59_000, 60, AS_ANNOUNCED],
    [5_000, undefined, UNANNOUNCED],
  ])('after %d ms idle, announced %s s, reads %s', (idleMs, keepAliveSeconds, reads) => {
    const verdict = checkKeepAliveRace(
      upstreamOf({ keepAliveSeconds, race: race({ idleMs, shortestIdleMs: idleMs }) }),
    );
    expect(verdict?.sentence).toMatch(reads);
  });

  test.each([
    // Idle in milliseconds, announced in seconds, connects refused.
    [52, 60, 5, true],
    [29_999, 60, 5, true],
    [30_000, 60, 5, false],
    [52, 60, 0, false],
    [999, undefined, 1, true],
    [1_000, undefined, 1, false],
  ])(
    'after %d ms idle, announced %s s, with %d connects refused is the end of the server: %s',
    (idleMs, keepAliveSeconds, refused, isEnd) => {
      const verdict = checkKeepAliveRace(
        upstreamOf({ keepAliveSeconds, race: race({ idleMs, shortestIdleMs: idleMs }), failed: { refused } }),
      );
      expect(verdict?.sentence.includes('the server went away')).toBe(isEnd);
      expect(verdict?.severity).toBe(isEnd ? 'info' : 'warning');
    },
  );

  test('as announced names the idle time, the timeout, and what to set on either side', () => {
    expect(
      checkKeepAliveRace(
        upstreamOf({ keepAliveSeconds: 5, race: race({ count: 12, idleMs: 5_340, shortestIdleMs: 4_980 }) }),
      ),
    ).toEqual({
      kind: 'keep_alive_race',
      name: 'billing',
      side: 'client',
      severity: 'warning',
      sentence:
        '12 requests to `billing` failed on a kept connection that the other end had closed, the last after 5.3 s idle, ' +
        'the shortest after 5 s; the server announces 5 s, and closed as announced while this client kept the connection longer.',
      advice: [
        expect.stringMatching(
          /^Close idle connections first: `timeout: 3900` on http\.Agent, `freeSocketTimeout: 3900` on agentkeepalive, `keepAliveTimeout: 3900` and `keepAliveMaxTimeout: 3900` on undici\./,
        ),
        "Or lengthen the server's: `server.keepAliveTimeout` above 5.3 s (now 5 s).",
        expect.stringContaining('its event loop was blocked'),
        expect.stringContaining('Send idempotent requests again, once'),
      ],
      evidence: { races: 12, idleMs: 5_340, shortestIdleMs: 4_980, keepAliveSeconds: 5, ageMs: 1_000 },
    });
  });

  test('leaves the client a second, or less than the shortest idle time', () => {
    const first = (idleMs: number, keepAliveSeconds: number): string | undefined =>
      checkKeepAliveRace(upstreamOf({ keepAliveSeconds, race: race({ idleMs, shortestIdleMs: idleMs }) }))?.advice[0];
    expect(first(60_000, 60)).toContain('`timeout: 48000`');
    expect(first(90_000, 60)).toContain('`timeout: 59000`');
    expect(first(2_500, 2)).toContain('`timeout: 1000`');
    expect(first(1_000, 1)).toContain('Do not keep connections');
  });

  test('earlier than announced looks for what is in between first', () => {
    const verdict = checkKeepAliveRace(
      upstreamOf({ keepAliveSeconds: 75, race: race({ idleMs: 61_000, shortestIdleMs: 60_000 }) }),
    );
    expect(verdict?.advice[0]).toMatch(/^Look for what closes on the way: an idle timeout of 60 s or less/);
    expect(verdict?.advice[1]).toMatch(/^Keep idle connections for less than 60 s: `timeout: 48000` on http\.Agent/);
  });

  test('not announced keeps idle connections shorter than the shortest that failed', () => {
    const [first, second] =
      checkKeepAliveRace(upstreamOf({ race: race({ idleMs: 9_000, shortestIdleMs: 8_000 }) }))?.advice ?? [];
    expect(first).toMatch(/^Keep idle connections for less than 8 s: `timeout: 6400`/);
    expect(second).toMatch(/^Or let the server announce it/);
  });

  test.each([
    [624, /hardly for being idle/],
    [625, /Keep idle connections for less than 625 ms: `timeout: 500`/],
  ])('after %d ms reads %s', (idleMs, reads) => {
    expect(checkKeepAliveRace(upstreamOf({ race: race({ idleMs, shortestIdleMs: idleMs }) }))?.advice[0]).toMatch(
      reads,
    );
  });

  test('without a known idle time says so and leaves it out', () => {
    const verdict = checkKeepAliveRace(upstreamOf({ race: race({ idleMs: undefined, shortestIdleMs: undefined }) }));
    expect(verdict?.sentence).toContain('how long it had been idle is not known');
    expect(verdict?.evidence).toEqual({ races: 1, ageMs: 1_000 });
  });

  test.each([
    [3_600_000, 'warning'],
    [3_600_001, 'info'],
  ])('of %d ms ago is %s', (ageMs, severity) => {
    expect(checkKeepAliveRace(upstreamOf({ race: race({ ageMs }) }))?.severity).toBe(severity);
  });
});
