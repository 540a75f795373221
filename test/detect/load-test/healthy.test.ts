import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { type GivenRun, loadRunOf } from '../../support/load-runs.ts';

const nothing = (given: GivenRun = {}) => expect(findingsOf(loadRunOf(given))).toEqual([]);

describe('nothing is found', () => {
  test('in a load of kept connections whose generator destroys them at its end', () => nothing());

  test('where only the teardown resets: 200 connections at once', () =>
    nothing({
      look: ({ isTeardown, phase }) => {
        const reset = isTeardown || phase === 'after' ? 200 : 0;
        return {
          ...(phase === 'load' && !isTeardown ? { server: { established: 200 }, callers: { established: 200 } } : {}),
          counters: {
            passiveOpens: phase === 'before' ? 0 : 200,
            activeOpens: phase === 'before' ? 0 : 200,
            resetsSent: reset,
            abortsOnClose: reset,
            establishedResets: reset * 2,
          },
        };
      },
    }));

  test('in TIME_WAITs of a few hundred connections that were used well', () =>
    nothing({
      look: ({ phase }) =>
        phase === 'after'
          ? { callers: { time_wait: 300 }, counters: { timeWaitCreated: 304, passiveOpens: 310, activeOpens: 310 } }
          : {},
    }));

  test('in one retransmit, one RST, one overflow and one refused connect', () =>
    nothing({
      look: ({ share }) => {
        const one = share > 0.5 ? 1 : 0;
        return {
          counters: {
            retransmittedSegments: one,
            synRetransmits: one,
            resetsSent: one,
            listenOverflows: one,
            listenDrops: one,
            attemptFails: one,
          },
        };
      },
    }));

  test('in queues that fill and empty between looks', () =>
    nothing({
      look: ({ seconds }) => {
        const isFull = Math.round(seconds * 4) % 2 === 0;
        return {
          acceptQueue: { connections: isFull ? 200 : 0, waitedMs: 0 },
          serverEnd: { unread: isFull ? 10 : 0, unreadBytes: isFull ? 900 : 0, zeroWindow: isFull ? 3 : 0 },
          callersEnd: { zeroWindow: isFull ? 3 : 0 },
        };
      },
    }));

  test('in connections that were left from before', () =>
    nothing({
      look: () => ({ server: { close_wait: 40, fin_wait_2: 30, established: 10 }, serverEnd: { closeWaitHeld: 40 } }),
    }));

  test('where nothing is known: no counters, no table, no processes', () => {
    const run = loadRunOf({ look: () => ({ hasTable: false }) });
    const samples = run.samples.map(({ atMs, tookMs }) => ({ atMs, tookMs, counters: {} }));
    expect(findingsOf({ ...run, samples })).toEqual([]);
  });

  test('in one look alone', () => {
    const run = loadRunOf({ look: () => ({ counters: { resetsSent: 5_000, listenOverflows: 5_000 } }) });
    for (const sample of run.samples) expect(findingsOf({ ...run, samples: [sample] })).toEqual([]);
  });

  test('in counters that went back: the namespace began anew', () =>
    nothing({
      look: ({ seconds, share }) => {
        const count = share < 0.5 ? 50_000 : seconds * 100;
        return {
          counters: {
            resetsSent: count,
            listenOverflows: count,
            attemptFails: count,
            retransmittedSegments: count,
            passiveOpens: count,
          },
        };
      },
    }));
});
