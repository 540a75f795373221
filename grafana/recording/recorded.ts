import type { Json } from '../finalize.ts';
import { metricName } from '../promql.ts';
import { ofFleet, rate } from '../series.ts';
import { recordName } from './records.ts';

const PROCESS = '{job=~"$job", instance=~"$instance"}';
/** What is recorded for a service has no instance: there those panels follow the job alone. */
const SERVICE = '{job=~"$job"}';

/** What a query of the fleet says of raw series, and what it says of recorded ones instead. */
const INSTEAD: readonly (readonly [raw: string, recorded: string])[] = [
  [`${metricName('leaked_sockets')}{`, `${recordName('instance_state', 'leaked_sockets', 'sum')}{`],
  [
    `${metricName('oldest_socket_age_seconds')}{`,
    `${recordName('instance_state', 'oldest_socket_age_seconds', 'max')}{`,
  ],
  [`${metricName('sockets')}{`, `${recordName('instance_state', 'sockets', 'sum')}{`],
  [`${metricName('open_connections')}{`, `${recordName('instance', 'open_connections', 'sum')}{`],
  [rate(ofFleet('connections_opened_total')), `${recordName('instance', 'connections_opened', 'rate5m')}${PROCESS}`],
  [
    `${ofFleet('accept_queue_connections')} / (${ofFleet('accept_queue_limit')} + 1)`,
    `${recordName('instance', 'accept_queue', 'max_ratio')}${PROCESS}`,
  ],
  [
    `${ofFleet('ephemeral_ports_used')} / on (job, instance) group_left () ${ofFleet('ephemeral_ports_limit')}`,
    `${recordName('instance', 'ephemeral_ports', 'max_ratio')}${PROCESS}`,
  ],
  [rate(ofFleet('connects_total')), `${recordName('job_name', 'connects', 'rate5m')}${SERVICE}`],
  [
    rate(ofFleet('connect_failures_total', { reason: { not: 'aborted' } })),
    `${recordName('job_name', 'connect_failures', 'rate5m')}${SERVICE}`,
  ],
];

/**
 * The same dashboard over recorded series, where there are any for what it asks: for fleets whose raw series are too many
 * for one query. The sums are the same, for they are sums of sums; rates are those of five minutes.
 */
export function recorded(dashboard: Json): Json {
  if (Array.isArray(dashboard)) return dashboard.map((item: Json) => recorded(item));
  if (typeof dashboard !== 'object' || dashboard === null) return dashboard;
  return Object.fromEntries(
    Object.entries(dashboard).map(([key, value]) => [
      key,
      key === 'expr' && typeof value === 'string' ? recordedQuery(value) : recorded(value as Json),
    ]),
  );
}

function recordedQuery(expr: string): string {
  return INSTEAD.reduce((query, [raw, instead]) => query.replaceAll(raw, instead), expr);
}
