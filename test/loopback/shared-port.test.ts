import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findSs } from '../../src/kernel/ss/find-ss.ts';
import { type BuiltLibrary, buildLibrary, run } from '../support/child.ts';

type Side = 'server' | 'client';
type Counts = Readonly<Record<string, number>>;
type Table = Readonly<Record<Side, Counts>>;

/** One moment: what each worker claims of the table, and what ss showed just before and after. */
interface Moment {
  readonly name: 'under load' | 'at rest';
  readonly claims: readonly { readonly ok: boolean; readonly illegal: readonly unknown[]; readonly kernel: Table }[];
  readonly before: Table;
  readonly after: Table;
  /** The rows whose addresses each worker had last, as the workers themselves wrote down. */
  readonly owned: readonly Table[];
  /** Pairs of addresses that both had within so short a time that nobody can tell whose the row is. */
  readonly contested: Readonly<Record<Side, number>>;
}

const SIDES: readonly Side[] = ['server', 'client'];

// What needs a tool that is not there is skipped by name, or fails where everything must run.
const ss = findSs((process.env['PATH'] ?? '').split(':'));
const problem = ss === undefined ? 'needs ss (iproute2)' : undefined;
if (problem !== undefined && process.env['FINWAIT_REQUIRE_TOOLS'] === '1') throw new Error(`a test ${problem}`);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const hasReusePort = major > 23 || (major === 23 && minor >= 1);

describe.skipIf(problem !== undefined)(
  `two processes with one port and one upstream claim no row twice${problem === undefined ? '' : ` (${problem})`}`,
  () => {
    let library: BuiltLibrary;

    beforeAll(() => {
      library = buildLibrary();
    });
    afterAll(() => library.remove());

    async function moments(mode: string): Promise<readonly Moment[]> {
      const ended = await run('shared-port.mjs', {
        args: [mode],
        env: { FINWAIT_DIST: library.folder, SS: ss ?? '' },
        deadlineMs: 50_000,
      });
      expect({ code: ended.code, signal: ended.signal, stderr: ended.stderr }).toEqual({
        code: 0,
        signal: null,
        stderr: '',
      });
      const { parallel, moments: all } = JSON.parse(ended.stdout) as { parallel: number; moments: readonly Moment[] };
      for (const moment of all) {
        for (const { ok, illegal } of moment.claims) expect({ ok, illegal }).toEqual({ ok: true, illegal: [] });
        // Under load the workers' samples and ss's tables are of different instants, as far apart as what moves.
        expectWithinTable(moment, moment.name === 'at rest' ? 0 : parallel);
      }
      const resting = all.filter(({ name }) => name === 'at rest');
      expect(resting.length).toBeGreaterThan(2);
      for (const moment of resting) expectOwnRows(moment);
      return all;
    }

    test('workers of a cluster that is fed round-robin', async () => {
      expectListeners(await moments('round-robin'), 0);
    }, 60_000);

    test('workers of a cluster that accept by themselves (SCHED_NONE)', async () => {
      expectListeners(await moments('none'), 0);
    }, 60_000);

    test.skipIf(!hasReusePort)(
      'processes that each listen with reusePort',
      async () => {
        expectListeners(await moments('reuse-port'), 2);
      },
      60_000,
    );
  },
);

/** The sum of what is claimed is nowhere more than ss shows, in any state, but for what nobody can tell. */
function expectWithinTable({ name, claims, before, after, contested }: Moment, tolerance: number): void {
  for (const side of SIDES) {
    const claimed = sumOf(claims.map(({ kernel }) => kernel[side]));
    const excess = Object.entries(claimed).filter(
      ([state, count]) =>
        count >
        Math.max(at(before[side], state), at(after[side], state)) +
          (state === 'listen' ? 0 : tolerance + contested[side]),
    );
    expect({ name, side, excess, claimed, before: before[side], after: after[side] }).toMatchObject({ excess: [] });
  }
}

/** At rest no worker claims more than it had, what is alive is claimed to the last row, and of TIME_WAIT most. */
function expectOwnRows({ claims, after, owned, contested }: Moment): void {
  for (const side of SIDES) {
    for (const [index, { kernel }] of claims.entries()) {
      const had = owned[index]?.[side] ?? {};
      const excess = Object.entries(kernel[side]).filter(
        ([state, count]) => state !== 'listen' && count > at(had, state) + contested[side],
      );
      expect({ side, index, excess, claimed: kernel[side], had }).toMatchObject({ excess: [] });
    }
    const claimed = sumOf(claims.map(({ kernel }) => kernel[side]));
    for (const state of ['established', 'close_wait']) {
      expect({ side, state, count: at(claimed, state) }).toEqual({ side, state, count: at(after[side], state) });
    }
    expect(at(after[side], 'time_wait')).toBeGreaterThan(50);
    expect(at(claimed, 'time_wait')).toBeGreaterThan(0.6 * at(after[side], 'time_wait'));
  }
  expect(at(after.server, 'close_wait')).toBeGreaterThan(0);
}

function expectListeners(all: readonly Moment[], count: number): void {
  for (const { claims } of all) expect(at(sumOf(claims.map(({ kernel }) => kernel.server)), 'listen')).toBe(count);
}

function sumOf(all: readonly Counts[]): Counts {
  const sum: Record<string, number> = {};
  for (const counts of all) for (const [state, count] of Object.entries(counts)) sum[state] = at(sum, state) + count;
  return sum;
}

function at(counts: Counts, state: string): number {
  return counts[state] ?? 0;
}
