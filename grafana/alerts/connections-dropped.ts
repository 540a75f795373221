import { select } from '../promql.ts';
import { CONNECTIONS_DROPPED } from '../thresholds.ts';
import type { AlertRule } from './rule.ts';

/** A server turns clients away by its own rule, and not only in one burst. */
export const connectionsDropped: AlertRule = {
  alert: 'FinwaitConnectionsDropped',
  expr: `increase(${select('connections_dropped_total')}[${CONNECTIONS_DROPPED.within}]) > 0`,
  for: CONNECTIONS_DROPPED.for,
  keepFiringFor: CONNECTIONS_DROPPED.keepFiringFor,
  severity: 'warning',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) turns clients of {{ $labels.name }} away',
  description:
    `{{ $value | printf "%.0f" }} connections to {{ $labels.name }} were closed as soon as they were accepted within ` +
    `${CONNECTIONS_DROPPED.within}, because the server had as many as maxConnections allows, and it has gone on for ` +
    `${CONNECTIONS_DROPPED.for}. Their clients see a connection that ends before its first byte.`,
};
