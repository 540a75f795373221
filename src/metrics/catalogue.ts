import { COLLECTOR_REASONS, SOURCES } from '../kernel/source.ts';
import { COMPONENTS } from '../sockets/component.ts';
import { SIDES } from '../sockets/names.ts';
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
  | 'source'
  | 'reason'
  | 'component'
  | 'version'
  | 'node_version'
  | 'netns';

/**
 * How values of several processes are put together. `sum`; `max`, for what all processes of a network namespace see
 * alike; `first`, for what is the same in each; `omit`, for what means nothing in common.
 */
export type Aggregate = 'sum' | 'max' | 'first' | 'omit';

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
  | 'state_transitions_total'
  | 'half_closes_total'
  | 'resets_total'
  | 'bytes_total'
  | 'blind_sockets'
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
  source: [...SOURCES, 'shared'],
  reason: COLLECTOR_REASONS,
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
    help: "Sockets of this process in the kernel's table, by TCP state; absent while there is no recent complete table.",
    labels: BY_STATE,
    aggregate: 'sum',
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
  state_transitions_total: {
    name: 'state_transitions_total',
    type: 'counter',
    unit: '{transition}',
    help: "Transitions of the TCP state that Node's events imply.",
    labels: ['from', 'to'],
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
    help: '1 if the limit of closed connections remembered kept rows from being recognised as ours.',
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
