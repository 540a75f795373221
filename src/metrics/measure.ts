import {
  CLOSE_WAIT_CAUSES,
  type CloseWaitCause,
  DIVERGENCES,
  LEAK_STATES,
  type LeakState,
  REMEDIED_CAUSES,
  type RemediedCause,
} from '../detect/leaks/leak.ts';
import type { Counters } from '../kernel/procfs/read-counters.ts';
import { COLLECTOR_ERRORS, errorKey, SOURCES } from '../kernel/source.ts';
import { keepAliveSecondsOf } from '../monitor/keep-alive.ts';
import type { MonitorInternals } from '../monitor/monitor.ts';
import { CLOSINGS, type Initiator, type Outcome } from '../sockets/closing.ts';
import { COMPONENTS } from '../sockets/component.ts';
import { CONNECT_FAILURES, type ConnectFailure } from '../sockets/connect-failure.ts';
import { ATTEMPT_RESULTS, CONNECT_PHASES, FAMILIES } from '../sockets/connects.ts';
import type { Histogram } from '../sockets/histogram.ts';
import type { HistogramTable } from '../sockets/histogram-table.ts';
import type { KernelColumn } from '../sockets/join.ts';
import { COUNT, type Count } from '../sockets/ledger.ts';
import { type NameEntry, SIDES } from '../sockets/names.ts';
import type { NodeQueues } from '../sockets/node-queues.ts';
import { IDLE_CLOSES, type IdleClose, INITIATORS } from '../sockets/requests.ts';
import { UNTRACKED_NAME, UNTRACKED_SLOT } from '../sockets/untracked-sockets.ts';
import { OWNERLESS_STATES, STATE_SLOTS, STATES, type State, stateLabel } from '../tcp/state.ts';
import { EDGES, TRANSITIONS } from '../tcp/transition.ts';
import { VERSION } from '../version.ts';
import type { LabelName, MetricName } from './catalogue.ts';

/** The labels of one series. */
export type Labels = { readonly [label in LabelName]?: string };

/** One value of a gauge or a counter. */
export interface Point {
  readonly labels: Labels;
  readonly value: number;
}

/** One histogram as it stands; the counts are kept by the monitor and change. */
export interface Distribution {
  readonly labels: Labels;
  readonly histogram: Histogram;
}

/** The histograms among the metrics. */
export type HistogramName =
  | 'connection_duration_seconds'
  | 'connection_duration_by_name_seconds'
  | 'state_duration_seconds'
  | 'connect_duration_seconds'
  | 'connect_duration_by_name_seconds'
  | 'requests_per_connection'
  | 'idle_at_close_seconds'
  | 'rtt_seconds'
  | 'congestion_window_segments'
  | 'collector_duration_seconds'
  | 'collector_blocked_seconds';

/** The gauges and counters. */
export type ScalarName = Exclude<MetricName, HistogramName>;

/**
 * What a gauge or a counter says now. Every label value of a closed set is there from the start; an empty list means
 * that the value is not known, which is not 0.
 */
