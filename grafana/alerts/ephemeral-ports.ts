import { ITS_INSTANCES, oncePerNamespace } from '../once-per-namespace.ts';
import { select } from '../promql.ts';
import { EPHEMERAL_PORTS, EPHEMERAL_PORTS_RUNNING_OUT } from '../thresholds.ts';
import { lastKnown } from './last-known.ts';
import type { AlertRule } from './rule.ts';

/** Local ports towards one destination run low. Every process of a namespace sees them all: they count once. */
export const ephemeralPortsLow: AlertRule = {
  alert: 'FinwaitEphemeralPortsLow',
  expr: `${oncePerNamespace(
    'max',
    'ephemeral_ports_used',
    `${lastKnown(select('ephemeral_ports_used'))} / ignoring (name) group_left () ${lastKnown(select('ephemeral_ports_limit'))}`,
  )} >= ${EPHEMERAL_PORTS.lowFrom}`,
  for: EPHEMERAL_PORTS.for,
  keepFiringFor: EPHEMERAL_PORTS.keepFiringFor,
  severity: 'critical',
  summary:
    '{{ $labels.job }} runs out of local ports towards {{ $labels.name }}, in network namespace {{ $labels.netns }}',
  description:
    '{{ $value | humanizePercentage }} of the local ports towards {{ $labels.name }} are in use. At 100% every new ' +
    'connection to it fails at once with EADDRNOTAVAIL (EADDRINUSE where localAddress is set), while other upstreams ' +
    `work. Processes of finwait in that namespace:${ITS_INSTANCES}`,
};

/** At this rate there will be none: fires while there are ports left, however few or many are in use. */
export const ephemeralPortsRunningOut: AlertRule = {
  alert: 'FinwaitEphemeralPortsRunningOut',
  expr: `${oncePerNamespace(
    'min',
    'ephemeral_ports_exhaustion_seconds',
    lastKnown(select('ephemeral_ports_exhaustion_seconds'), EPHEMERAL_PORTS_RUNNING_OUT.lastKnownWithin),
  )} < ${EPHEMERAL_PORTS_RUNNING_OUT.withinSeconds}`,
  for: EPHEMERAL_PORTS_RUNNING_OUT.for,
  keepFiringFor: EPHEMERAL_PORTS_RUNNING_OUT.keepFiringFor,
  severity: 'critical',
  summary:
    '{{ $labels.job }} will be out of local ports towards {{ $labels.name }} in minutes, in network namespace ' +
    '{{ $labels.netns }}',
  description:
    'If it goes on to open and close connections to {{ $labels.name }} as it does now, there is no local port left in ' +
    '{{ $value | humanizeDuration }}. Then every new connection to it fails at once with EADDRNOTAVAIL (EADDRINUSE where ' +
    `localAddress is set), while other upstreams work. Processes of finwait in that namespace:${ITS_INSTANCES}`,
};
