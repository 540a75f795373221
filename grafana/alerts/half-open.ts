import { select } from '../promql.ts';
import { HALF_OPEN } from '../thresholds.ts';
import type { AlertRule } from './rule.ts';

/** Connections on which the peer has not acknowledged anything for three retransmissions: it is gone, or cannot be reached. */
export const halfOpenConnections: AlertRule = {
  alert: 'FinwaitHalfOpenConnections',
  expr: `min_over_time(${select('half_open_suspects')}[${HALF_OPEN.standing}]) >= ${HALF_OPEN.atLeast}`,
  for: HALF_OPEN.for,
  keepFiringFor: HALF_OPEN.keepFiringFor,
  severity: 'warning',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) talks to nobody on {{ $labels.side }} {{ $labels.name }}',
  description:
    `For ${HALF_OPEN.standing} never fewer than {{ $value | printf "%.0f" }} connections of {{ $labels.side }} ` +
    '{{ $labels.name }} were established without an answer: the kernel has sent their bytes three times and more, and the ' +
    'peer acknowledges nothing. It gives up after a quarter of an hour (net.ipv4.tcp_retries2); until then requests on ' +
    'them hang.',
};
