import { describe, expect, test } from 'vitest';
import { checkConnectionsRefused } from '../../../src/detect/load-test/connections-refused.ts';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { type GivenLook, loadRunOf } from '../../support/load-runs.ts';

/** So many refused, and so many made, by the end of the part of the load that is looked at. */
const refusing = (refused: number, opened: number, given: GivenLook = {}) =>
  loadRunOf({
    look: ({ steady: part }) => {
      return {
        ...given,
        counters: {
          attemptFails: 1 + refused * part,
          resetsSent: 2 + refused * part,
          activeOpens: 5 + (opened + refused) * part,
          passiveOpens: 5 + opened * part,
        },
      };
    },
  });

describe('connections that were refused', () => {
  test.each([
    [20, 0, true],
    [19, 0, false],
    [20, 970, true],
    [20, 990, false],
    [5_000, 50, true],
  ])('%d beside %d that were made: %s', (refused, opened, isFound) => {
    expect(checkConnectionsRefused(refusing(refused, opened)) !== undefined).toBe(isFound);
  });

  test('are no resets', () => {
    expect(findingsOf(refusing(5_000, 0)).map(({ kind }) => kind)).toEqual(['connections_refused']);
  });

  test('once for each that was made are those to the other address of localhost', () => {
    const found = checkConnectionsRefused(refusing(1_000, 1_000));
    expect(found?.impact).toBeLessThan(0.2);
    expect(found?.confidence).toBe('possible');
    expect(found?.advice[0]).toMatch(/^Give the load generator an address instead of `localhost`/);
  });

  test('to an upstream are told by finwait inside', () => {
    const run = loadRunOf({
      look: ({ share }) => ({
        counters: { attemptFails: share * 100, resetsSent: share * 100, activeOpens: share * 100 },
        inside: { connectFailures: { refused: share * 100 } },
      }),
    });
    expect(checkConnectionsRefused(run)?.sentence).toMatch(/most of them those of the server to its upstreams\.$/);
  });

  test('are none where connects time out: nobody sends an RST', () => {
    const run = loadRunOf({ look: ({ share }) => ({ counters: { attemptFails: share * 500 } }) });
    expect(checkConnectionsRefused(run)).toBeUndefined();
  });
});
