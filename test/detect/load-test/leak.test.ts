import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { checkLeak } from '../../../src/detect/load-test/leak.ts';
import { type GivenLook, type GivenRun, type LookTime, loadRunOf } from '../../support/load-runs.ts';

/** CLOSE_WAITs that a descriptor holds. */
const held = (count: number, fds = 0): GivenLook => ({
  server: { close_wait: count, listen: 1, established: 0 },
  serverEnd: { closeWaitHeld: count },
  target: { openFds: 30 + count + fds },
});
const atRest =
  (given: GivenLook, before: GivenLook = {}) =>
  ({ phase }: LookTime): GivenLook =>
    phase === 'after' ? given : phase === 'before' ? before : {};
const kindsOf = (run: GivenRun): string[] => findingsOf(loadRunOf(run)).map(({ kind }) => kind);

describe('sockets that are left', () => {
  test.each([
    [1, 0, ['leak']],
    [400, 0, ['leak']],
    [0, 0, []],
    [40, 40, []],
    [41, 40, ['leak']],
  ])('%d CLOSE_WAIT after the load, and %d before: %j', (now, before, kinds) => {
    expect(kindsOf({ look: atRest(held(now), held(before)) })).toEqual(kinds);
  });

  test('are proven, and say which', () => {
    const found = checkLeak(loadRunOf({ look: atRest(held(400)) }));
    expect(found?.confidence).toBe('proven');
    expect(found?.sentence).toBe(
      'After the load had come to rest, 400 sockets of the server were left that were not there before: 400 CLOSE_WAIT.',
    );
    expect(found?.advice[0]).toMatch(/^End a socket when its peer does/);
  });

  test('have their cause from finwait inside', () => {
    const run = loadRunOf({
      look: (time) => ({
        ...atRest(held(400))(time),
        inside: { closeWait: { not_ended: time.phase === 'after' ? 400 : 0, unread_in_node: 0 } },
      }),
    });
    expect(checkLeak(run)?.evidence).toContainEqual({
      what: 'CLOSE_WAIT, cause `not_ended`',
      value: '400',
      scope: 'target',
    });
    // What is there already is not advised.
    expect(checkLeak(run)?.advice.at(-1)).toMatch(/the finwait in the server .* `monitor\.leaks\(\)`/);
    expect(checkLeak(loadRunOf({ look: atRest(held(400)) }))?.advice.at(-1)).toMatch(/node --import finwait\/register/);
  });

  test('may be descriptors without a row: the peer has reset, and Node did not hear of it', () => {
    const beyond = (fds: number) => checkLeak(loadRunOf({ look: atRest(held(0, fds)) }));
    expect(beyond(9)).toBeUndefined();
    expect(beyond(40)?.sentence).toMatch(/: 40 descriptors without a connection\.$/);
    expect(beyond(40)?.confidence).toBe('likely');
  });

  test('are no pool: descriptors that rows of other connections account for', () => {
    const pool: GivenLook = { outbound: { established: 40 }, target: { openFds: 70 } };
    expect(kindsOf({ look: atRest(pool) })).toEqual([]);
  });

  test('may be ESTABLISHED whose other end is not here, once the command has ended', () => {
    const left: GivenLook = { server: { established: 10, listen: 1 }, target: { openFds: 40 } };
    expect(checkLeak(loadRunOf({ look: atRest(left) }))?.confidence).toBe('possible');
    const bothEnds: GivenLook = { ...left, callers: { established: 10 } };
    expect(kindsOf({ look: atRest(bothEnds) })).toEqual([]);
    const { command: _, ...somebodyElse } = loadRunOf({ look: atRest(left) });
    expect(findingsOf(somebodyElse)).toEqual([]);
  });

  test('are none in the last look alone, nor where tables are degraded', () => {
    const run = loadRunOf({ look: atRest({}) });
    const last = loadRunOf({ look: atRest(held(50)) }).samples.at(-1);
    if (last === undefined) throw new Error('no look');
    expect(findingsOf({ ...run, samples: [...run.samples.slice(0, -1), last] })).toEqual([]);
    expect(kindsOf({ look: atRest({ ...held(50), degraded: ['inconsistent'] }) })).toEqual([]);
  });
});

describe('where nothing comes to rest', () => {
  test('what is there at every look is left', () => {
    const run = { isQuiet: false, look: atRest(held(3)) };
    expect(checkLeak(loadRunOf(run))?.sentence).toMatch(/^At every look after the load, 3 sockets/);
    expect(kindsOf({ ...run, look: atRest(held(2)) })).toEqual([]);
  });

  test('CLOSE_WAITs that only grow while the load runs are a leak, and those that come and go are not', () => {
    const during = (count: (time: LookTime) => number): string[] => {
      const run = loadRunOf({
        isQuiet: false,
        look: (time) => (time.phase === 'load' ? { serverEnd: { closeWaitHeld: count(time) } } : {}),
      });
      const samples = run.samples.filter(({ atMs }) => atMs <= run.phases.load.toMs);
      return findingsOf({ ...run, samples }).map(({ kind }) => kind);
    };
    expect(during(({ seconds }) => Math.round(seconds * 30))).toEqual(['leak']);
    expect(during(({ seconds }) => Math.round(seconds * 4))).toEqual([]);
    expect(during(({ seconds }) => (Math.round(seconds * 4) % 2) * 100)).toEqual([]);
    expect(during(({ seconds }) => (seconds < 1 ? 10 : 100))).toEqual([]);
  });
});
