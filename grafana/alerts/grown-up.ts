import type { LabelName } from '../../src/metrics/catalogue.ts';
import { select } from '../promql.ts';
import { GROWN_UP } from '../thresholds.ts';

/**
 * Leaves a condition about growth to processes that run for half an hour: pools and caches of a younger one fill up, and
 * its counts begin at 0 where those of the process before it, at the same address, were high. The count of samples tells
 * both: it is there from the first on, and begins anew with the process. `process_start_time_seconds` is not ours and may
 * be missing.
 *
 * @param labels those that the condition has and a process has not
 */
export function ofGrownProcess(condition: string, labels: readonly LabelName[]): string {
  const samples = select('collector_duration_seconds', {}, [], 'count');
  const process = labels.length === 0 ? '' : ` ignoring (${labels.join(', ')})`;
  return [
    condition,
    `and${process}`,
    `  present_over_time(${samples}[${GROWN_UP.seenWithin}] offset ${GROWN_UP.age})`,
    `unless${process}`,
    `  resets(${samples}[${GROWN_UP.noRestartWithin}]) > 0`,
  ].join('\n');
}
