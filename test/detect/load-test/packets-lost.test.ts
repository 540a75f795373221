import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { checkPacketsLost } from '../../../src/detect/load-test/packets-lost.ts';
import { checkSynDropped } from '../../../src/detect/load-test/syn-dropped.ts';
import { countingRun } from '../../support/load-runs.ts';

describe('packets that were lost', () => {
  test.each([
    // Sent again, sent, SYNs and probes among those sent again.
    [50, 5_000, 0, 0, true],
    [49, 100, 0, 0, false],
    [50, 5_001, 0, 0, false],
    [5_000, 100_000, 0, 0, true],
    [5_000, 100_000, 5_000, 0, false],
    [80, 666, 0, 80, false],
    [150, 10_000, 30, 40, false],
    [200, 10_000, 30, 40, true],
  ])(
    '%d of %d sent again, of them %d SYNs and %d probes: %s',
    (retransmittedSegments, segmentsSent, synRetransmits, lossProbes, isLost) => {
      const run = countingRun({ retransmittedSegments, segmentsSent, synRetransmits, lossProbes });
      expect(checkPacketsLost(run) !== undefined).toBe(isLost);
    },
  );

  test('are proven where rows at the target wait for what they sent again', () => {
    const grown = { retransmittedSegments: 5_000, segmentsSent: 100_000 };
    expect(checkPacketsLost(countingRun(grown))?.confidence).toBe('likely');
    const found = checkPacketsLost(countingRun(grown, { serverEnd: { retransmitting: 3 } }));
    expect(found?.confidence).toBe('proven');
    expect(found?.sentence).toBe(
      '5,000 segments had to be sent again, 5% of what this network namespace sent: packets were lost on the way.',
    );
  });

  test('explain the SYNs that were lost with them', () => {
    const run = countingRun({ retransmittedSegments: 5_000, segmentsSent: 100_000, synRetransmits: 40 });
    expect(findingsOf(run).map(({ kind }) => kind)).toEqual(['packets_lost', 'syn_dropped']);
  });
});

describe('SYNs that went unanswered', () => {
  test.each([
    [{ synRetransmits: 10 }, 'possible'],
    [{ synRetransmits: 9 }, undefined],
    [{ listenDrops: 10 }, 'possible'],
    [{ listenDrops: 10, listenOverflows: 1 }, undefined],
    [{ synQueueFullDrops: 10 }, 'proven'],
    [{ synCookiesSent: 10 }, 'possible'],
    [{ synCookiesSent: 9 }, undefined],
  ])('%j: %s', (grown, confidence) => {
    expect(checkSynDropped(countingRun(grown))?.confidence).toBe(confidence);
  });

  test('are likely those of the load where rows wait for an answer', () => {
    const found = checkSynDropped(countingRun({ synRetransmits: 50 }, { callersEnd: { synRetransmitting: 12 } }));
    expect(found?.confidence).toBe('likely');
    expect(found?.advice[0]).toMatch(/^Look for what drops SYNs on the way: a firewall/);
  });

  test('are those of the server where only its own connects wait', () => {
    const found = checkSynDropped(countingRun({ synRetransmits: 50 }, { outboundEnd: { synRetransmitting: 12 } }));
    expect(found?.sentence).toMatch(/: an upstream does not take connections\.$/);
  });

  test('are told by the accept queue where that was full', () => {
    const run = countingRun(
      { synRetransmits: 500, listenDrops: 700, listenOverflows: 600, synCookiesSent: 300 },
      { acceptQueue: { connections: 9, limit: 8 } },
    );
    expect(findingsOf(run).map(({ kind }) => kind)).toEqual(['accept_queue_full']);
  });
});
