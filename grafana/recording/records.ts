// What a fleet of thousands is asked for: per process (`instance`) or per service (`job`), without names. Labels that a
// Prometheus gives its targets are kept, so that a rule groups by none of them.
import { oncePerNamespace, PER_PROCESS } from '../once-per-namespace.ts';
import { metricName, select } from '../promql.ts';
import type { RecordingRule } from './record.ts';

const WITHIN = '5m';
const JOB = PER_PROCESS.join(', ');

/** The name of a recorded series: at which level, of which metric or question, done what with. */
export function recordName(level: string, question: string, operation: string): RecordingRule['record'] {
  // Any metric has the prefix; a question that is no metric takes it from there.
  const prefix = metricName('info').slice(0, -'info'.length);
  return `${level}:${prefix}${question}:${operation}`;
}

/** Every recording rule. */
export const RECORDS: readonly RecordingRule[] = [
  {
    record: recordName('instance_state', 'leaked_sockets', 'sum'),
    expr: `sum without (side, name) (${select('leaked_sockets')})`,
  },
  {
    record: recordName('instance_state', 'oldest_socket_age_seconds', 'max'),
    expr: `max without (side, name) (${select('oldest_socket_age_seconds')})`,
  },
  {
    // Three of the eleven: by process nobody asks for the others, and all would be 110,000 series of 10,000 processes.
    record: recordName('instance_state', 'sockets', 'sum'),
    expr: `sum without (side, name) (${select('sockets', {}, ['state=~"established|close_wait|time_wait"'])})`,
  },
  {
    record: recordName('instance', 'open_connections', 'sum'),
    expr: `sum without (side, name) (${select('open_connections')})`,
  },
  {
    record: recordName('instance', 'connections_opened', 'rate5m'),
    expr: `sum without (side, name) (rate(${select('connections_opened_total')}[${WITHIN}]))`,
  },
  {
    record: recordName('instance', 'accept_queue', 'max_ratio'),
    expr: `max without (name) (${select('accept_queue_connections')} / (${select('accept_queue_limit')} + 1))`,
  },
  {
    record: recordName('instance', 'ephemeral_ports', 'max_ratio'),
    expr: `max without (name) (${select('ephemeral_ports_used')} / ignoring (name) group_left () ${select('ephemeral_ports_limit')})`,
  },
  {
    record: recordName('job_state', 'sockets', 'sum'),
    expr: `sum without (${JOB}, side, name) (${select('sockets')})`,
  },
  {
    record: recordName('job_cause', 'close_wait_sockets', 'sum'),
    expr: `sum without (${JOB}, side, name) (${select('close_wait_sockets')})`,
  },
  {
    record: recordName('job_side_outcome', 'connections_closed', 'rate5m'),
    expr: `sum without (${JOB}, name, initiator) (rate(${select('connections_closed_total')}[${WITHIN}]))`,
  },
  {
    record: recordName('job_name', 'connects', 'rate5m'),
    expr: `sum without (${JOB}) (rate(${select('connects_total')}[${WITHIN}]))`,
  },
  {
    record: recordName('job_name', 'connect_failures', 'rate5m'),
    expr: `sum without (${JOB}, reason) (rate(${select('connect_failures_total', { reason: { not: 'aborted' } })}[${WITHIN}]))`,
  },
  {
    record: recordName('job', 'netns_listen_overflows', 'rate5m'),
    expr: `sum without (netns) (${oncePerNamespace(
      'max',
      'netns_listen_overflows_total',
      `rate(${select('netns_listen_overflows_total')}[${WITHIN}])`,
    )})`,
  },
];