export function measure(inside: MonitorInternals, metric: ScalarName): Point[] {
  const { ledger, collector, remedied } = inside;
  const names = ledger.names.entries();
  const column = collector.isFresh() ? collector.column : undefined;
  const findings = column === undefined ? undefined : collector.findings;
  switch (metric) {
    case 'sockets':
      return column === undefined
        ? []
        : perName([...names, UNTRACKED], STATE_LABELS, (slot, at) => rowsIn(column, slot, stateAt(at)));
    case 'netns_unattributed_sockets':
      return column === undefined
        ? []
        : perName(
            names,
            OWNERLESS_LABELS,
            (slot, at) => column.unattributedStates[slot * STATE_SLOTS + (OWNERLESS_STATES[at] ?? 0)] ?? 0,
          );
    case 'netns_sockets':
      return column === undefined
        ? []
        : STATES.map((state) => ({ labels: { state: stateLabel(state) }, value: column.netnsStates[state] ?? 0 }));
    case 'node_sockets':
      inside.poll();
      return perName(names, STATE_LABELS, (slot, at) => ledger.nodeState(slot, stateAt(at)));
    case 'connections_opened_total':
      return byCount(inside, NO_LABELS, [COUNT.opened]);
    case 'connections_adopted_total':
      return byCount(inside, NO_LABELS, [COUNT.adopted]);
    case 'connections_released_total':
      return byCount(inside, NO_LABELS, [COUNT.released]);
    case 'open_connections':
      return byCount(inside, NO_LABELS, [COUNT.open]);
    case 'blind_sockets':
      return byCount(inside, NO_LABELS, [COUNT.blind]);
    case 'queued_bytes':
      return queuedBytes(names, ledger.nodeQueues, column);
    case 'retransmitting_sockets': {
      const retransmitting = column === undefined ? undefined : collector.tcpInfo?.retransmitting;
      return retransmitting === undefined ? [] : perName(names, NO_LABELS, (slot) => retransmitting[slot] ?? 0);
    }
    case 'accept_queue_connections':
      return byName(names, column?.acceptQueues);
    case 'accept_queue_limit':
      return byName(names, column?.acceptLimits);
    case 'ephemeral_ports_used':
      return byName(names, column?.portsUsed);
    case 'ephemeral_ports_limit':
      return known(column?.portsLimit);
    case 'ephemeral_ports_exhaustion_seconds': {
      if (column === undefined) return [];
      const nowMs = inside.nowMs();
      return perClient(inside, (slot) => (collector.portForecast.exhaustionMs(slot, nowMs) ?? Number.NaN) / 1000);
    }
    case 'open_fds':
      return known(collector.descriptors?.open);
    case 'max_fds':
      return known(collector.descriptors?.limit);
    case 'netns_listen_overflows_total':
    case 'netns_listen_drops_total':
    case 'netns_time_wait_created_total':
    case 'netns_retransmitted_segments_total':
    case 'netns_resets_sent_total':
    case 'netns_syn_retransmits_total':
    case 'netns_syn_cookies_sent_total':
      return known(collector.counters?.[COUNTER_OF[metric]]);
    case 'connections_closed_total':
      // Only what was accepted can be unused.
      return names.flatMap((entry) => {
        const closings = entry.side === 'server' ? ALL_CLOSINGS : CLIENT_CLOSINGS;
        return perName([entry], closings.labels, (slot, at) => ledger.closed(slot, closings.indexes[at] as number));
      });
    case 'connects_total':
      inside.poll();
      return perClient(inside, (slot) => ledger.connects.started(slot));
    case 'pending_connects':
      return perClient(inside, (slot) => ledger.connects.pending(slot));
    case 'connect_failures_total':
      return perClient(inside, (slot, at) => ledger.connects.failed(slot, failureAt(at)), FAILURE_LABELS);
    case 'connect_attempts_total':
      return FAMILIES.flatMap((family) =>
        ATTEMPT_RESULTS.map((result) => ({
          labels: { family, result },
          value: ledger.connects.attempts(family, result),
        })),
      );
    case 'connections_dropped_total':
      return names
        .filter(({ side }) => side === 'server')
        .map((entry) => ({ labels: nameLabel(entry), value: ledger.count(entry.slot, COUNT.dropped) }));
    case 'requests_total':
      return perName(names, NO_LABELS, (slot) => ledger.requests.count(slot));
    case 'closed_with_active_request_total':
      return perName(names, ANY_INITIATOR_LABELS, (slot, at) =>
        ledger.requests.activeCloses(slot, INITIATORS[at] as Initiator),
      );
    case 'reused_connection_errors_total':
      return perClient(inside, (slot) => ledger.requests.reusedErrors(slot));
    case 'idle_closes_total':
      return perName(names, IDLE_CLOSE_LABELS, (slot, at) =>
        ledger.requests.idleCloses(slot, IDLE_CLOSES[at] as IdleClose),
      );
    case 'keep_alive_timeout_seconds':
      return keepAliveTimeouts(inside);
    case 'pool_connections': {
      const { active, idle } = inside.pools();
      return perClient(inside, (slot, at) => (at === 0 ? active : idle)[slot] as number, POOL_LABELS);
    }
    case 'pool_pending_requests': {
      const { pending } = inside.pools();
      return perClient(inside, (slot) => pending[slot] as number);
    }
    case 'close_wait_sockets':
      return findings === undefined
        ? []
        : [
            ...perName(names, NAMED_CAUSE_LABELS, (slot, at) => findings.closeWait.closeWait(slot, namedCauseAt(at))),
            ...perName([UNTRACKED], UNTRACKED_CAUSE_LABELS, (slot) => findings.closeWait.closeWait(slot, 'untracked')),
          ];
    case 'leaked_sockets':
      return findings === undefined
        ? []
        : perName([...names, UNTRACKED], LEAK_STATE_LABELS, (slot, at) =>
            findings.leaks.leaked(slot, LEAK_STATES[at] as LeakState),
          );
    case 'oldest_socket_age_seconds':
      return findings === undefined
        ? []
        : perName([...names, UNTRACKED], OLDEST_LABELS, (slot) => findings.leaks.oldestMs(slot, OLDEST_STATE) / 1000);
    case 'half_open_suspects':
      return findings === undefined ? [] : perName(names, NO_LABELS, (slot) => findings.leaks.halfOpen(slot));
    case 'divergent_sockets':
      return findings === undefined
        ? []
        : DIVERGENCES.map((kind) => ({ labels: { kind }, value: findings.leaks.divergent[kind] }));
    case 'remedied_sockets_total':
      return remedied === undefined
        ? []
        : perName(names, REMEDY_LABELS, (slot, at) => remedied.at(slot, REMEDIED_CAUSES[at] as RemediedCause));
    case 'half_closes_total':
      return byCount(inside, INITIATOR_LABELS, [COUNT.halfClosedLocal, COUNT.halfClosedRemote]);
    case 'resets_total':
      return byCount(inside, DIRECTION_LABELS, [COUNT.resetReceived, COUNT.resetSent]);
    case 'bytes_total':
      return byCount(inside, DIRECTION_LABELS, [COUNT.bytesReceived, COUNT.bytesSent]);
    case 'state_transitions_total':
      return EDGES.map(([from, to]) => ({
        labels: { from: stateLabel(from), to: stateLabel(to) },
        value: TRANSITIONS.reduce(
          (sum, row, index) => (row.from === from && row.to === to ? sum + ledger.transitionCount(index) : sum),
          0,
        ),
      }));
    case 'collector_up':
      return collector.supported ? [{ labels: {}, value: collector.isFresh() ? 1 : 0 }] : [];
    case 'collector_active':
      return SOURCES.map((source) => ({
        labels: { source },
        value: source === collector.source && column !== undefined ? 1 : 0,
      }));
    case 'collector_last_success_timestamp_seconds':
      return collector.lastSuccessSeconds === undefined ? [] : [{ labels: {}, value: collector.lastSuccessSeconds }];
    case 'collector_rows':
      return collector.column === undefined ? [] : [{ labels: {}, value: collector.column.rows }];
    case 'collector_truncated':
      return collector.column === undefined
        ? []
        : [{ labels: {}, value: collector.truncated || collector.column.omitted > 0 ? 1 : 0 }];
    case 'collector_errors_total':
      return COLLECTOR_ERRORS.map(({ source, reason }) => ({
        labels: { source, reason },
        value: collector.errors.get(errorKey({ source, reason })) ?? 0,
      }));
    case 'internal_errors_total':
      return COMPONENTS.map((component) => ({
        labels: { component },
        value: (inside.internalErrors.get(component) ?? 0) + (component === 'observer' ? ledger.illegalCount : 0),
      }));
    case 'names_overflowed_total':
      return [{ labels: {}, value: ledger.names.overflowed }];
    case 'info':
      return [{ labels: { version: VERSION, node_version: process.version, netns: inside.netns }, value: 1 }];
    default:
      return metric satisfies never;
  }
}

