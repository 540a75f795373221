import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { checkKeepAliveRace } from '../../../src/detect/load-test/keep-alive-race.ts';
import { checkResets } from '../../../src/detect/load-test/resets.ts';
import { countingRun, type GivenLook, type GivenRun, loadRunOf } from '../../support/load-runs.ts';

/** Both ends are on this host: two of them lose each connection. */
const aborted = (resets: number, opened: number) => ({
  resetsSent: resets,
  establishedResets: resets * 2,
  abortsOnData: resets,
  passiveOpens: opened,
});

describe('connections that were reset', () => {
  test.each([
    [10, 10, true],
    [9, 10, false],
    [10, 400, true],
    [10, 800, false],
    [1, 1, false],
  ])('%d of %d: %s', (resets, opened, isFound) => {
    expect(checkResets(countingRun(aborted(resets, opened))) !== undefined).toBe(isFound);
  });

  test('on loopback were reset by one of the two ends, and nobody knows which', () => {
    const found = checkResets(countingRun(aborted(200, 210)));
    expect(found?.sentence).toMatch(
      /^200 connections were reset by one of the two ends on this host, \d\d% of all, by `resetAndDestroy\(\)` or over data that came after a close\.$/,
    );
    expect(found?.confidence).toBe('likely');
    expect(found?.advice[0]).toMatch(
      /^Look in the code of the server, and of the load generator for `socket\.resetAndDestroy\(\)`/,
    );
  });

  test('by a server whose clients are elsewhere were reset by the server, and those that it got by the clients', () => {
    const elsewhere: GivenLook = { callers: { established: 0 } };
    const sent = checkResets(countingRun({ resetsSent: 200, establishedResets: 200, passiveOpens: 300 }, elsewhere));
    expect(sent?.sentence).toMatch(/^The server reset 200 connections/);
    const received = checkResets(countingRun({ establishedResets: 200, passiveOpens: 300 }, elsewhere));
    expect(received?.sentence).toMatch(/^Clients reset 200 connections of the server/);
  });

  test('are proven by finwait inside, which knows who it was', () => {
    const of = (resetsSent: number, resetsReceived: number) =>
      checkResets(
        loadRunOf({
          look: ({ share }) => ({
            counters: aborted(200 * share, 210 * share),
            inside: { resetsSent: resetsSent * share, resetsReceived: resetsReceived * share },
          }),
        }),
      );
    expect(of(200, 0)).toMatchObject({ confidence: 'proven', sentence: expect.stringMatching(/^The server reset/) });
    expect(of(0, 200)).toMatchObject({ confidence: 'proven', sentence: expect.stringMatching(/^Clients reset/) });
  });

  test('by closing with bytes unread are told so', () => {
    const found = checkResets(
      countingRun({ resetsSent: 200, establishedResets: 400, abortsOnClose: 200, passiveOpens: 210 }),
    );
    expect(found?.sentence).toMatch(/, by closing with bytes unread\.$/);
    expect(found?.advice[0]).toMatch(/`request\.resume\(\)`/);
  });
});

describe('RSTs over data that came too late', () => {
  const late = (run: GivenRun = {}) =>
    countingRun({ resetsSent: 200, establishedResets: 200, passiveOpens: 30 }, {}, run);

  test('are resets where nothing else tells of them', () => {
    expect(findingsOf(late()).map(({ kind }) => kind)).toEqual(['resets']);
  });

  test('are told by the leak where the server never ends what its clients have ended', () => {
    const run = late();
    const samples = run.samples.map((sample) =>
      sample.atMs > run.phases.load.toMs
        ? { ...sample, target: { processes: 1, openFds: 230, fdLimit: 1_024 } }
        : sample,
    );
    expect(findingsOf({ ...run, samples }).map(({ kind }) => kind)).toEqual(['leak']);
  });
});

describe('the keep-alive race', () => {
  /** Idle connections are closed by the server and opened again; some have a request in flight just then. */
  const racing = (resets: number, closed: number, given: GivenRun = {}, opened = 30) =>
    loadRunOf({
      probe: { status: 200, keepsConnection: true, keepAliveSeconds: 1 },
      look: ({ steady, phase, isTeardown }) => ({
        counters: {
          resetsSent: Math.round(resets * steady),
          establishedResets: Math.round(resets * steady) * 2,
          abortsOnClose: Math.round(resets * steady),
          passiveOpens: Math.round(opened * steady),
        },
        server: { time_wait: Math.round(closed * steady), established: phase === 'load' && !isTeardown ? 10 : 0 },
      }),
      ...given,
    });

  test.each([
    // RSTs, connections that the server closed first.
    [3, 5, true],
    [2, 5, false],
    [3, 4, false],
    [40, 100, true],
  ])('%d RSTs and %d closed by the server: %s', (resets, closed, isRace) => {
    expect(checkKeepAliveRace(racing(resets, closed)) !== undefined).toBe(isRace);
  });

  test('is told once, and names the timeout to change', () => {
    const findings = findingsOf(racing(20, 40));
    expect(findings.map(({ kind }) => kind)).toEqual(['keep_alive_race']);
    expect(findings[0]?.sentence).toBe(
      '20 RSTs were sent while the server closed idle connections after 1 s: requests came on connections that it had just closed.',
    );
    expect(findings[0]?.advice[0]).toMatch(/^Make `server\.keepAliveTimeout` longer .*, now 1,000 ms: 65000/);
  });

  test('is only possible where the server announces no timeout', () => {
    expect(checkKeepAliveRace(racing(20, 40, { probe: { status: 200, keepsConnection: true } }))?.confidence).toBe(
      'possible',
    );
  });

  test('is none where connections live for less than the timeout, or the server closes after each answer', () => {
    expect(checkKeepAliveRace(racing(20, 40, {}, 3_000))).toBeUndefined();
    expect(checkKeepAliveRace(racing(20, 40, { probe: { status: 200, keepsConnection: false } }))).toBeUndefined();
  });

  test('is settled by finwait inside, which knows whether a timeout has closed', () => {
    const inside = (keep_alive_timeout: number) =>
      checkKeepAliveRace(
        loadRunOf({
          look: ({ share }) => ({
            counters: { resetsSent: 20 * share, establishedResets: 40 * share, passiveOpens: 30 * share },
            server: { time_wait: 40 * share, listen: 1, established: 10 },
            inside: {
              idleCloses: { keep_alive_timeout: keep_alive_timeout * share, local: 0, remote: 0 },
              keepAliveTimeoutSeconds: 2,
            },
          }),
        }),
      );
    expect(inside(30)?.sentence).toMatch(/closed idle connections after 2 s/);
    expect(inside(0)).toBeUndefined();
  });
});
