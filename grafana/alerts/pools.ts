import { select } from '../promql.ts';
import { POOL_STARVED } from '../thresholds.ts';
import type { AlertRule } from './rule.ts';

const { standing } = POOL_STARVED;
const ACTIVE = select('pool_connections', { pool_state: 'active' });

/**
 * Requests wait at every sample, and the number of connections in use no longer grows: a pool at its limit. A pool that
 * still grows is only starting, and one without any connection in use cannot connect, which is another alert's.
 */
export const poolStarved: AlertRule = {
  alert: 'FinwaitPoolStarved',
  expr: [
    `min_over_time(${select('pool_pending_requests')}[${standing}]) > 0`,
    'and ignoring (pool_state)',
    `max_over_time(${ACTIVE}[${standing}]) <= max_over_time(${ACTIVE}[${standing}] offset ${standing}) > 0`,
  ].join('\n'),
  for: POOL_STARVED.for,
  keepFiringFor: POOL_STARVED.keepFiringFor,
  severity: 'warning',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) has too few connections to {{ $labels.name }}',
  description:
    `For ${standing} never fewer than {{ $value | printf "%.0f" }} requests waited for a connection to {{ $labels.name }}, ` +
    'while its pool used no more connections than before. The wait is in the latency of this service. The upstream ' +
    'answers too slowly, or the pool is too small.',
};
