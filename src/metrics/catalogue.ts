import { CLOSE_WAIT_CAUSES, DIVERGENCES, REMEDIED_CAUSES } from '../detect/leaks/leak.ts';
import { COLLECTOR_REASONS, SOURCES } from '../kernel/source.ts';
import type { Level } from '../monitor/options.ts';
import { COMPONENTS } from '../sockets/component.ts';
import { CONNECT_FAILURES } from '../sockets/connect-failure.ts';
import { ATTEMPT_RESULTS, CONNECT_PHASES, FAMILIES } from '../sockets/connects.ts';
import { SIDES } from '../sockets/names.ts';
import { IDLE_CLOSES } from '../sockets/requests.ts';
import { STATE_LABELS } from '../tcp/state.ts';

/** Every label a metric may carry. An address, a path, a stack or a message is none. */
export type LabelName =
  | 'side'
  | 'name'
  | 'state'
  | 'initiator'
  | 'outcome'
  | 'from'
  | 'to'
  | 'direction'
  | 'queue'
  | 'family'
  | 'result'
  | 'phase'
  | 'cause'
  | 'kind'
  | 'pool_state'
  | 'source'
  | 'reason'
  | 'component'
  | 'version'
  | 'node_version'
  | 'netns';

/**
 * How values of several processes are put together. `sum`; `max`, for what all processes of a network namespace see
 * alike; `min`, for what the worst of them sees first; `first`, for what is the same in each; `omit`, for what means
 * nothing in common.
 */
export type Aggregate = 'sum' | 'max' | 'min' | 'first' | 'omit';

/** The name of a metric, without the prefix. */
export type MetricName =
  | 'sockets'
  | 'node_sockets'
  | 'netns_sockets'
  | 'netns_unattributed_sockets'
  | 'connections_opened_total'
  | 'connections_adopted_total'
  | 'connections_released_total'
  | 'connections_closed_total'
  | 'open_connections'
  | 'connection_duration_seconds'
  | 'connection_duration_by_name_seconds'
  | 'state_transitions_total'
  | 'state_duration_seconds'
  | 'connects_total'
  | 'connect_failures_total'
  | 'pending_connects'
  | 'connect_attempts_total'
  | 'connect_duration_seconds'
  | 'connect_duration_by_name_seconds'
  | 'connections_dropped_total'
  | 'requests_total'
  | 'requests_per_connection'
  | 'closed_with_active_request_total'
  | 'reused_connection_errors_total'
  | 'idle_closes_total'
  | 'idle_at_close_seconds'
  | 'keep_alive_timeout_seconds'
  | 'pool_connections'
  | 'pool_pending_requests'
  | 'close_wait_sockets'
  | 'leaked_sockets'
  | 'oldest_socket_age_seconds'
  | 'half_open_suspects'
  | 'divergent_sockets'
  | 'remedied_sockets_total'
  | 'half_closes_total'
  | 'resets_total'
  | 'bytes_total'
  | 'blind_sockets'
  | 'queued_bytes'
  | 'accept_queue_connections'
  | 'accept_queue_limit'
  | 'ephemeral_ports_used'
  | 'ephemeral_ports_limit'
  | 'ephemeral_ports_exhaustion_seconds'
  | 'open_fds'
  | 'max_fds'
  | 'netns_listen_overflows_total'
  | 'netns_listen_drops_total'
  | 'netns_time_wait_created_total'
  | 'netns_retransmitted_segments_total'
  | 'netns_resets_sent_total'
  | 'netns_syn_retransmits_total'
  | 'netns_syn_cookies_sent_total'
  | 'rtt_seconds'
  | 'congestion_window_segments'
  | 'retransmitting_sockets'
  | 'collector_up'
  | 'collector_active'
  | 'collector_duration_seconds'
  | 'collector_blocked_seconds'
  | 'collector_last_success_timestamp_seconds'
  | 'collector_rows'
  | 'collector_truncated'
  | 'collector_errors_total'
  | 'internal_errors_total'
  | 'names_overflowed_total'
  | 'info';

/** One metric, as data: the single source for exporters, dashboards, alerts and the README. */
export interface MetricDefinition {
  /** Without the prefix. */
  readonly name: MetricName;
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** UCUM, as OpenTelemetry wants it; counted things in braces. */
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly LabelName[];
  readonly aggregate: Aggregate;
  /** Where a label has other values here than {@link LABEL_VALUES} says. */
  readonly values?: { readonly [label in LabelName]?: readonly string[] };
  /** From which level on there is such a metric. @default 'standard' */
  readonly level?: Level;
}

