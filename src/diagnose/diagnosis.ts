import type { Finding } from '../detect/load-test/finding.ts';
import type { LoadRun } from '../detect/load-test/load-run.ts';

/** The number of the format of {@link Diagnosis}: it changes when a field changes its meaning or goes. */
export const DIAGNOSIS_FORMAT = 1;

/** What `finwait diagnose --json` writes, and what every other report is drawn from. */
export interface Diagnosis {
  readonly format: typeof DIAGNOSIS_FORMAT;
  /** The version of finwait. */
  readonly finwait: string;
  /** The wall clock when the recording began, ISO 8601. */
  readonly startedAt: string;
  /** What limited the test, the greatest impact first; empty where nothing was found. */
  readonly findings: readonly Finding[];
  readonly run: LoadRun;
  /** What looking cost: processor time of finwait and of what it started to look, in cores, since the load began. */
  readonly cost: { readonly samples: number; readonly medianIntervalMs: number; readonly cpuCores: number };
}
