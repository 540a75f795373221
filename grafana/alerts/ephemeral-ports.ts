import { select } from '../promql.ts';
import { EPHEMERAL_PORTS } from '../thresholds.ts';
import type { AlertRule } from './rule.ts';

/** Local ports towards one destination run low. Used and limit are of one process, which sees the whole namespace. */
export const ephemeralPortsLow: AlertRule = {
  alert: 'FinwaitEphemeralPortsLow',
  expr: [
    select('ephemeral_ports_used'),
    '  / on (job, instance) group_left ()',
    select('ephemeral_ports_limit'),
    `  >= ${EPHEMERAL_PORTS.lowFrom}`,
  ].join('\n'),
  for: EPHEMERAL_PORTS.for,
  keepFiringFor: EPHEMERAL_PORTS.keepFiringFor,
  severity: 'critical',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) runs out of local ports towards {{ $labels.name }}',
  description:
    '{{ $value | humanizePercentage }} of the local ports towards {{ $labels.name }} are in use. At 100% every new ' +
    'connection to it fails at once with EADDRNOTAVAIL (EADDRINUSE where localAddress is set), while other upstreams work.',
};
