import { select } from '../promql.ts';
import { CLOSE_WAIT_LEAK, CLOSE_WAIT_OLD } from '../thresholds.ts';
import { ofGrownProcess } from './grown-up.ts';
import { lastKnown } from './last-known.ts';
import type { AlertRule } from './rule.ts';
import { WHOSE } from './whose.ts';

const { atLeast, standing, grownWithin } = CLOSE_WAIT_LEAK;
const LEAKED = select('leaked_sockets', { state: 'close_wait' });

/**
 * Leaked in CLOSE_WAIT and growing, for one name of one process. Both halves are minima over a window: what every sample
 * saw cannot be traffic passing through, and a sample that is missing is passed over instead of ending the condition.
 */
export const closeWaitLeak: AlertRule = {
  alert: 'FinwaitCloseWaitLeak',
  expr: ofGrownProcess(
    [
      '(',
      `    min_over_time(${LEAKED}[${standing}])`,
      '  >',
      `    min_over_time(${LEAKED}[${grownWithin}])`,
      `) >= ${atLeast}`,
    ].join('\n'),
    ['side', 'name', 'state'],
  ),
  for: CLOSE_WAIT_LEAK.for,
  keepFiringFor: CLOSE_WAIT_LEAK.keepFiringFor,
  severity: 'warning',
  summary: `{{ $labels.instance }} ({{ $labels.job }}) leaks sockets in CLOSE_WAIT: ${WHOSE}`,
  description:
    `For ${standing} never fewer than {{ $value | printf "%.0f" }} sockets (${WHOSE}) were leaked in CLOSE_WAIT, idle for a ` +
    `minute and more, and they have become more within ${grownWithin}: their peers have closed, this process has not. Each ` +
    'holds a file descriptor until the process ends; when those run out, it accepts and opens no connection. ' +
    'close_wait_sockets says by which cause.',
};

/** One socket that has been forgotten there is enough, and it need not grow: what leaks once a day is found by its age. */
export const closeWaitOld: AlertRule = {
  alert: 'FinwaitCloseWaitOld',
  expr: [
    `  ${lastKnown(select('oldest_socket_age_seconds', { state: 'close_wait' }))} >= ${CLOSE_WAIT_OLD.olderThanSeconds}`,
    'and',
    `  ${lastKnown(LEAKED)} > 0`,
  ]
    .join('\n')
    .trimStart(),
  for: CLOSE_WAIT_OLD.for,
  keepFiringFor: CLOSE_WAIT_OLD.keepFiringFor,
  severity: 'warning',
  summary: `{{ $labels.instance }} ({{ $labels.job }}) has forgotten a socket in CLOSE_WAIT: ${WHOSE}`,
  description:
    `The oldest socket in CLOSE_WAIT (${WHOSE}) has been there for {{ $value | humanizeDuration }} at least, and no byte ` +
    'moves on it: its peer has closed, this process never did. It stays until the process ends, with its descriptor and ' +
    'all that its handlers hold.',
};
