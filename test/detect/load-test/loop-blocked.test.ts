import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { checkLoopBlocked } from '../../../src/detect/load-test/loop-blocked.ts';
import { type GivenLook, loadRunOf } from '../../support/load-runs.ts';

/** What the first looks of the load find, so many of them. */
const first = (looks: number, given: GivenLook) =>
  loadRunOf({ look: ({ phase, seconds }) => (phase === 'load' && seconds < looks / 4 ? given : {}) });

describe('a blocked event loop', () => {
  test.each([
    // Milliseconds that one connection waited, looks that found it so.
    [100, 1, false],
    [99, 2, false],
    [100, 2, true],
    [999, 1, false],
    [1_000, 1, true],
  ])('is told from a connection that waited %d ms in %d looks: %s', (waitedMs, looks, isBlocked) => {
    const run = first(looks, { acceptQueue: { connections: 3, waitedMs } });
    expect(checkLoopBlocked(run) !== undefined).toBe(isBlocked);
  });

  test.each([
    ['a queue that only shrinks from the first looks on is the start of a load', [0, 17, 11, 4, 0, 0], false],
    ['also where it is gone after two looks', [0, 6, 1, 0, 0], false],
    ['one that does not shrink is none', [0, 17, 17, 4, 0, 0], true],
    ['one that fills again is none', [0, 17, 11, 4, 0, 8, 7, 6], true],
  ])('%s: %j', (_, lengths, isBlocked) => {
    const run = loadRunOf({
      look: ({ phase, seconds }) => {
        const look = Math.round(seconds * 4);
        const connections = phase === 'load' ? (lengths[look] ?? 0) : 0;
        const accepted = lengths
          .slice(0, look + 1)
          .reduce((sum, length, at) => sum + Math.max(0, (lengths[at - 1] ?? 0) - length), 0);
        return {
          acceptQueue: { connections, waitedMs: connections > 0 && look > 1 ? 250 : 0 },
          counters: { passiveOpens: phase === 'before' ? 0 : 20 + accepted / 100 },
        };
      },
    });
    expect(checkLoopBlocked(run) !== undefined).toBe(isBlocked);
  });

  test('is proven where a thread computed all the time, or did nothing at all', () => {
    const blocked = (busiestThread: number) =>
      checkLoopBlocked(first(4, { acceptQueue: { connections: 9, waitedMs: 1_900 }, target: { busiestThread } }));
    expect(blocked(1)?.confidence).toBe('proven');
    expect(blocked(1)?.sentence).toBe(
      'The same connection waited 1.9 s to be accepted, with 9 in the queue, while a thread of the server was busy all the time: the event loop was blocked.',
    );
    expect(blocked(1)?.advice[0]).toMatch(/`node --cpu-prof`/);
    expect(blocked(0)?.confidence).toBe('proven');
    expect(blocked(0)?.advice[0]).toMatch(/`execSync`/);
    expect(blocked(0.5)?.confidence).toBe('likely');
  });

  test('explains the queue that is full, and stands first', () => {
    const run = loadRunOf({
      look: ({ seconds }) => ({
        acceptQueue: { connections: 9, limit: 8, waitedMs: 400 },
        counters: { listenOverflows: 7 + seconds * 100, listenDrops: 7 + seconds * 100, synRetransmits: seconds * 100 },
        target: { busiestThread: 1 },
      }),
    });
    expect(findingsOf(run).map(({ kind }) => kind)).toEqual(['loop_blocked', 'accept_queue_full']);
  });

  test.each([
    // Accepted in a second, of the many that wait; what a turn takes at least.
    [2, 500, /: the event loop was blocked\.$/],
    [20, 50, /: the event loop takes long turns, and accepts one connection in each\.$/],
    [48, 21, /: the event loop takes long turns, and accepts one connection in each\.$/],
    [60, 16, undefined],
    [1_000, 1, undefined],
  ])('is none where the queue drains: %d accepted a second, so turns of %d ms', (perSecond, _turnMs, sentence) => {
    const run = loadRunOf({
      look: ({ seconds }) => ({
        acceptQueue: { connections: 400, waitedMs: seconds * 1_000 },
        counters: { passiveOpens: seconds * perSecond },
      }),
    });
    const found = checkLoopBlocked(run);
    if (sentence === undefined) expect(found).toBeUndefined();
    else expect(found?.sentence).toMatch(sentence);
  });

  test('is told where not one of nine that wait is accepted', () => {
    const run = first(8, { acceptQueue: { connections: 9, limit: 8, waitedMs: 240 }, counters: { passiveOpens: 5 } });
    expect(checkLoopBlocked(run)?.sentence).toMatch(/the event loop was blocked\.$/);
  });

  test('is none where the server waits for a processor nearly all the time, unless that loses connections', () => {
    const starved = (waitedForProcessor: number, overflows: number) =>
      loadRunOf({
        look: ({ steady }) => ({
          acceptQueue: { connections: 9, waitedMs: 900 },
          target: { busiestThread: 0.25, waitedForProcessor },
          counters: { listenOverflows: overflows * steady, listenDrops: overflows * steady },
        }),
      });
    expect(checkLoopBlocked(starved(0.74, 0))?.kind).toBe('loop_blocked');
    expect(findingsOf(starved(0.86, 0)).map(({ kind }) => kind)).toEqual(['server_busy']);
    const [first] = findingsOf(starved(0.86, 500));
    expect(first?.kind).toBe('loop_blocked');
    expect(first?.confidence).toBe('likely');
    expect(first?.sentence).toMatch(/did not turn, for the server waited for a processor 86% of the time\.$/);
    expect(first?.advice[0]).toMatch(/^Give the server a processor of its own/);
  });

  test('is told from requests that nobody reads, while nothing is sent and a thread computes', () => {
    const silent = (given: GivenLook) =>
      checkLoopBlocked(
        loadRunOf({
          look: ({ share, seconds }) =>
            share > 0.3 && share < 0.7
              ? {
                  counters: { segmentsSent: 5_000 },
                  serverEnd: { unread: 10, unreadBytes: 900 },
                  target: { busiestThread: 1 },
                  ...given,
                }
              : { counters: { segmentsSent: seconds < 2.5 ? 4_000 : 6_000 } },
        }),
      );
    expect(silent({})?.confidence).toBe('likely');
    expect(silent({})?.sentence).toMatch(/^10 connections had requests that nobody read, and nothing was answered/);
    // A server that does not want to read computes nothing; one that answers is busy; one or two of ten are their own matter.
    expect(silent({ target: { busiestThread: 0.1 } })).toBeUndefined();
    expect(silent({ serverEnd: { unread: 4 } })).toBeUndefined();
  });

  test('is none where no descriptor was left', () => {
    const run = first(8, { acceptQueue: { connections: 9, waitedMs: 4_000 }, target: { openFds: 1_024 } });
    expect(findingsOf(run).map(({ kind }) => kind)).toEqual(['descriptors_exhausted']);
  });

  test('is none in a server that answers all the time', () => {
    const run = loadRunOf({
      look: () => ({ target: { busiestThread: 1 }, serverEnd: { unread: 10, unreadBytes: 900 } }),
    });
    expect(findingsOf(run).map(({ kind }) => kind)).toEqual(['server_busy']);
  });
});

describe('a server that stands still with requests unread', () => {
  const STILL = { unread: 20, unreadBytes: 2_000 };
  const stopped = (serverEnd: object, callersEnd: object = {}, busiestThread = 0) =>
    checkLoopBlocked(
      loadRunOf({
        look: ({ phase, seconds }) => ({
          server: { established: 20 },
          ...(phase === 'load' && seconds > 1 ? { serverEnd, callersEnd, target: { busiestThread } } : {}),
          // Nothing is sent meanwhile.
          counters: { segmentsSent: phase === 'load' ? Math.min(seconds, 1) * 1_000 : 0 },
        }),
      }),
    );

  test.each<[string, object, object, number, boolean]>([
    ['requests of a hundred bytes', STILL, {}, 0, true],
    ['a thread that does something', STILL, {}, 0.2, false],
    ['uploads of 100 kB each', { unread: 20, unreadBytes: 2_000_000 }, {}, 0, false],
    ['windows that are closed', STILL, { zeroWindow: 20 }, 0, false],
  ])('%s: %j', (_, serverEnd, callersEnd, busiestThread, isBlocked) => {
    expect(stopped(serverEnd, callersEnd, busiestThread) !== undefined).toBe(isBlocked);
  });
});
