import { describe, expect, test } from 'vitest';
import { checkAcceptQueueFull } from '../../../src/detect/load-test/accept-queue.ts';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { loadRunOf } from '../../support/load-runs.ts';

const overflowing = (overflows: number, acceptQueue: object = {}, settings: object = {}) =>
  loadRunOf({
    look: ({ share, phase }) => ({
      ...(phase === 'load' ? { acceptQueue } : {}),
      counters: {
        listenOverflows: 7 + Math.round(share * 2) * (overflows / 2),
        listenDrops: 7 + Math.round(share * 2) * (overflows / 2),
        synRetransmits: 6 + Math.round(share * 2) * (overflows / 2),
      },
    }),
    settings: { somaxconn: 4_096, processors: 2, ...settings },
  });

describe('an accept queue that was full', () => {
  test.each([
    // Packets, connections and backlog of the queue.
    [200, 9, 8, 'proven'],
    [200, 8, 8, 'likely'],
    [200, 5, 8, 'likely'],
    [200, 0, 8, 'likely'],
    [200, 256, 511, 'likely'],
    [200, 255, 511, 'possible'],
    [200, 0, 511, 'possible'],
    [2, 9, 8, 'proven'],
    [4, 8, 8, undefined],
    [10, 8, 8, 'likely'],
    [0, 9, 8, undefined],
    [0, 0, 511, undefined],
  ])('with %d packets dropped, and %d of %d seen: %s', (overflows, connections, limit, confidence) => {
    const run = overflowing(overflows, { connections, limit });
    expect(checkAcceptQueueFull(run)?.confidence).toBe(confidence);
    expect(findingsOf(run).map(({ kind }) => kind)).toEqual(confidence === undefined ? [] : ['accept_queue_full']);
  });

  test('is likely to be that of the only listener there is, however long it is', () => {
    const run = overflowing(200, { connections: 0, limit: 511 });
    const samples = run.samples.map((sample) =>
      sample.table === undefined ? sample : { ...sample, table: { ...sample.table, netns: sample.table.server } },
    );
    expect(checkAcceptQueueFull({ ...run, samples })?.confidence).toBe('likely');
  });

  test('explains what had to be sent again, which is no loss on the way', () => {
    const run = loadRunOf({
      look: ({ seconds }) => ({
        counters: {
          listenOverflows: seconds * 200,
          listenDrops: seconds * 200,
          retransmittedSegments: seconds * 290,
          synRetransmits: seconds * 100,
        },
        acceptQueue: { connections: 9, limit: 8 },
      }),
    });
    expect(findingsOf(run).map(({ kind }) => kind)).toEqual(['accept_queue_full']);
  });

  test('is likely where it was seen so, and nobody counts what is lost', () => {
    const run = loadRunOf({ look: () => ({ acceptQueue: { connections: 9, limit: 8 } }) });
    const samples = run.samples.map((sample) => ({ ...sample, counters: {} }));
    expect(checkAcceptQueueFull({ ...run, samples })?.sentence).toBe(
      '9 connections waited in the accept queue, which takes 9.',
    );
  });

  test('has the sysctl raised first where that cuts the backlog', () => {
    const cut = checkAcceptQueueFull(overflowing(200, { connections: 129, limit: 128 }, { somaxconn: 128 }));
    expect(cut?.advice[0]).toBe(
      'Raise `net.core.somaxconn` first: it is 128 here, and cuts whatever backlog a server asks for.',
    );
    expect(cut?.advice[1]).toMatch(/`server\.listen\(\{ port, backlog: 4096 \}\)`/);
    const short = checkAcceptQueueFull(overflowing(200, { connections: 9, limit: 8 }));
    expect(short?.advice[0]).toMatch(/^Pass a larger backlog/);
  });

  test('has the backlog of one listener compared, and the room of all', () => {
    const several = checkAcceptQueueFull(
      overflowing(200, { connections: 513, limit: 512, listeners: 4 }, { somaxconn: 128 }),
    );
    expect(several?.advice[0]).toMatch(/^Raise `net\.core\.somaxconn` first: it is 128/);
    expect(several?.sentence).toMatch(/^513 connections waited in the accept queue, which takes 516/);
  });

  test('says that the count is of the whole network namespace', () => {
    const found = checkAcceptQueueFull(overflowing(200, { connections: 9, limit: 8 }));
    expect(found?.sentence).toMatch(/were dropped in this network namespace\.$/);
    expect(found?.evidence[0]).toEqual({
      what: 'ListenOverflows',
      value: expect.stringMatching(/^\+\d+ in [\d.]+ s$/),
      scope: 'namespace',
    });
  });
});
