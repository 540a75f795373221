import { describe, expect, test } from 'vitest';
import { checkConnectionReuse } from '../../src/detect/connection-reuse.ts';
import { type UpstreamFacts, upstreamOf } from '../support/upstreams.ts';

/** A churn of so many a second: opened, closed by us, requests. */
const churn = (openedPerSecond: number, closedLocallyPerSecond: number, requestsPerSecond: number): UpstreamFacts => ({
  churn: { openedPerSecond, closedLocallyPerSecond, requestsPerSecond },
});

describe('connections that serve one request each', () => {
  test('closed by this process cost it ports, and the client is to change', () => {
    expect(checkConnectionReuse(upstreamOf(churn(120, 118, 125)))).toEqual({
      kind: 'connections_not_reused',
      name: 'billing',
      side: 'client',
      severity: 'warning',
      sentence:
        '`billing` gets 120 new connections a second for 125 requests a second, of which 4% found one open; this process ' +
        'closes them first, and each holds a local port for 60 s more: 7,080 at a time.',
      advice: expect.arrayContaining([
        expect.stringContaining('new http.Agent({ keepAlive: true })'),
        expect.stringContaining('response.body.cancel()'),
      ]),
      evidence: {
        openedPerSecond: 120,
        closedLocallyPerSecond: 118,
        requestsPerSecond: 125,
        reuseShare: 0.040000000000000036,
      },
    });
  });

  test.each([
    // TIME_WAITs that the kernel has, of 600 in ten seconds.
    [undefined, true],
    [300, true],
    [299, false],
    [0, false],
  ])('hold no ports where the kernel has %s of them in TIME_WAIT: %s', (timeWait, isSaid) => {
    const facts = { ...churn(60, 60, 60), timeWait };
    const verdict = checkConnectionReuse(upstreamOf({ ...facts, churn: { ...facts.churn, windowMs: 10_000 } }));
    expect(verdict?.sentence.includes('each holds a local port')).toBe(isSaid);
    expect(verdict?.severity).toBe(isSaid ? 'warning' : 'info');
  });

  test('are not spoken of before there were enough of them to say', () => {
    const { churn: rates } = churn(60, 60, 60);
    expect(checkConnectionReuse(upstreamOf({ churn: { ...rates, windowMs: 4_999 } }))).toBeUndefined();
    expect(checkConnectionReuse(upstreamOf({ churn: { ...rates, windowMs: 5_000 } }))).toBeDefined();
  });

  test('closed by the upstream are its to keep', () => {
    const verdict = checkConnectionReuse(upstreamOf(churn(120, 3, 125)));
    expect(verdict).toMatchObject({
      severity: 'info',
      sentence: expect.stringMatching(/; the upstream closes them\.$/),
    });
    expect(verdict?.advice[0]).toMatch(/^Let the upstream keep connections/);
  });

  const cases: readonly (readonly [string, UpstreamFacts, string | undefined])[] = [
    ['nothing', churn(0, 0, 0), undefined],
    ['less than one a second', churn(0.99, 0.99, 1), undefined],
    ['one a second', churn(1, 1, 1), 'info'],
    ['half of the requests find one', churn(10, 10, 20), undefined],
    ['a little less than half', churn(10.1, 10, 20), 'info'],
    ['a tenth of the usual ports at a time', churn(47.1, 47.1, 47.1), 'warning'],
    ['a little less', churn(47, 47, 47), 'info'],
    ['a tenth of few ports', { ...churn(4, 4, 4), ports: { limit: 2_000 } }, 'warning'],
    ['another protocol, nine a second', churn(9.9, 9.9, 0), undefined],
    ['another protocol, ten a second', churn(10, 10, 0), 'info'],
    ['another protocol, closed by the peer', churn(500, 0, 0), undefined],
    ['too few requests to say', { churn: { ...churn(10, 10, 10).churn, windowMs: 1_900 } }, undefined],
  ];
  test.each(cases)('%s', (_title, facts, severity) => {
    expect(checkConnectionReuse(upstreamOf(facts))?.severity).toBe(severity);
  });

  test('are the pool, where it is the pool that closes them', () => {
    const facts: UpstreamFacts = {
      ...churn(50, 50, 60),
      pool: { active: 5, idle: 2, pending: 0 },
      closed: 100,
      idleCloses: { keep_alive_timeout: 0, local: 90, remote: 0 },
    };
    expect(checkConnectionReuse(upstreamOf(facts))).toBeUndefined();
    expect(checkConnectionReuse(upstreamOf({ ...facts, pool: undefined }))).toBeDefined();
  });
});
