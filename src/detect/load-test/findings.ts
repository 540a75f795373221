import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
export function findingsOf(_run: LoadRun): Finding[] {
  return [];
}
