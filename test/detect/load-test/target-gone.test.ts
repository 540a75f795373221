import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { checkTargetGone } from '../../../src/detect/load-test/target-gone.ts';
import { type GivenLook, loadRunOf } from '../../support/load-runs.ts';

const GONE: GivenLook = {
  target: { processes: 0 },
  server: { listen: 0, established: 0 },
  callers: { established: 0 },
};

describe('the server went away', () => {
  test('where its process ended under load, and connects are refused from then on', () => {
    const run = loadRunOf({
      look: ({ share, seconds }) =>
        share < 0.5
          ? {}
          : { ...GONE, counters: { attemptFails: 1 + (seconds - 2.5) * 1_000, resetsSent: seconds * 1_000 } },
    });
    const [first, ...others] = findingsOf(run);
    expect(first?.kind).toBe('target_gone');
    expect(first?.confidence).toBe('proven');
    expect(first?.sentence).toMatch(/^The server process ended 2\.5 s into the load; [\d,]+ connects were refused/);
    expect(others.map(({ kind }) => kind)).toEqual(['connections_refused']);
  });

  test('where it stopped listening, and its process goes on', () => {
    const run = loadRunOf({ look: ({ share }) => (share < 0.5 ? {} : { server: { listen: 0 } }) });
    expect(checkTargetGone(run)?.sentence).toMatch(/^The server stopped listening 2\.5 s into the load/);
  });

  test('and came back', () => {
    const run = loadRunOf({ look: ({ share }) => (share > 0.3 && share < 0.6 ? GONE : {}) });
    expect(checkTargetGone(run)?.sentence).toMatch(/, and came back\.$/);
  });

  test('is told of one worker of several, if connections went with it', () => {
    const look = (resets: number) =>
      loadRunOf({
        look: ({ share }) => ({
          target: { processes: share > 0.4 && share < 0.7 ? 2 : 3 },
          counters: { resetsSent: 2 + (share > 0.4 ? resets : 0) },
        }),
      });
    expect(checkTargetGone(look(5))?.sentence).toMatch(/^A process of the server ended .*, and came back\.$/);
    expect(checkTargetGone(look(5))?.confidence).toBe('likely');
    expect(checkTargetGone(look(4))).toBeUndefined();
  });
});

describe('the server is still there', () => {
  test('where it listens again: the connects between were refused', () => {
    const run = loadRunOf({
      look: ({ share, steady }) => ({
        ...(share > 0.3 && share < 0.6 ? { server: { listen: 0 } } : {}),
        counters: { attemptFails: 500 * steady, resetsSent: 500 * steady, activeOpens: 500 * steady },
      }),
    });
    const [first, ...others] = findingsOf(run);
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      kind: 'connections_refused',
      confidence: 'proven',
      sentence: expect.stringMatching(/: the server did not listen for about [\d.]+ s\.$/),
    });
  });

  test('where one table misses its listener', () => {
    const run = loadRunOf({ look: ({ seconds }) => (seconds === 2.5 ? { server: { listen: 0 } } : {}) });
    expect(checkTargetGone(run)).toBeUndefined();
  });

  test('where degraded tables miss its listener', () => {
    const run = loadRunOf({ look: () => ({ server: { listen: 0 }, degraded: ['stderr'] }) });
    expect(checkTargetGone(run)).toBeUndefined();
  });

  test('where it never listened, or its processes were never seen', () => {
    expect(checkTargetGone(loadRunOf({ look: () => GONE }))).toBeUndefined();
  });

  test('where it ends with the load', () => {
    const run = loadRunOf({ look: ({ seconds }) => (seconds < 4.75 ? {} : GONE) });
    expect(findingsOf(run)).toEqual([]);
  });
});
