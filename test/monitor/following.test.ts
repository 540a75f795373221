// Who waits for a table that another process reads. Leader and followers are of one process here, which the protocol
// allows: each believes a process, and this one is the primary.
import { afterEach, describe, expect, it } from 'vitest';
import type { SharedResult } from '../../src/kernel/sharing/shared-result.ts';
import { Following } from '../../src/monitor/following.ts';
import { until } from '../support/wait.ts';

const GOOD: SharedResult = { ok: true, source: 'ss', rows: 0, durationMs: 1, nextIntervalMs: 1_000 };
/** Longer than any of this takes. */
const LONG_MS = 30_000;

const members: Following[] = [];
afterEach(() => {
  for (const one of members.splice(0)) one.close();
});

describe.skipIf(process.platform !== 'linux')('a follower', () => {
  it('waits for the end of a table that has begun, however long it takes, and does not give it up for another', async () => {
    const [leader, follower] = await lead(1);
    const since = performance.now();
    const next = follower.next(since, 50, LONG_MS);
    const sink = leader.beginTelling(performance.now());
    await timePasses(200);
    sink?.end(GOOD);
    expect(await next).toEqual(GOOD);
  });

  it('gives up where no table begins in time, and where one comes to no end', async () => {
    const [leader, follower] = await lead(1);
    expect(await follower.next(performance.now(), 30, LONG_MS)).toBeUndefined();
    const next = follower.next(performance.now(), 100, 100);
    expect(leader.beginTelling(performance.now())).toBeDefined();
    expect(await next).toBeUndefined();
  });

  it('that becomes the leader does not wait for anybody any more', async () => {
    const [leader, follower] = await lead(1);
    const next = follower.next(performance.now(), LONG_MS, LONG_MS);
    leader.close();
    expect(await next).toMatchObject({ ok: false, reason: 'leader_lost' });
    expect(follower.isFollower).toBe(false);
  });

  it('that has asked a leader which goes asks the next one', async () => {
    let asked = 0;
    const [leader, ...followers] = await lead(2, () => asked++);
    const nexts = followers.map((one) => {
      one.request();
      return one.next(performance.now(), LONG_MS, LONG_MS);
    });
    await until(
      () => asked === 1,
      () => `the leader is asked, ${asked} times so far`,
    );
    leader.close();
    // One of the two leads now, and the other one asks it.
    expect(await Promise.race(nexts)).toMatchObject({ ok: false, reason: 'leader_lost' });
    await until(
      () => asked === 2,
      () => `the next leader is asked, ${asked} times so far`,
    );
  });
});

type Members = readonly [leader: Following, follower: Following, ...more: Following[]];

/** A leader, and so many who follow it. */
async function lead(followers: number, onRequest: () => void = () => undefined): Promise<Members> {
  const sink = { wants: () => false, add: () => undefined };
  for (let index = 0; index <= followers; index++) {
    members.push(
      new Following({
        primaryPid: () => process.pid,
        begin: () => sink,
        end: () => undefined,
        minIntervalMs: () => 1_000,
        onRequest,
      }),
    );
  }
  const count = (): number => members.filter(({ isFollower }) => isFollower).length;
  await until(
    () => count() === followers,
    () => `${count()} of ${followers} follow`,
  );
  const leader = members.find(({ isFollower }) => !isFollower);
  return [leader, ...members.filter((one) => one !== leader)] as unknown as Members;
}

function timePasses(ms: number): Promise<void> {
  const from = performance.now();
  return until(
    () => performance.now() - from > ms,
    () => `${ms} ms pass`,
  );
}
