import { describe, expect, test } from 'vitest';
import { VERDICT_KINDS } from '../../src/detect/verdict.ts';
import { verdictsOf } from '../../src/detect/verdicts.ts';
import { upstreamOf } from '../support/upstreams.ts';

/** Everything wrong at once. */
const TROUBLED = [
  upstreamOf({
    name: 'bound',
    race: { count: 1, ageMs: 10, idleMs: 5_000, shortestIdleMs: 5_000 },
    churn: { openedPerSecond: 100, closedLocallyPerSecond: 100, requestsPerSecond: 100 },
    ports: { used: 1_900, limit: 2_000, exhaustionMs: 90_000, isBound: true },
    pool: { active: 4, idle: 0, pending: 9 },
  }),
  upstreamOf({ name: 'failing', churn: { portExhaustions: 1 } }),
];
const SERVER = {
  name: 'api',
  requests: 10_000,
  keepAliveSeconds: 5,
  idleCloses: { keep_alive_timeout: 99, local: 0, remote: 0 },
  saturation: { connections: 9, limit: 9, agoMs: 1_000, loopBlockedMs: 0, overflows: undefined },
};

describe('verdicts', () => {
  test('of nothing wrong are none', () => {
    expect(verdictsOf({ upstreams: [upstreamOf()], servers: [], settings: undefined })).toEqual([]);
  });

  test('come from every rule, the worst first', () => {
    const verdicts = verdictsOf({ upstreams: TROUBLED, servers: [SERVER], settings: undefined });
    expect(new Set(verdicts.map(({ kind }) => kind))).toEqual(new Set(VERDICT_KINDS));
    const severities = verdicts.map(({ severity }) => severity);
    expect(severities).toEqual([
      'critical',
      'critical',
      'warning',
      'warning',
      'warning',
      'warning',
      'warning',
      'warning',
      'info',
    ]);
    expect(verdicts[0]?.name).toBe('failing');
  });

  test('are plain data, each with a sentence, advice and finite numbers', () => {
    for (const verdict of verdictsOf({ upstreams: TROUBLED, servers: [SERVER], settings: undefined })) {
      expect(structuredClone(verdict)).toEqual(verdict);
      expect(verdict.sentence).toMatch(/^[`A-Z\d].*[^.]\.$/);
      expect(verdict.advice.length).toBeGreaterThan(0);
      for (const line of verdict.advice) expect(line).toMatch(/^[A-Zn].*[.)]$/);
      expect(Object.values(verdict.evidence).every(Number.isFinite)).toBe(true);
      expect(verdict.sentence + verdict.advice.join(' ')).not.toMatch(/undefined|NaN|\[object/);
    }
  });
});
