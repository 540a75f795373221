import type { LimitKind } from '../../detect/load-test/finding.ts';
import type { PlotId } from './plots.ts';

/** Where each limit shows, the telling plot first. */
export const EVIDENCE_PLOTS: { readonly [kind in LimitKind]: readonly [PlotId, ...PlotId[]] } = {
  target_gone: ['server_states', 'processes', 'resets'],
  descriptors_exhausted: ['descriptors', 'accept_queue', 'resets'],
  loop_blocked: ['accept_wait', 'accept_queue', 'server_bytes', 'processor'],
  accept_queue_full: ['accept_queue', 'dropped', 'retransmits', 'callers_states'],
  ports_exhausted: ['ports', 'callers_states', 'outbound_states', 'time_waits', 'opened'],
  ports_running_out: ['ports', 'callers_states', 'outbound_states', 'time_waits', 'opened'],
  connections_refused: ['resets', 'connect_failures', 'opened'],
  packets_lost: ['retransmits', 'server_rows', 'callers_rows', 'segments'],
  syn_dropped: ['retransmits', 'dropped', 'callers_states', 'callers_rows'],
  keep_alive_race: ['race', 'resets', 'aborts', 'closed_first', 'server_states'],
  resets: ['resets', 'aborts'],
  leak: ['server_states', 'node_server_states', 'close_wait_causes', 'outbound_states', 'descriptors', 'server_rows'],
  reader_stalled: ['server_bytes', 'server_rows', 'callers_bytes', 'callers_rows'],
  server_closes_first: ['server_states', 'time_waits', 'opened', 'closed_first'],
  connections_not_reused: ['callers_states', 'opened', 'time_waits', 'ports', 'requests'],
  generator_limited: ['processor', 'descriptors'],
  server_busy: ['processor', 'requests'],
};