/** The default prefix of every metric. */
export const DEFAULT_PREFIX = 'nodejs_tcp_';

/** The closed sets that labels take their values from; `name`, versions and `netns` are open but bounded. */
export const LABEL_VALUES: { readonly [label in LabelName]?: readonly string[] } = {
  side: SIDES,
  state: STATE_LABELS,
  direction: ['received', 'sent'],
  initiator: ['local', 'remote', 'unknown'],
  outcome: ['fin', 'reset', 'timeout', 'error', 'unused', 'abandoned'],
  queue: ['node_read', 'node_write', 'kernel_receive', 'kernel_send'],
  source: [...SOURCES, 'shared'],
  reason: [...COLLECTOR_REASONS, ...CONNECT_FAILURES],
  family: FAMILIES,
  result: ATTEMPT_RESULTS,
  phase: CONNECT_PHASES,
  cause: [...new Set([...IDLE_CLOSES, ...CLOSE_WAIT_CAUSES, ...REMEDIED_CAUSES])],
  kind: DIVERGENCES,
  pool_state: ['active', 'idle'],
  component: COMPONENTS,
};

const BY_STATE = ['side', 'name', 'state'] as const;
const BY_NAME = ['side', 'name'] as const;

/** Every metric, in the order of the exposition. */
export const CATALOGUE: { readonly [name in MetricName]: MetricDefinition } = {
  sockets: {
    name: 'sockets',
    type: 'gauge',
    unit: '{socket}',
    help: "Sockets of this process in the kernel's table, by TCP state; absent while there is no recent complete table. Those that are its own by a descriptor and that nothing observed stands for have side unknown and name _untracked.",
    labels: BY_STATE,
    aggregate: 'sum',
    values: { side: [...SIDES, 'unknown'] },
  },
  node_sockets: {
    name: 'node_sockets',
    type: 'gauge',
    unit: '{socket}',
    help: "Sockets by the TCP state that Node's events imply; syn_received and time_wait are always 0 here, see sockets.",
    labels: BY_STATE,
    aggregate: 'sum',
  },
  netns_sockets: {
    name: 'netns_sockets',
    type: 'gauge',
    unit: '{socket}',
    help: 'TCP sockets of the whole network namespace by state, whoever owns them; take the maximum, never the sum.',
    labels: ['state'],
    aggregate: 'max',
  },
  netns_unattributed_sockets: {
    name: 'netns_unattributed_sockets',
    type: 'gauge',
    unit: '{socket}',
    help: "Sockets without an owner that match a name only by listening port or upstream; they may be another process's.",
    labels: BY_STATE,
    aggregate: 'max',
  },
  connections_opened_total: {
    name: 'connections_opened_total',
    type: 'counter',
    unit: '{connection}',
    help: 'Connections accepted, or connected.',
    labels: BY_NAME,
    aggregate: 'sum',
  },
  connections_adopted_total: {
    name: 'connections_adopted_total',
    type: 'counter',
    unit: '{connection}',
    help: 'Connections that were open already when they were observed; they are in no duration.',
    labels: BY_NAME,
    aggregate: 'sum',
  },
  connections_released_total: {
    name: 'connections_released_total',
    type: 'counter',
    unit: '{connection}',
    help: 'Connections no longer observed while open: the observation ended, or the handle went to another process.',
    labels: BY_NAME,
    aggregate: 'sum',
  },
  connections_closed_total: {
    name: 'connections_closed_total',
    type: 'counter',
    unit: '{connection}',
    help: 'Connections closed, by who ended them first and how; unused: accepted, and the peer never sent a byte.',
    labels: ['side', 'name', 'initiator', 'outcome'],
    aggregate: 'sum',
  },
  open_connections: {
    name: 'open_connections',
    type: 'gauge',
    unit: '{connection}',
    help: 'Connections that are open: opened + adopted - closed - released.',
    labels: BY_NAME,
    aggregate: 'sum',
  },
  connection_duration_seconds: {
    name: 'connection_duration_seconds',
    type: 'histogram',
    unit: 's',
    help: 'Time from accept or connect to close.',
    labels: ['side'],
    aggregate: 'sum',
  },
  connection_duration_by_name_seconds: {
    name: 'connection_duration_by_name_seconds',
    type: 'histogram',
    unit: 's',
    help: 'Time from accept or connect to close, by name.',
    labels: BY_NAME,
    aggregate: 'sum',
    level: 'full',
  },
  state_transitions_total: {
    name: 'state_transitions_total',
    type: 'counter',
    unit: '{transition}',
    help: "Transitions of the TCP state that Node's events imply.",
    labels: ['from', 'to'],
    aggregate: 'sum',
  },
  state_duration_seconds: {
    name: 'state_duration_seconds',
    type: 'histogram',
    unit: 's',
    help: "How long sockets were in a state of Node's column when they left it.",
    labels: ['state'],
    aggregate: 'sum',
    level: 'full',
  },
  connects_total: {
    name: 'connects_total',
    type: 'counter',
    unit: '{operation}',
    help: 'Connect operations of this process, each once however many addresses it tries: succeeded + failed + pending.',
    labels: ['name'],
    aggregate: 'sum',
  },
  connect_failures_total: {
    name: 'connect_failures_total',
    type: 'counter',
    unit: '{operation}',
    help: 'Connect operations that failed, each under one reason; tls: connected, and the handshake of TLS failed; aborted: the program gave up.',
    labels: ['name', 'reason'],
    aggregate: 'sum',
  },
  pending_connects: {
    name: 'pending_connects',
    type: 'gauge',
    unit: '{operation}',
    help: 'Connect operations under way, the lookup of the name and the handshake of TLS included.',
    labels: ['name'],
    aggregate: 'sum',
  },
  connect_attempts_total: {
    name: 'connect_attempts_total',
    type: 'counter',
    unit: '{attempt}',
    help: 'Attempts at single addresses within connect operations (Happy Eyeballs), by how they ended; a family without a route fails here and harms nothing.',
    labels: ['family', 'result'],
    aggregate: 'sum',
  },
  connect_duration_seconds: {
    name: 'connect_duration_seconds',
    type: 'histogram',
    unit: 's',
    help: 'Duration of the phases of connect operations that were completed; a step at 1 s or 3 s is a SYN that was sent again.',
    labels: ['phase'],
    aggregate: 'sum',
  },
  connect_duration_by_name_seconds: {
    name: 'connect_duration_by_name_seconds',
    type: 'histogram',
    unit: 's',
    help: 'Duration of the phases of connect operations that were completed, by name.',
    labels: ['name', 'phase'],
    aggregate: 'sum',
    level: 'full',
  },
  connections_dropped_total: {
    name: 'connections_dropped_total',
    type: 'counter',
    unit: '{connection}',
    help: 'Connections that were accepted and closed at once because of maxConnections.',
    labels: ['name'],
    aggregate: 'sum',
  },
  requests_total: {
    name: 'requests_total',
    type: 'counter',
    unit: '{request}',
    help: 'HTTP/1 requests on observed connections; those of a client are counted when their answer is complete or the connection is lost. 1 - opened / requests is the share of requests that found a connection.',
    labels: BY_NAME,
    aggregate: 'sum',
  },
  requests_per_connection: {
    name: 'requests_per_connection',
    type: 'histogram',
    unit: '{request}',
    help: 'HTTP/1 requests that connections had served when they closed.',
    labels: BY_NAME,
    aggregate: 'sum',
    level: 'full',
  },
  closed_with_active_request_total: {
    name: 'closed_with_active_request_total',
    type: 'counter',
    unit: '{connection}',
    help: 'Connections that closed while a request was not answered to its end, by who closed first.',
    labels: ['side', 'name', 'initiator'],
    aggregate: 'sum',
  },
  reused_connection_errors_total: {
    name: 'reused_connection_errors_total',
    type: 'counter',
    unit: '{connection}',
    help: 'Requests of this process that died with a connection which had served others, because the server had closed it: the keep-alive race.',
    labels: ['name'],
    aggregate: 'sum',
  },
  idle_closes_total: {
    name: 'idle_closes_total',
    type: 'counter',
    unit: '{connection}',
    help: 'Connections that closed between two requests; keep_alive_timeout: an idle timer of this process; local: this process otherwise; remote: the peer. What a client sends into a close of ours is invisible to Node.',
    labels: ['side', 'name', 'cause'],
    aggregate: 'sum',
  },
  idle_at_close_seconds: {
    name: 'idle_at_close_seconds',
    type: 'histogram',
    unit: 's',
    help: 'How long connections had been idle when they closed between two requests.',
    labels: BY_NAME,
    aggregate: 'sum',
    level: 'full',
  },
  keep_alive_timeout_seconds: {
    name: 'keep_alive_timeout_seconds',
    type: 'gauge',
    unit: 's',
    help: 'After how long an idle connection is closed: of a server its keepAliveTimeout, of a client what the server says in Keep-Alive; absent where neither is known.',
    labels: BY_NAME,
    aggregate: 'max',
  },
  pool_connections: {
    name: 'pool_connections',
    type: 'gauge',
    unit: '{connection}',
    help: 'Connections in the pools of the program (agents, undici dispatchers): in use, and idle.',
    labels: ['name', 'pool_state'],
    aggregate: 'sum',
  },
  pool_pending_requests: {
    name: 'pool_pending_requests',
    type: 'gauge',
    unit: '{request}',
    help: 'Requests that wait for a connection of a pool.',
    labels: ['name'],
    aggregate: 'sum',
  },
  close_wait_sockets: {
    name: 'close_wait_sockets',
    type: 'gauge',
    unit: '{socket}',
    help: 'Sockets of this process in CLOSE_WAIT by the reason why they have not ended; the sum over cause is sockets{state="close_wait"}.',
    labels: ['side', 'name', 'cause'],
    values: { side: [...SIDES, 'unknown'], cause: CLOSE_WAIT_CAUSES },
    aggregate: 'sum',
  },
  leaked_sockets: {
    name: 'leaked_sockets',
    type: 'gauge',
    unit: '{socket}',
    help: 'Sockets of this process that have been idle in a state that should not last for longer than its threshold.',
    labels: BY_STATE,
    values: { side: [...SIDES, 'unknown'] },
    aggregate: 'sum',
  },
  oldest_socket_age_seconds: {
    name: 'oldest_socket_age_seconds',
    type: 'gauge',
    unit: 's',
    help: 'At least how long the oldest socket has been in CLOSE_WAIT: since a sample first saw it there, or Node read the FIN; 0 if there is none.',
    labels: BY_STATE,
    values: { side: [...SIDES, 'unknown'] },
    aggregate: 'max',
  },
  half_open_suspects: {
    name: 'half_open_suspects',
    type: 'gauge',
    unit: '{socket}',
    help: 'Established connections whose peer has not acknowledged anything for three retransmissions or more.',
    labels: BY_NAME,
    aggregate: 'sum',
  },
  divergent_sockets: {
    name: 'divergent_sockets',
    type: 'gauge',
    unit: '{socket}',
    help: 'Sockets about which Node and the kernel have disagreed in two samples on end, by kind of contradiction.',
    labels: ['kind'],
    aggregate: 'sum',
  },
  remedied_sockets_total: {
    name: 'remedied_sockets_total',
    type: 'counter',
    unit: '{socket}',
    help: 'Leaked sockets that finwait has destroyed because remedyAfterMs asks for it; absent unless it does.',
    labels: ['side', 'name', 'cause'],
    aggregate: 'sum',
  },
  half_closes_total: {
    name: 'half_closes_total',
    type: 'counter',
    unit: '{connection}',
    help: 'FINs after which the other direction stayed open, by who sent them.',
    labels: ['side', 'name', 'initiator'],
    aggregate: 'sum',
  },
  resets_total: {
    name: 'resets_total',
    type: 'counter',
    unit: '{connection}',
    help: 'Open connections ended by an RST: received (ECONNRESET, EPIPE), or sent by resetAndDestroy(). An RST that the kernel sends because data was unread shows in neither.',
    labels: ['side', 'name', 'direction'],
    aggregate: 'sum',
  },
  bytes_total: {
    name: 'bytes_total',
    type: 'counter',
    unit: 'By',
    help: 'Bytes of observed connections, as libuv counts them, on TLS the bytes of the wire; of open ones as of the newest sample.',
    labels: ['side', 'name', 'direction'],
    aggregate: 'sum',
  },
  blind_sockets: {
    name: 'blind_sockets',
    type: 'gauge',
    unit: '{socket}',
    help: 'Open sockets that nobody reads, so that Node cannot see a FIN on them, as of the newest sample.',
    labels: BY_NAME,
    aggregate: 'sum',
  },
  queued_bytes: {
    name: 'queued_bytes',
    type: 'gauge',
    unit: 'By',
    help: 'Bytes waiting, as of the newest sample. node_read: read and not consumed by the program. node_write: written and not taken by the kernel. kernel_receive: not read by Node, a FIN counts as one. kernel_send: not acknowledged by the peer. The two of the kernel are absent while there is no recent complete table.',
    labels: ['side', 'name', 'queue'],
    aggregate: 'sum',
  },
  accept_queue_connections: {
    name: 'accept_queue_connections',
    type: 'gauge',
    unit: '{connection}',
    help: 'Connections that the kernel has established and this process has not accepted yet, over all its listeners of the name. Absent for a listener of another process, such as the primary of a cluster, and without a recent complete table.',
    labels: ['name'],
    aggregate: 'sum',
  },
  accept_queue_limit: {
    name: 'accept_queue_limit',
    type: 'gauge',
    unit: '{connection}',
    help: 'The backlog of the same listeners, as the kernel keeps it (at most net.core.somaxconn); one more fits in. Absent where the source (procfs) does not tell.',
    labels: ['name'],
    aggregate: 'sum',
  },
  ephemeral_ports_used: {
    name: 'ephemeral_ports_used',
    type: 'gauge',
    unit: '{port}',
    help: 'Local ports in use towards the worst destination of a client name, from one local address, whoever in the network namespace uses them; where the program binds (localAddress), those of that address towards all destinations. TIME_WAITs that connect(2) may take over do not count. NAT on the way is not seen.',
    labels: ['name'],
    aggregate: 'max',
  },
  ephemeral_ports_limit: {
    name: 'ephemeral_ports_limit',
    type: 'gauge',
    unit: '{port}',
    help: 'How many local ports there are towards one destination: ip_local_port_range without reserved ports and those that somebody listens on. At that number connect(2) fails with EADDRNOTAVAIL, or EADDRINUSE where the program binds.',
    labels: [],
    aggregate: 'max',
  },
  ephemeral_ports_exhaustion_seconds: {
    name: 'ephemeral_ports_exhaustion_seconds',
    type: 'gauge',
    unit: 's',
    help: 'Seconds until a client name has no local port left towards its worst destination, if connections go on opening and closing as they do now; 0 while there is none. Absent while no such end is in sight: a connection that this side closes first holds its port for 60 s more, so steady churn levels off.',
    labels: ['name'],
    aggregate: 'min',
  },
  open_fds: {
    name: 'open_fds',
    type: 'gauge',
    unit: '{descriptor}',
    help: 'Open file descriptors of this process, of any kind, as of the newest sample.',
    labels: [],
    aggregate: 'max',
  },
  max_fds: {
    name: 'max_fds',
    type: 'gauge',
    unit: '{descriptor}',
    help: 'The soft limit of file descriptors of this process (RLIMIT_NOFILE).',
    labels: [],
    aggregate: 'max',
  },
  netns_listen_overflows_total: {
    name: 'netns_listen_overflows_total',
    type: 'counter',
    unit: '{packet}',
    help: 'Packets dropped because an accept queue was full, in the whole network namespace; a client that tries again counts again. ListenOverflows of TcpExt.',
    labels: [],
    aggregate: 'max',
  },
  netns_listen_drops_total: {
    name: 'netns_listen_drops_total',
    type: 'counter',
    unit: '{packet}',
    help: 'Connection attempts dropped by listeners for any reason, the overflows among them, in the whole network namespace. ListenDrops of TcpExt.',
    labels: [],
    aggregate: 'max',
  },
  netns_time_wait_created_total: {
    name: 'netns_time_wait_created_total',
    type: 'counter',
    unit: '{socket}',
    help: 'Sockets that went into TIME_WAIT, or became orphans in FIN_WAIT_2, in the whole network namespace. TW of TcpExt.',
    labels: [],
    aggregate: 'max',
  },
  netns_retransmitted_segments_total: {
    name: 'netns_retransmitted_segments_total',
    type: 'counter',
    unit: '{segment}',
    help: 'Segments sent again, in the whole network namespace. RetransSegs of Tcp.',
    labels: [],
    aggregate: 'max',
  },
  netns_resets_sent_total: {
    name: 'netns_resets_sent_total',
    type: 'counter',
    unit: '{segment}',
    help: 'RSTs sent in the whole network namespace, those that answer to closed ports among them. OutRsts of Tcp.',
    labels: [],
    aggregate: 'max',
  },
  netns_syn_retransmits_total: {
    name: 'netns_syn_retransmits_total',
    type: 'counter',
    unit: '{segment}',
    help: 'SYNs and SYN-ACKs sent again, in the whole network namespace: a peer that does not answer, or drops. TCPSynRetrans of TcpExt.',
    labels: [],
    aggregate: 'max',
  },
  netns_syn_cookies_sent_total: {
    name: 'netns_syn_cookies_sent_total',
    type: 'counter',
    unit: '{segment}',
    help: 'SYN cookies sent because the queue of half-open connections was full, in the whole network namespace. SyncookiesSent of TcpExt.',
    labels: [],
    aggregate: 'max',
  },
  rtt_seconds: {
    name: 'rtt_seconds',
    type: 'histogram',
    unit: 's',
    help: 'Smoothed round-trip times of own connections, each once a sample; only with sampleTcpInfo.',
    labels: BY_NAME,
    aggregate: 'sum',
  },
  congestion_window_segments: {
    name: 'congestion_window_segments',
    type: 'histogram',
    unit: '{segment}',
    help: 'Congestion windows of own connections, each once a sample; only with sampleTcpInfo.',
    labels: BY_NAME,
    aggregate: 'sum',
  },
  retransmitting_sockets: {
    name: 'retransmitting_sockets',
    type: 'gauge',
    unit: '{socket}',
    help: 'Own connections that have sent segments again and wait for their acknowledgement; only with sampleTcpInfo.',
    labels: BY_NAME,
    aggregate: 'sum',
  },
  collector_up: {
    name: 'collector_up',
    type: 'gauge',
    unit: '{collector}',
    help: '1 while the newest complete table of the kernel is younger than 3 intervals.',
    labels: [],
    aggregate: 'omit',
  },
  collector_active: {
    name: 'collector_active',
    type: 'gauge',
    unit: '{source}',
    help: '1 for the source that the newest complete table came from.',
    labels: ['source'],
    aggregate: 'omit',
  },
  collector_duration_seconds: {
    name: 'collector_duration_seconds',
    type: 'histogram',
    unit: 's',
    help: "Time to read the kernel's table once.",
    labels: [],
    aggregate: 'sum',
  },
  collector_blocked_seconds: {
    name: 'collector_blocked_seconds',
    type: 'histogram',
    unit: 's',
    help: "How long reading the kernel's table held the event loop, over all turns of one sample.",
    labels: [],
    aggregate: 'sum',
  },
  collector_last_success_timestamp_seconds: {
    name: 'collector_last_success_timestamp_seconds',
    type: 'gauge',
    unit: 's',
    help: 'Unix time of the newest complete table; absent before the first.',
    labels: [],
    aggregate: 'omit',
  },
  collector_rows: {
    name: 'collector_rows',
    type: 'gauge',
    unit: '{row}',
    help: 'Rows of the newest complete table; absent before the first.',
    labels: [],
    aggregate: 'max',
  },
  collector_truncated: {
    name: 'collector_truncated',
    type: 'gauge',
    unit: '{collector}',
    help: '1 if a limit of finwait (closed connections remembered, suspicious rows kept, destinations counted) left rows of the newest table out.',
    labels: [],
    aggregate: 'max',
  },
  collector_errors_total: {
    name: 'collector_errors_total',
    type: 'counter',
    unit: '{error}',
    help: 'Samples that failed, or were worse than they might be, by source and reason.',
    labels: ['source', 'reason'],
    aggregate: 'sum',
  },
  internal_errors_total: {
    name: 'internal_errors_total',
    type: 'counter',
    unit: '{error}',
    help: 'Errors inside finwait that were kept from the program, illegal state transitions included.',
    labels: ['component'],
    aggregate: 'sum',
  },
  names_overflowed_total: {
    name: 'names_overflowed_total',
    type: 'counter',
    unit: '{connection}',
    help: 'Connections counted under _other because the limit of names was reached.',
    labels: [],
    aggregate: 'sum',
  },
  info: {
    name: 'info',
    type: 'gauge',
    unit: '{process}',
    help: '1; the versions of finwait and Node, and a short name for the network namespace.',
    labels: ['version', 'node_version', 'netns'],
    aggregate: 'first',
  },
};

/** Every definition as a list. */
export const METRICS: readonly MetricDefinition[] = Object.values(CATALOGUE);

/** The metrics that there are at a level. */
export function metricsOf(level: Level): readonly MetricDefinition[] {
  return level === 'full' ? METRICS : METRICS.filter((definition) => definition.level !== 'full');
}
