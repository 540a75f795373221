import { select } from '../promql.ts';
import { COLLECTOR_DOWN } from '../thresholds.ts';
import type { AlertRule } from './rule.ts';

/** No table for long: the alerts about the kernel's column are blind for this process. */
export const collectorDown: AlertRule = {
  alert: 'FinwaitCollectorDown',
  expr: `${select('collector_up')} == 0`,
  for: COLLECTOR_DOWN.for,
  keepFiringFor: COLLECTOR_DOWN.keepFiringFor,
  severity: 'warning',
  summary: "{{ $labels.instance }} ({{ $labels.job }}) cannot read the kernel's socket table",
  description:
    `For ${COLLECTOR_DOWN.for} its newest complete table has been older than 3 sampling intervals (collector_up is ` +
    "{{ $value }}), so the kernel's column is missing: alerts on CLOSE_WAIT, accept queues and local ports cannot fire for " +
    'this process. collector_errors_total says why.',
};