/** The histograms behind a metric, one for each of its series. */
export function distributions(inside: MonitorInternals, metric: HistogramName): Distribution[] {
  const { single, byName } = histogramsOf(inside, metric);
  const names = inside.ledger.names.entries();
  return [
    ...single,
    ...byName.flatMap(({ table, labels }) =>
      names.filter(isOn(metric)).map((entry) => ({ labels: labels(entry), histogram: table.at(entry.slot) })),
    ),
  ];
}

/** The upper bounds of a histogram's buckets. */
export function boundsOf(inside: MonitorInternals, metric: HistogramName): readonly number[] {
  const { single, byName } = histogramsOf(inside, metric);
  return single[0]?.histogram.bounds ?? byName[0]?.table.bounds ?? [];
}

/**
 * Calls back with every value of a histogram at the moment it is observed. Returns the function that ends it.
 *
 * @example subscribe(inside, 'rtt_seconds', (labels, value) => instrument.record(value, labels))
 */
export function subscribe(
  inside: MonitorInternals,
  metric: HistogramName,
  listener: (labels: Labels, value: number) => void,
): () => void {
  const { single, byName } = histogramsOf(inside, metric);
  const stops = [
    ...single.map(({ labels, histogram }) => histogram.subscribe((value) => listener(labels, value))),
    ...byName.map(({ table, labels }) =>
      table.subscribe((slot, value) => {
        const entry = inside.ledger.names.at(slot);
        if (entry !== undefined) listener(labels(entry), value);
      }),
    ),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** A table of histograms, one for each name, and the labels of the series that one makes. */
interface NamedHistograms {
  readonly table: HistogramTable;
  readonly labels: (entry: NameEntry) => Labels;
}

/** Where the histograms of a metric are kept. */
interface Histograms {
  readonly single: readonly Distribution[];
  readonly byName: readonly NamedHistograms[];
}

function histogramsOf({ ledger, collector }: MonitorInternals, metric: HistogramName): Histograms {
  switch (metric) {
    case 'connection_duration_seconds':
      return only(SIDES.map((side) => ({ labels: { side }, histogram: ledger.durations[side] })));
    case 'connection_duration_by_name_seconds':
      return named(ledger.durationsByName);
    case 'state_duration_seconds':
      return only(
        STATES.map((state) => ({
          labels: { state: stateLabel(state) },
          histogram: ledger.stateDurations[state] as Histogram,
        })),
      );
    case 'connect_duration_seconds':
      return only(CONNECT_PHASES.map((phase) => ({ labels: { phase }, histogram: ledger.connects.durations[phase] })));
    case 'connect_duration_by_name_seconds':
      return {
        single: [],
        byName: CONNECT_PHASES.map((phase, at) => ({
          table: ledger.connects.durationsByName[phase],
          labels: (entry) => clientLabelsOf(entry, PHASE_LABELS)[at] as Labels,
        })),
      };
    case 'requests_per_connection':
      return named(ledger.requests.perConnection);
    case 'idle_at_close_seconds':
      return named(ledger.requests.idleAtClose);
    case 'rtt_seconds':
      return named(collector.tcpInfo?.roundTripSeconds);
    case 'congestion_window_segments':
      return named(collector.tcpInfo?.congestionWindows);
    case 'collector_duration_seconds':
      return only([{ labels: {}, histogram: collector.durations }]);
    case 'collector_blocked_seconds':
      return only([{ labels: {}, histogram: collector.blocked }]);
    default:
      return metric satisfies never;
  }
}

function only(single: readonly Distribution[]): Histograms {
  return { single, byName: [] };
}

function named(table: HistogramTable | undefined): Histograms {
  if (table === undefined) return only([]);
  return { single: [], byName: [{ table, labels: (entry) => labelsOf(entry, NO_LABELS)[0] as Labels }] };
}

/** Whether a name has series of a metric: only clients connect. */
function isOn(metric: HistogramName): (entry: NameEntry) => boolean {
  return metric === 'connect_duration_by_name_seconds' ? ({ side }) => side === 'client' : () => true;
}

/** What tells the series of one name apart: one entry a series. */
type SeriesLabels = readonly Labels[];

const NO_LABELS: SeriesLabels = [{}];
const STATE_LABELS: SeriesLabels = STATES.map((state) => ({ state: stateLabel(state) }));
const OWNERLESS_LABELS: SeriesLabels = OWNERLESS_STATES.map((state) => ({ state: stateLabel(state) }));
const ALL_CLOSINGS = closingsOf(() => true);
const CLIENT_CLOSINGS = closingsOf((outcome) => outcome !== 'unused');
const INITIATOR_LABELS: SeriesLabels = [{ initiator: 'local' }, { initiator: 'remote' }];
const DIRECTION_LABELS: SeriesLabels = [{ direction: 'received' }, { direction: 'sent' }];

const ANY_INITIATOR_LABELS: SeriesLabels = INITIATORS.map((initiator) => ({ initiator }));
const FAILURE_LABELS: SeriesLabels = CONNECT_FAILURES.map((reason) => ({ reason }));
const PHASE_LABELS: SeriesLabels = CONNECT_PHASES.map((phase) => ({ phase }));
const IDLE_CLOSE_LABELS: SeriesLabels = IDLE_CLOSES.map((cause) => ({ cause }));
const POOL_LABELS: SeriesLabels = [{ pool_state: 'active' }, { pool_state: 'idle' }];
const NODE_QUEUE_LABELS: SeriesLabels = [{ queue: 'node_read' }, { queue: 'node_write' }];
const LEAK_STATE_LABELS: SeriesLabels = LEAK_STATES.map((state) => ({ state }));
const REMEDY_LABELS: SeriesLabels = REMEDIED_CAUSES.map((cause) => ({ cause }));
/** What a socket with a record may suffer from. */
const NAMED_CAUSES: readonly CloseWaitCause[] = CLOSE_WAIT_CAUSES.filter((cause) => cause !== 'untracked');
const NAMED_CAUSE_LABELS: SeriesLabels = NAMED_CAUSES.map((cause) => ({ cause }));
const UNTRACKED_CAUSE_LABELS: SeriesLabels = [{ cause: 'untracked' }];
/** The kernel bounds the age of all others, FIN_WAIT_2 with a descriptor apart, and an age for each would be too many series. */
const OLDEST_STATE: LeakState = 'close_wait';
const OLDEST_LABELS: SeriesLabels = [{ state: OLDEST_STATE }];
const KERNEL_QUEUE_LABELS: SeriesLabels = [{ queue: 'kernel_receive' }, { queue: 'kernel_send' }];

/** The kernel's own counters behind the metrics of the namespace. */
const COUNTER_OF = {
  netns_listen_overflows_total: 'listenOverflows',
  netns_listen_drops_total: 'listenDrops',
  netns_time_wait_created_total: 'timeWaitCreated',
  netns_retransmitted_segments_total: 'retransmittedSegments',
  netns_resets_sent_total: 'resetsSent',
  netns_syn_retransmits_total: 'synRetransmits',
  netns_syn_cookies_sent_total: 'synCookiesSent',
} as const satisfies { readonly [metric in ScalarName]?: keyof Counters };

/** The closings of some outcomes: their places in {@link CLOSINGS}, and their labels. */
function closingsOf(isOne: (outcome: Outcome) => boolean): { indexes: readonly number[]; labels: SeriesLabels } {
  const indexes = [...CLOSINGS.keys()].filter((index) => isOne((CLOSINGS[index] as (typeof CLOSINGS)[number])[1]));
  const labels = indexes.map((index) => {
    const [initiator, outcome] = CLOSINGS[index] as (typeof CLOSINGS)[number];
    return { initiator, outcome };
  });
  return { indexes, labels };
}

function stateAt(index: number): State {
  return STATES[index] as State;
}

function namedCauseAt(index: number): CloseWaitCause {
  return NAMED_CAUSES[index] as CloseWaitCause;
}

/** Rows of one state that are a name's, or that nobody stands for. */
function rowsIn({ ownStates, untrackedStates }: KernelColumn, slot: number, state: State): number {
  return (slot === UNTRACKED_SLOT ? untrackedStates[state] : ownStates[slot * STATE_SLOTS + state]) ?? 0;
}

function byCount({ ledger }: MonitorInternals, series: SeriesLabels, counts: readonly Count[]): Point[] {
  return perName(ledger.names.entries(), series, (slot, at) => ledger.count(slot, counts[at] as Count));
}

/** Whose a series is: a name of ours, or {@link UNTRACKED}. */
type Owner = Pick<NameEntry, 'slot' | 'name'> & { readonly side: NameEntry['side'] | 'unknown' };

/** What is ours and has no record: it has no name, and no side. */
const UNTRACKED: Owner = { slot: UNTRACKED_SLOT, side: 'unknown', name: UNTRACKED_NAME };

function perName(names: readonly Owner[], series: SeriesLabels, value: (slot: number, at: number) => number): Point[] {
  return names.flatMap((entry) =>
    labelsOf(entry, series).map((labels, at) => ({ labels, value: value(entry.slot, at) })),
  );
}

/** One series for each name that has a number; NaN is not known. */
function byName(names: readonly NameEntry[], values: Float64Array | undefined): Point[] {
  if (values === undefined) return [];
  return names
    .filter(({ slot }) => !Number.isNaN(values[slot] ?? Number.NaN))
    .map((entry) => ({ labels: nameLabel(entry), value: values[entry.slot] as number }));
}

/** The one series of a metric without labels; none where its value is not known. */
function known(value: number | undefined): Point[] {
  return value === undefined || Number.isNaN(value) ? [] : [{ labels: {}, value }];
}

/** What waits in Node is known at any time; what waits in the kernel, from a table only. */
function queuedBytes(names: readonly NameEntry[], queues: NodeQueues, column: KernelColumn | undefined): Point[] {
  const ofNode = perName(names, NODE_QUEUE_LABELS, (slot, at) => (at === 0 ? queues.read(slot) : queues.write(slot)));
  if (column === undefined) return ofNode;
  const ofKernel = perName(
    names,
    KERNEL_QUEUE_LABELS,
    (slot, at) => (at === 0 ? column.receiveQueues : column.sendQueues)[slot] ?? 0,
  );
  return [...ofNode, ...ofKernel];
}

/** The series of a metric that only clients have; none where the value is not known. */
function perClient(
  { ledger }: MonitorInternals,
  value: (slot: number, at: number) => number,
  series: SeriesLabels = NO_LABELS,
): Point[] {
  return ledger.names
    .entries()
    .filter(({ side }) => side === 'client')
    .flatMap((entry) => clientLabelsOf(entry, series).map((labels, at) => ({ labels, value: value(entry.slot, at) })))
    .filter((point) => !Number.isNaN(point.value));
}

function keepAliveTimeouts({ ledger }: MonitorInternals): Point[] {
  const seconds = keepAliveSecondsOf(ledger);
  return perName(ledger.names.entries(), NO_LABELS, (slot) => seconds[slot] as number).filter(
    ({ value }) => !Number.isNaN(value),
  );
}

function failureAt(index: number): ConnectFailure {
  return CONNECT_FAILURES[index] as ConnectFailure;
}

/** The label of a metric that only one side has. */
function nameLabel(entry: NameEntry): Labels {
  return clientLabelsOf(entry, NO_LABELS)[0] as Labels;
}

/** Labels are made once for each name and stay the same objects, so that an exporter may remember their text. */
function labelsOf(entry: Owner, series: SeriesLabels): readonly Labels[] {
  const { side, name } = entry;
  return remembered(labelsBySideAndName, entry, series, (own) => ({ side, name, ...own }));
}

/** The same of a metric that only one side has. */
function clientLabelsOf(entry: NameEntry, series: SeriesLabels): readonly Labels[] {
  const { name } = entry;
  return remembered(labelsByName, entry, series, (own) => ({ name, ...own }));
}

type RememberedLabels = WeakMap<Owner, Map<SeriesLabels, readonly Labels[]>>;

const labelsBySideAndName: RememberedLabels = new WeakMap();
const labelsByName: RememberedLabels = new WeakMap();

function remembered(
  memory: RememberedLabels,
  entry: Owner,
  series: SeriesLabels,
  make: (own: Labels) => Labels,
): readonly Labels[] {
  let known = memory.get(entry);
  if (known === undefined) {
    known = new Map();
    memory.set(entry, known);
  }
  let labels = known.get(series);
  if (labels === undefined) {
    labels = series.map(make);
    known.set(series, labels);
  }
  return labels;
}
