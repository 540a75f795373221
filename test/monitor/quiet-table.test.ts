// Exactly what the kernel has: counts by state against a second reader, where nothing moves and where everything does.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { SampleResult } from 'finwait';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { findSs } from '../../src/kernel/ss/find-ss.ts';
import { STATE } from '../../src/tcp/state.ts';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { testWith } from '../support/tools.ts';

type Sampled = SampleResult & { readonly ok: true };
type Counts = Readonly<Record<string, number>>;

interface Moment {
  /** By the kernel's numbers. */
  readonly naive: Counts;
  readonly ss: { readonly established: number; readonly timeWait: number; readonly inuse: number };
}

interface Sample {
  readonly result: Sampled;
  readonly states: readonly number[];
}

interface Quiet {
  readonly before: Moment;
  readonly after: Moment;
  readonly samples: { readonly ss: Sample; readonly procfs: Sample };
  readonly lossy: readonly (Sampled & { readonly state: string })[];
}

interface Counters {
  readonly open: number;
  readonly opened: number;
}

interface Churn {
  readonly perSecond: number;
  readonly samples: readonly (Sample & {
    readonly source: 'ss' | 'procfs';
    readonly own: number;
    readonly before: Counters;
    readonly after: Counters;
  })[];
}

const PROGRAM = fileURLToPath(new URL('../fixtures/programs/quiet-table.mjs', import.meta.url));
const ss = findSs((process.env['PATH'] ?? '').split(':')) ?? '';
/** As root, or in a namespace of users of its own where the machine allows those. */
const NAMESPACE = process.getuid?.() === 0 ? ['unshare', '-n'] : ['unshare', '-rn'];
const NEEDED = `ss && command -v ip && command -v ${NAMESPACE.join(' ')} true`;
const DEADLINE_MS = 35_000;
const KEPT = 500;
const LOST = 500;

/** The states that a program can bring a socket into and hold it there, by the kernel's numbers. */
const STATES: ReadonlyMap<string, number> = new Map([
  ['1', STATE.ESTABLISHED],
  ['2', STATE.SYN_SENT],
  ['4', STATE.FIN_WAIT_1],
  ['5', STATE.FIN_WAIT_2],
  ['6', STATE.TIME_WAIT],
  ['8', STATE.CLOSE_WAIT],
  ['9', STATE.LAST_ACK],
  ['10', STATE.LISTEN],
]);

describe.skipIf(process.platform !== 'linux')(
  'the counts by state',
  () => {
    let library: BuiltLibrary;
    beforeAll(() => {
      library = buildLibrary();
    });
    afterAll(() => library.remove());

    testWith(
      NEEDED,
      'of 20,000 sockets at rest are those of a second reader, through ss and through procfs, and 500 lost rows show',
      async () => {
        const { before, after, samples, lossy } = await start<Quiet>('quiet');
        expect(after).toEqual(before);
        const total = Object.values(before.naive).reduce((sum, count) => sum + count, 0);
        expect(total).toBeGreaterThan(20_000);
        expect(Object.keys(before.naive)).toEqual([...STATES.keys()]);
        for (const [source, { result, states }] of Object.entries(samples)) {
          expect(result).toMatchObject({ ok: true, source, degraded: [], rows: total });
          const counts = [...STATES].map(([number, state]) => [number, states[state]]);
          expect(Object.fromEntries(counts)).toEqual(before.naive);
          expect(states.reduce((sum, count) => sum + count, 0)).toBe(total);
          const at = (state: number): number => states[state] ?? 0;
          // Nobody closed a descriptor on a FIN_WAIT_2, so all mini-sockets are in TIME_WAIT.
          expect({ established: at(STATE.ESTABLISHED) + at(STATE.CLOSE_WAIT), timeWait: at(STATE.TIME_WAIT) }).toEqual({
            established: before.ss.established,
            timeWait: before.ss.timeWait,
          });
          expect(total - at(STATE.TIME_WAIT)).toBe(before.ss.inuse);
        }
        expect(lossy.map(({ state }) => state)).toHaveLength(STATES.size - 1);
        for (const { state, rows, degraded } of lossy) {
          expect({ state, rows, degraded }).toEqual({ state, rows: total - LOST, degraded: ['inconsistent'] });
        }
      },
    );

    testWith(
      NEEDED,
      'of a table in which thousands of connections come and go in a second are within what came and went',
      async () => {
        const { perSecond, samples } = await start<Churn>('churn');
        expect(perSecond).toBeGreaterThan(1_000);
        const seen = { ss: 0, procfs: 0, inconsistent: 0, duplicates: 0 };
        for (const { source, result, states, own, before, after } of samples) {
          expect(result).toMatchObject({ ok: true, source });
          seen[source]++;
          for (const flaw of result.degraded) if (flaw === 'inconsistent' || flaw === 'duplicates') seen[flaw]++;
          // What stays is there in every table, and is never counted twice. Only netlink keeps its place.
          if (source === 'ss') expect(own).toBe(KEPT);
          else expect(own).toBeLessThanOrEqual(KEPT);
          if (result.degraded.includes('inconsistent')) continue;
          const opened = after.opened - before.opened;
          const closed = before.open + opened - after.open;
          const open = (states[STATE.ESTABLISHED] ?? 0) + (states[STATE.CLOSE_WAIT] ?? 0);
          expect(open).toBeGreaterThanOrEqual(Math.min(before.open, after.open) - 2 * (opened + closed) - 8);
          expect(open).toBeLessThanOrEqual(Math.max(before.open, after.open) + 2 * (opened + closed) + 8);
        }
        expect(seen.ss).toBeGreaterThan(10);
        expect(seen.procfs).toBeGreaterThan(10);
        console.log(`${Math.round(perSecond)} connects a second; samples:`, seen);
      },
    );

    // A namespace may have a hash table of its own since Linux 6.1. In chains as long as these netlink loses its place.
    testWith(
      `${NEEDED} && test -w /proc/sys/net/ipv4/tcp_child_ehash_entries`,
      'of a table with 16 hash chains have no socket twice, though ss prints rows twice; as many are missed, and it says so',
      async () => {
        const smallHash = 'echo 16 > /proc/sys/net/ipv4/tcp_child_ehash_entries && exec unshare -n "$@"';
        const { samples } = await start<Churn>('churn', [...NAMESPACE, 'sh', '-c', smallHash, 'sh']);
        const bySs = samples.filter(({ source }) => source === 'ss');
        const repeated = bySs.filter(({ result }) => result.degraded.includes('duplicates'));
        expect(repeated.length).toBeGreaterThan(0);
        for (const { own } of samples) expect(own).toBeLessThanOrEqual(KEPT);
        const own = bySs.map((sample) => sample.own);
        console.log(`${repeated.length} of ${bySs.length} samples by ss with duplicates; our 500: ${own.join(' ')}`);
      },
    );

    async function start<Report>(mode: 'quiet' | 'churn', under: readonly string[] = NAMESPACE): Promise<Report> {
      const [file = '', ...rest] = [...under, process.execPath, PROGRAM, mode];
      const env = { PATH: process.env['PATH'], FINWAIT_DIST: library.folder, FINWAIT_SS: ss };
      const { stdout, stderr } = await promisify(execFile)(file, rest, {
        timeout: DEADLINE_MS,
        maxBuffer: 2 ** 24,
        env,
      });
      expect(stderr).toBe('');
      return JSON.parse(stdout) as Report;
    }
  },
  2 * DEADLINE_MS,
);
