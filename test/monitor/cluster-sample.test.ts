// One table for a cluster: how often ss runs, who claims what, and what becomes of it when its reader is killed.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { findSs } from '../../src/kernel/ss/find-ss.ts';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { testWith } from '../support/tools.ts';

type Counts = Readonly<Record<string, number>>;

interface View {
  readonly pid: number;
  readonly fresh: boolean;
  readonly startedAt: number;
  readonly kernel: Counts;
  readonly errors: readonly (readonly [string, number])[];
  readonly warnings: readonly string[];
}

interface Report {
  /** How many intervals a while had. */
  readonly most: number;
  /** How often ss ran in it. */
  readonly runsOver: number;
  /** How many tables of it each process has shown. */
  readonly shown: readonly number[];
  readonly views: readonly View[];
}

interface Whole extends Report {
  readonly atRest: readonly View[];
  readonly table: Counts;
  readonly onDemand: readonly (View & { readonly askedAt: number; readonly ok: boolean })[];
  readonly leaderIsWorker: boolean;
  readonly after: readonly View[];
  readonly recoveredMs: number;
  readonly intervalMs: number;
}

const realSs = findSs((process.env['PATH'] ?? '').split(':')) ?? '';
const PROGRAM = fileURLToPath(new URL('../fixtures/programs/cluster-sample.mjs', import.meta.url));
// A table with a small hash is read in no time, so that it is read often: a namespace may have one of its own.
const SMALL_HASH = 'echo 1024 > /proc/sys/net/ipv4/tcp_child_ehash_entries; exec unshare -n "$@"';
const OWN_NETWORK = process.getuid?.() === 0 ? ['unshare', '-n'] : ['unshare', '-rn'];
const NAMESPACE = [...OWN_NETWORK, 'sh', '-c', SMALL_HASH, 'sh'];
const NEEDED = `ss && command -v ip && command -v ${OWN_NETWORK.join(' ')} true`;
const DEADLINE_MS = 35_000;
const CLIENTS = 100;
/** What ss calls the states. */
const NAMES: Readonly<Record<string, string>> = {
  ESTAB: 'established',
  LISTEN: 'listen',
  'TIME-WAIT': 'time_wait',
  'FIN-WAIT-1': 'fin_wait_1',
  'FIN-WAIT-2': 'fin_wait_2',
  'CLOSE-WAIT': 'close_wait',
  'LAST-ACK': 'last_ack',
};

describe.skipIf(process.platform !== 'linux')(
  'a cluster of a primary and four workers',
  () => {
    let library: BuiltLibrary;
    let folder: string;
    beforeAll(() => {
      library = buildLibrary();
      folder = mkdtempSync(join(tmpdir(), 'finwait-cluster-'));
    });
    afterAll(() => {
      library.remove();
      rmSync(folder, { recursive: true, force: true });
    });

    testWith(
      'ss',
      'runs ss once an interval, claims no row twice, and goes on after its reader is killed',
      async () => {
        const report = await cluster<Whole>('fast', '');
        const {
          most,
          runsOver,
          shown: tables,
          atRest,
          table,
          onDemand,
          after,
          recoveredMs,
          intervalMs,
          views,
        } = report;
        expect(runsOver).toBeGreaterThan(0);
        // A reader on a busy machine may be late, and then somebody asks.
        expect(runsOver).toBeLessThanOrEqual(most + 2);
        expect(tables).toHaveLength(5);
        // One may have begun or ended as the while did; and what somebody else asked for is not shown by a process that
        // has not looked at its own sockets before.
        for (const count of tables) expect(count).toBeLessThanOrEqual(runsOver + 1);
        expect(Math.min(...tables)).toBeGreaterThan(0);

        expect(atRest).toHaveLength(5);
        expect(atRest.every(({ fresh }) => fresh)).toBe(true);
        const claimed = sumOf(atRest.map(({ kernel }) => kernel));
        const shown = Object.fromEntries(Object.entries(table).map(([name, count]) => [NAMES[name], count]));
        expect(shown).toMatchObject({ listen: 1, established: CLIENTS - 20 });
        expect(claimed['established']).toBe(shown['established']);
        for (const [state, count] of Object.entries(claimed)) {
          expect({ state, count: Math.min(count, shown[state] ?? 0) }).toEqual({ state, count });
        }
        // The primary's, who accepts for all.
        expect(atRest.map(({ kernel }) => kernel['listen'])).toEqual([1, 0, 0, 0, 0]);

        expect(onDemand).toHaveLength(4);
        for (const { ok, startedAt, askedAt } of onDemand)
          expect({ ok, late: startedAt > askedAt }).toEqual({ ok: true, late: true });

        expect(after).toHaveLength(4);
        expect(recoveredMs).toBeLessThan(3 * intervalMs);
        for (const { errors, warnings } of views) {
          expect(warnings).toEqual([]);
          expect(errors.filter(([key]) => key !== 'shared leader_lost')).toEqual([]);
        }
        console.log({
          most,
          runsOver,
          tables,
          intervalMs: Math.round(intervalMs),
          recoveredMs: Math.round(recoveredMs),
          leaderIsWorker: report.leaderIsWorker,
          claimed,
          shown,
        });
      },
    );

    testWith(NEEDED, 'does not have ss run again because it takes long', async () => {
      const { runsOver, shown, views } = await cluster<Report>('slow', 'sleep 1.2');
      expect(views.every(({ fresh }) => fresh)).toBe(true);
      // At 1% of a core the next table is due in two minutes.
      expect({ runsOver, shown }).toEqual({ runsOver: 0, shown: [0, 0, 0, 0, 0] });
    });

    async function cluster<Result extends Report>(name: string, before: string): Promise<Result> {
      const [path, runs] = [join(folder, name), join(folder, `${name}.runs`)];
      writeFileSync(runs, '');
      writeFileSync(path, `#!/bin/sh\necho $PPID >> '${runs}'\n${before}\nexec '${realSs}' "$@"\n`, { mode: 0o755 });
      const env = {
        PATH: process.env['PATH'],
        FINWAIT_DIST: library.folder,
        SS: path,
        REAL_SS: realSs,
        RUNS: runs,
        ...(before === '' ? {} : { SLOW: '1' }),
      };
      const [file = '', ...rest] = [...NAMESPACE, process.execPath, PROGRAM, 'loopback'];
      const { stdout, stderr } = await promisify(execFile)(file, rest, { timeout: DEADLINE_MS, env });
      expect(stderr).toBe('');
      return JSON.parse(stdout) as Result;
    }
  },
  2 * DEADLINE_MS,
);

function sumOf(all: readonly Counts[]): Counts {
  const sum: Record<string, number> = {};
  for (const counts of all) for (const [state, count] of Object.entries(counts)) sum[state] = (sum[state] ?? 0) + count;
  return sum;
}
