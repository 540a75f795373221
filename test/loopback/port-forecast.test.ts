// The forecast of local ports against the one who gives them out: in a namespace with 2,000 of them.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { UpstreamSnapshot, Verdict } from 'finwait';
import { describe, expect } from 'vitest';
import { testWith } from '../support/tools.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/programs/port-churn.mjs', import.meta.url));
// As root or in a namespace of users of its own, where the machine allows those.
const TOOLS = 'ss && command -v ip && command -v unshare && unshare -rnm true';
const DEADLINE_MS = 60_000;

interface Report {
  /** What was shown before the first failure, and when. */
  readonly foretold: readonly { readonly afterMs: number; readonly leftMs: number }[];
  readonly failedAfterMs: number;
  /** Rows towards the upstream, as ss counts them after the failure. */
  readonly counted: number;
  readonly used: number;
  readonly failures: number;
  /** TIME_WAITs towards the upstream that finwait cannot prove to be this process's. */
  readonly unattributed: number;
  readonly upstream: UpstreamSnapshot;
  readonly verdicts: readonly Verdict[];
}

async function run(): Promise<Report> {
  const parameters = ['-rnm', process.execPath, '--import', import.meta.resolve('tsx'), PROGRAM];
  const options = { timeout: DEADLINE_MS, env: { PATH: process.env['PATH'] } };
  const { stdout } = await promisify(execFile)('unshare', parameters, options);
  return JSON.parse(stdout) as Report;
}

describe('20,000 connections, 2,000 ports', () => {
  testWith(
    TOOLS,
    'foretold before the first EADDRNOTAVAIL, counted as ss counts, and said what to do',
    async () => {
      const { foretold, failedAfterMs, counted, used, failures, unattributed, upstream, verdicts } = await run();
      const [first] = foretold;
      expect(first?.afterMs).toBeLessThan(failedAfterMs);
      // On a machine that is busy with other things, churn is not as steady as it means to be.
      for (const { afterMs, leftMs } of foretold.filter(({ afterMs }) => failedAfterMs - afterMs > 500)) {
        expect(afterMs + leftMs).toBeGreaterThan(failedAfterMs / 2);
        expect(afterMs + leftMs).toBeLessThan(failedAfterMs * 2);
      }
      expect(used).toBe(counted);
      // What was under way when the first one failed may end without a TIME_WAIT.
      expect(used).toBeGreaterThan(1_950);
      expect(failures).toBeGreaterThan(0);
      expect(upstream).toMatchObject({
        ports: { used, limit: 2_000, exhaustionMs: 0, isBound: false },
        connects: { failed: { port_exhausted: failures } },
      });
      // After a pause of the whole machine, Node sees a close too late to prove whose TIME_WAIT it is.
      expect((upstream.timeWait ?? 0) + unattributed).toBe(used);
      expect(upstream.closedLocally).toBe(upstream.closed);
      expect(verdicts.map(({ kind, severity }) => `${severity} ${kind}`)).toEqual([
        'critical ports_exhausted',
        'warning connections_not_reused',
        'warning port_range_small',
      ]);
    },
    DEADLINE_MS,
  );
});
