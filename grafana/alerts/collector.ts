import { select } from '../promql.ts';
import { COLLECTOR_DOWN, COLLECTOR_STALE } from '../thresholds.ts';
import { lastKnown } from './last-known.ts';
import type { AlertRule } from './rule.ts';

const UP = lastKnown(select('collector_up'));

/** No table for long: the alerts about the kernel's column are blind for this process. */
export const collectorDown: AlertRule = {
  alert: 'FinwaitCollectorDown',
  expr: `${UP} == 0`,
  for: COLLECTOR_DOWN.for,
  keepFiringFor: COLLECTOR_DOWN.keepFiringFor,
  severity: 'warning',
  summary: "{{ $labels.instance }} ({{ $labels.job }}) cannot read the kernel's socket table",
  description:
    `For ${COLLECTOR_DOWN.for} its newest complete table has been older than 3 sampling intervals (collector_up is ` +
    "{{ $value }}), so the kernel's column is missing: alerts on CLOSE_WAIT, accept queues and local ports cannot fire for " +
    'this process. collector_errors_total says why.',
};

/** There is a table, and it is old, because its process reads it seldom. */
export const collectorStale: AlertRule = {
  alert: 'FinwaitCollectorStale',
  expr: [
    `time() - ${lastKnown(select('collector_last_success_timestamp_seconds'))} > ${COLLECTOR_STALE.olderThanSeconds}`,
    'and',
    `  ${UP} == 1`,
  ].join('\n'),
  for: COLLECTOR_STALE.for,
  keepFiringFor: COLLECTOR_STALE.keepFiringFor,
  severity: 'warning',
  summary: "{{ $labels.instance }} ({{ $labels.job }}) reads the kernel's socket table too seldom",
  description:
    `Its newest table is {{ $value | humanizeDuration }} old, and has been old for ${COLLECTOR_STALE.for}. finwait keeps ` +
    'what reading costs below a hundredth of a core, so a table that is dear to read is read seldom, or the interval is set ' +
    'so. Alerts about the kernel come late by that much, and miss what is shorter.',
};
