import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SharedEnd } from '../../../src/kernel/sharing/shared-result.ts';
import { joinSharedTable, type SharedRole } from '../../../src/kernel/sharing/shared-table.ts';
import { type BuiltLibrary, buildLibrary, run } from '../../support/child.ts';
import { until } from '../../support/wait.ts';

interface Heard {
  readonly hash: string;
  readonly rows: number;
  readonly end: SharedEnd;
  readonly startedAt: number;
}

interface Sample {
  readonly sent: Omit<Heard, 'end'>;
  readonly heard: readonly Heard[];
}

interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

interface Result {
  readonly roles: readonly SharedRole[];
  readonly samples: readonly Sample[];
  readonly exits: readonly Exit[];
}

const PROGRAM = fileURLToPath(new URL('../../fixtures/programs/shared-table.mjs', import.meta.url));
const LOST = { ok: false, reason: 'leader_lost' };
const GOOD_EXIT: Exit = { code: 0, signal: null };
const FIVE_ROLES: readonly SharedRole[] = ['follower', 'follower', 'follower', 'follower', 'leader'];

// Another user's process needs a user who may start it.
const isRoot = process.geteuid?.() === 0;
const required = process.env['FINWAIT_REQUIRE_TOOLS'] === '1';

describe.runIf(process.platform === 'linux')('a cluster of four workers and their primary', () => {
  let library: BuiltLibrary;

  beforeAll(() => {
    library = buildLibrary();
    // For workers of another user.
    chmodSync(library.folder, 0o755);
  });
  afterAll(() => library.remove());

  async function cluster<More = object>(...args: string[]): Promise<Result & More> {
    const env = { FINWAIT_DIST: library.folder };
    const ended = await run('shared-table.mjs', { args, env, deadlineMs: 18_000 });
    const { code, signal, stderr } = ended;
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
    return JSON.parse(ended.stdout) as Result & More;
  }

  it('has one leader; 20 tables of 10,000 rows reach everybody as they were; a request is answered', async () => {
    const { roles, samples, exits, asked, requestedAt, answer } = await cluster<{
      readonly asked: number;
      readonly requestedAt: number;
      readonly answer: Heard;
    }>('broadcast');
    expect(roles).toEqual(FIVE_ROLES);
    expect(samples).toHaveLength(20);
    for (const sample of samples) expectWhole(sample, 10_000, 4);
    expect(new Set(samples.map(({ sent }) => sent.hash)).size).toBe(20);
    expect(asked).toBe(1);
    expect(answer.startedAt).toBeGreaterThan(requestedAt);
    expect(exits).toEqual(new Array(4).fill(GOOD_EXIT));
  });

  it('loses its leader in the middle of a table: all hear of it, one becomes the leader, and tables go on', async () => {
    const { samples, lost, rolesAfter, electedMs } = await cluster<{
      readonly lost: readonly SharedEnd[];
      readonly rolesAfter: readonly SharedRole[];
      readonly electedMs: number;
    }>('leader-killed');
    expect(lost).toHaveLength(4);
    for (const end of lost) expect(end).toMatchObject(LOST);
    expect(rolesAfter).toEqual(['follower', 'follower', 'follower', 'leader']);
    expect(electedMs).toBeLessThan(3_000);
    expectWhole(samples.at(-1) as Sample, 1000, 3);
  });

  it('drops a follower that is stopped, which comes back; and no leader is kept alive by one', async () => {
    const { samples, dropped, lost, exit, exitMs, exits } = await cluster<{
      readonly dropped: number;
      readonly lost: SharedEnd;
      readonly exit: Exit;
      readonly exitMs: number;
    }>('follower-stopped');
    const [whileStopped, afterwards] = samples as readonly [Sample, Sample];
    expectWhole(whileStopped, 300_000, 3);
    expect(dropped).toBe(1);
    expect(lost).toMatchObject(LOST);
    expectWhole(afterwards, 1000, 4);
    expect(exit).toEqual(GOOD_EXIT);
    expect(exitMs).toBeLessThan(3_000);
    expect(exits).toEqual(new Array(4).fill(GOOD_EXIT));
  });

  for (const user of ['as-root', 'as-user']) {
    it.skipIf(!isRoot && !required)(`does not believe another user's process that has the name (${user})`, async () => {
      expect(isRoot, 'this test needs root').toBe(true);
      const { deceived, roles, exits } = await cluster<{
        readonly deceived: readonly { readonly roles: readonly SharedRole[]; readonly began: number }[];
      }>('impostor', user);
      expect(deceived).toEqual(new Array(4).fill({ roles: [], began: 0 }));
      expect(roles).toEqual(FIVE_ROLES.slice(1));
      expect(exits).toEqual(new Array(4).fill(GOOD_EXIT));
    });
  }

  describe('one process that has nothing to do', () => {
    it.each([
      ['leads', () => process.pid, 'leader'],
      ['follows', () => process.pid, 'follower'],
    ])('exits by itself when it %s', async (_title, primaryPid, role) => {
      const leader = role === 'follower' ? await ownLeader() : undefined;
      const env = { FINWAIT_DIST: library.folder };
      const { stdout, code, signal } = await run('shared-table.mjs', { args: ['lone', String(primaryPid())], env });
      leader?.close();
      expect({ code, signal }).toEqual(GOOD_EXIT);
      expect(JSON.parse(stdout)).toEqual({ role, alive: [] });
    });

    it.skipIf(!isRoot && !required).each([
      ['network', ['--net']],
      // The primaries of a pod's containers may all be process 1, in one network namespace.
      ['process', ['--pid', '--fork', '--kill-child', '--mount-proc']],
    ])('leads in a %s namespace of its own, whoever leads in another', async (_title, flags) => {
      const leader = await ownLeader();
      const { stdout } = spawnSync('unshare', [...flags, process.execPath, PROGRAM, 'lone', String(process.pid)], {
        env: { FINWAIT_DIST: library.folder, PATH: process.env['PATH'] ?? '' },
        encoding: 'utf8',
        timeout: 8_000,
        killSignal: 'SIGKILL',
      });
      leader.close();
      expect(JSON.parse(stdout)).toMatchObject({ role: 'leader' });
    });
  });
});

/** A leader in this process. */
async function ownLeader(): Promise<ReturnType<typeof joinSharedTable>> {
  const table = joinSharedTable({
    primaryPid: process.pid,
    consumer: { onStart: () => {}, onRow: () => {}, onEnd: () => {} },
    onRequest: () => {},
  });
  await until(
    () => table.role === 'leader',
    () => `it leads, and is not ${table.role}`,
  );
  return table;
}

/** All followers have heard every row of a table, and when it began. */
function expectWhole({ sent, heard }: Sample, rows: number, followers: number): void {
  expect(heard).toHaveLength(followers);
  for (const { hash, rows: heardRows, end, startedAt } of heard) {
    expect(end).toMatchObject({ ok: true, rows });
    expect({ hash, rows: heardRows }).toEqual({ hash: sent.hash, rows });
    expect(Math.abs(startedAt - sent.startedAt)).toBeLessThan(1);
  }
}
