import { select } from '../promql.ts';
import { CLOSE_WAIT_LEAK } from '../thresholds.ts';
import type { AlertRule } from './rule.ts';

const { atLeast, standing, grownWithin } = CLOSE_WAIT_LEAK;
const CLOSE_WAIT = select('sockets', { state: 'close_wait' });

/**
 * CLOSE_WAIT old and growing, for one name of one process. Both halves are minima over a window: what every sample saw
 * cannot be traffic passing through, and a sample that is missing is passed over instead of ending the condition.
 */
export const closeWaitLeak: AlertRule = {
  alert: 'FinwaitCloseWaitLeak',
  expr: [
    '(',
    `    min_over_time(${CLOSE_WAIT}[${standing}])`,
    '  >',
    `    min_over_time(${CLOSE_WAIT}[${grownWithin}])`,
    `) >= ${atLeast}`,
  ].join('\n'),
  for: CLOSE_WAIT_LEAK.for,
  keepFiringFor: CLOSE_WAIT_LEAK.keepFiringFor,
  severity: 'warning',
  summary:
    '{{ $labels.instance }} ({{ $labels.job }}) leaks sockets in CLOSE_WAIT on {{ $labels.side }} {{ $labels.name }}',
  description:
    `For ${standing} never fewer than {{ $value | printf "%.0f" }} connections of {{ $labels.side }} {{ $labels.name }} ` +
    `were in CLOSE_WAIT, and they have become more within ${grownWithin}: their peers have closed, this process has ` +
    'not. Each holds a file descriptor until the process ends; when those run out, it accepts and opens no connection.',
};
