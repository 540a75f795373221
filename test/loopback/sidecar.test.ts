// A pod: two processes with finwait and one without, all clients of one upstream, in one network namespace.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { SampleResult } from 'finwait';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { testWith } from '../support/tools.ts';

type Counts = Readonly<Record<string, number>>;

interface View {
  readonly role: 'watched' | 'foreign';
  readonly result?: SampleResult;
  readonly kernel: Counts;
  readonly unattributed: Counts;
}

interface Moment {
  /** What ss showed just before and after the samples. */
  readonly before: Counts;
  readonly after: Counts;
  /** The rows whose addresses each process had last, as the processes themselves wrote down. */
  readonly owned: readonly Counts[];
  readonly views: readonly View[];
}

const PROGRAM = fileURLToPath(new URL('../fixtures/programs/sidecar.mjs', import.meta.url));
const NAMESPACE = process.getuid?.() === 0 ? ['unshare', '-n'] : ['unshare', '-rn'];
const DEADLINE_MS = 35_000;

describe.skipIf(process.platform !== 'linux')(
  'two processes with finwait and a foreign one, on one upstream',
  () => {
    let library: BuiltLibrary;
    beforeAll(() => {
      library = buildLibrary();
    });
    afterAll(() => library.remove());

    testWith(
      `ss && command -v ip && command -v ${NAMESPACE.join(' ')} true`,
      'claim no row twice and none of the foreign one, which shows as unattributed',
      async () => {
        const { roles, moments } = await pod();
        expect(roles).toEqual(['watched', 'watched', 'foreign']);
        expect(moments).toHaveLength(8);
        for (const { before, after, owned, views } of moments) {
          expect(after).toEqual(before);
          const foreign = owned[2] ?? {};
          expect(at(foreign, 'time_wait')).toBeGreaterThan(20);
          const watched = views.filter(({ role }) => role === 'watched');
          for (const [index, { result, kernel, unattributed }] of watched.entries()) {
            expect(result).toMatchObject({ ok: true, degraded: [] });
            const own = owned[index] ?? {};
            for (const [state, count] of Object.entries(kernel)) {
              expect({ state, index, excess: Math.max(0, count - at(own, state)) }).toEqual({
                state,
                index,
                excess: 0,
              });
            }
            expect(kernel['established']).toBe(at(own, 'established'));
            // A pair that changed hands within a second is nobody's to claim.
            expect(at(kernel, 'time_wait')).toBeGreaterThan(0.9 * at(own, 'time_wait'));
            // What has no owner any more is claimed, or shown as what may be anybody's; what others hold is neither.
            expect(at(kernel, 'time_wait') + at(unattributed, 'time_wait')).toBe(at(after, 'time_wait'));
            expect(at(unattributed, 'established')).toBe(0);
          }
          for (const state of new Set([
            ...Object.keys(after),
            ...watched.flatMap(({ kernel }) => Object.keys(kernel)),
          ])) {
            const claimed = watched.reduce((sum, { kernel }) => sum + at(kernel, state), 0);
            const limit = at(after, state) - at(foreign, state);
            expect({ state, claimed: Math.min(claimed, limit) }).toEqual({ state, claimed });
          }
        }
        const claims = moments.map(({ views }) =>
          views
            .slice(0, 2)
            .map(({ kernel }) => at(kernel, 'time_wait'))
            .join('+'),
        );
        const shown = moments.map(({ after, owned }) => `${at(after, 'time_wait')}-${at(owned[2] ?? {}, 'time_wait')}`);
        console.log("TIME_WAIT claimed by the two, of those that are not the foreign one's:", claims, shown);
      },
    );

    async function pod(): Promise<{ readonly roles: readonly string[]; readonly moments: readonly Moment[] }> {
      const [file = '', ...rest] = [...NAMESPACE, process.execPath, PROGRAM];
      const env = { PATH: process.env['PATH'], FINWAIT_DIST: library.folder };
      const { stdout, stderr } = await promisify(execFile)(file, rest, {
        timeout: DEADLINE_MS,
        maxBuffer: 2 ** 24,
        env,
      });
      expect(stderr).toBe('');
      return JSON.parse(stdout);
    }
  },
  DEADLINE_MS,
);

function at(counts: Counts, state: string): number {
  return counts[state] ?? 0;
}
