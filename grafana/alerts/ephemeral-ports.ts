import { select } from '../promql.ts';
import { EPHEMERAL_PORTS, EPHEMERAL_PORTS_RUNNING_OUT } from '../thresholds.ts';
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

/** At this rate there will be none: fires while there are ports left, however few or many are in use. */
export const ephemeralPortsRunningOut: AlertRule = {
  alert: 'FinwaitEphemeralPortsRunningOut',
  expr: `${select('ephemeral_ports_exhaustion_seconds')} < ${EPHEMERAL_PORTS_RUNNING_OUT.withinSeconds}`,
  for: EPHEMERAL_PORTS_RUNNING_OUT.for,
  keepFiringFor: EPHEMERAL_PORTS_RUNNING_OUT.keepFiringFor,
  severity: 'critical',
  summary:
    '{{ $labels.instance }} ({{ $labels.job }}) will be out of local ports towards {{ $labels.name }} in minutes',
  description:
    'If it goes on to open and close connections to {{ $labels.name }} as it does now, there is no local port left in ' +
    '{{ $value | humanizeDuration }}. Then every new connection to it fails at once with EADDRNOTAVAIL (EADDRINUSE where ' +
    'localAddress is set), while other upstreams work.',
};
