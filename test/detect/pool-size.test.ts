import { describe, expect, test } from 'vitest';
import { checkPoolSize } from '../../src/detect/pool-size.ts';
import { type UpstreamFacts, upstreamOf } from '../support/upstreams.ts';

describe('a pool', () => {
  test('that makes requests wait is named with its numbers', () => {
    expect(checkPoolSize(upstreamOf({ pool: { active: 10, idle: 0, pending: 35 } }))).toEqual({
      kind: 'pool_too_small',
      name: 'billing',
      side: 'client',
      severity: 'warning',
      sentence:
        '35 requests to `billing` wait for one of 10 connections, all in use: each waits at least as long as an answer takes.',
      advice: [
        expect.stringContaining("`maxSockets` of http.Agent, `connections` of undici's Pool or Agent, above 10"),
        expect.anything(),
      ],
      evidence: { pending: 35, active: 10, idle: 0 },
    });
  });

  const waiting: readonly (readonly [string, UpstreamFacts, boolean])[] = [
    ['is not known', {}, false],
    ['is idle', { pool: { active: 0, idle: 4, pending: 0 } }, false],
    ['has nobody waiting', { pool: { active: 4, idle: 0, pending: 0 } }, false],
    ['has fewer waiting than it serves', { pool: { active: 4, idle: 0, pending: 3 } }, false],
    ['has as many waiting', { pool: { active: 4, idle: 0, pending: 4 } }, true],
    ['is still connecting', { pool: { active: 4, idle: 0, pending: 4 }, pendingConnects: 1 }, false],
    ['has no connection yet', { pool: { active: 0, idle: 0, pending: 9 } }, false],
  ];
  test.each(waiting)('that %s', (_title, facts, isSaid) => {
    expect(checkPoolSize(upstreamOf(facts)) !== undefined).toBe(isSaid);
  });

  test('that was destroyed is not too small', () => {
    const { pool: _, ...facts } = dropping(10, 900);
    expect(checkPoolSize(upstreamOf({ ...facts, pool: { active: 3, idle: 2, pending: 0 } }))).toBeDefined();
    expect(checkPoolSize(upstreamOf({ ...facts, pool: { active: 0, idle: 0, pending: 0 } }))).toBeUndefined();
  });

  const dropping = (closedLocallyPerSecond: number, local: number): UpstreamFacts => ({
    pool: { active: 3, idle: 2, pending: 0 },
    churn: { closedLocallyPerSecond },
    closed: 1_000,
    idleCloses: { keep_alive_timeout: 0, local, remote: 0 },
  });
  test('that closes connections right after their answer is named with maxFreeSockets', () => {
    const verdict = checkPoolSize(upstreamOf(dropping(42, 900)));
    expect(verdict?.sentence).toBe(
      'This process closes 42 connections a second to `billing`, 90% of all right after an answer though they could be ' +
        'kept: the pool holds 2 idle ones and no more.',
    );
    expect(verdict?.advice[0]).toContain('Raise `maxFreeSockets` of http.Agent');
  });

  test.each([
    [1, 300, true],
    [0.9, 300, false],
    [1, 299, false],
  ])('at %d closes a second, %d of 1,000 after an answer', (perSecond, local, isSaid) => {
    expect(checkPoolSize(upstreamOf(dropping(perSecond, local))) !== undefined).toBe(isSaid);
  });
});
