import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { checkReaderStalled } from '../../../src/detect/load-test/reader-stalled.ts';
import { type GivenLook, loadRunOf } from '../../support/load-runs.ts';

/** Looks in a row, from the begin of the load, that find so many windows of zero among ten connections. */
const stalled = (looks: number, zeroWindow: number, given: GivenLook = {}) =>
  loadRunOf({
    look: ({ phase, seconds }) =>
      phase === 'load' && seconds < looks / 4
        ? { serverEnd: { zeroWindow, unsent: zeroWindow, unsentBytes: zeroWindow * 3_700_000 }, ...given }
        : {},
  });

describe('a reader that is too slow', () => {
  test.each([
    [3, 10, false],
    [4, 10, true],
    [4, 2, true],
    [4, 1, false],
    [18, 10, true],
  ])('%d looks in a row, %d of ten connections: %s', (looks, zeroWindow, isFound) => {
    expect(checkReaderStalled(stalled(looks, zeroWindow)) !== undefined).toBe(isFound);
  });

  test('is the clients where the server cannot send', () => {
    const found = checkReaderStalled(stalled(18, 10));
    expect(found?.sentence).toBe(
      '10 connections stood still because the clients did not read: 37 MB waited to be sent.',
    );
    expect(found?.evidence[0]?.scope).toBe('generator');
  });

  test('is the server where the clients cannot send, and an upstream where the server cannot', () => {
    const by = (end: 'callersEnd' | 'outboundEnd') =>
      checkReaderStalled(
        loadRunOf({ look: () => ({ [end]: { zeroWindow: 10, unsentBytes: 40_000 }, outbound: { established: 10 } }) }),
      );
    expect(by('callersEnd')?.sentence).toMatch(/because the server did not read: 40 kB waited to be sent\.$/);
    expect(by('callersEnd')?.advice[0]).toMatch(/`request\.resume\(\)`/);
    expect(by('outboundEnd')?.sentence).toMatch(/because an upstream of the server did not read/);
  });

  test('is none where it computes all the time: it is busy', () => {
    const busy: GivenLook = { callersEnd: { zeroWindow: 10 }, target: { busiestThread: 1 } };
    expect(findingsOf(loadRunOf({ look: () => busy })).map(({ kind }) => kind)).toEqual(['server_busy']);
    const crowded: GivenLook = {
      callersEnd: { zeroWindow: 10 },
      target: { busiestThread: 0.4, waitedForProcessor: 0.55 },
    };
    expect(findingsOf(loadRunOf({ look: () => crowded })).map(({ kind }) => kind)).toEqual(['server_busy']);
  });
});
