import type { Counters } from '../kernel/procfs/read-counters.ts';
import { COLLECTOR_ERRORS, errorKey, SOURCES } from '../kernel/source.ts';
import type { MonitorInternals } from '../monitor/monitor.ts';
import { CLOSINGS } from '../sockets/closing.ts';
import { COMPONENTS } from '../sockets/component.ts';
import type { Histogram } from '../sockets/histogram.ts';
import type { HistogramTable } from '../sockets/histogram-table.ts';
import type { KernelColumn } from '../sockets/join.ts';
import { COUNT, type Count } from '../sockets/ledger.ts';
import { type NameEntry, SIDES } from '../sockets/names.ts';
import type { NodeQueues } from '../sockets/node-queues.ts';
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
  const { ledger, collector } = inside;
  const names = ledger.names.entries();
  const column = collector.isFresh() ? collector.column : undefined;
  switch (metric) {
    case 'sockets':
      return column === undefined
        ? []
        : perName(names, STATE_LABELS, (slot, at) => column.ownStates[slot * STATE_SLOTS + stateAt(at)] ?? 0);
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
      inside.pollListeners();
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
      return perName(names, CLOSING_LABELS, (slot, closing) => ledger.closed(slot, closing));
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
  const { ledger, collector } = inside;
  switch (metric) {
    case 'connection_duration_seconds':
      return SIDES.map((side) => ({ labels: { side }, histogram: ledger.durations[side] }));
    case 'rtt_seconds':
      return byTable(inside, collector.tcpInfo?.roundTripSeconds);
    case 'congestion_window_segments':
      return byTable(inside, collector.tcpInfo?.congestionWindows);
    case 'collector_duration_seconds':
      return [{ labels: {}, histogram: collector.durations }];
    case 'collector_blocked_seconds':
      return [{ labels: {}, histogram: collector.blocked }];
    default:
      return metric satisfies never;
  }
}

/** The upper bounds of a histogram's buckets. */
export function boundsOf(inside: MonitorInternals, metric: HistogramName): readonly number[] {
  return tableOf(inside, metric)?.bounds ?? distributions(inside, metric)[0]?.histogram.bounds ?? [];
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
  const table = tableOf(inside, metric);
  if (table !== undefined) {
    return table.subscribe((slot, value) => {
      const entry = inside.ledger.names.at(slot);
      if (entry !== undefined) listener(labelsOf(entry, NO_LABELS)[0] as Labels, value);
    });
  }
  const stops = distributions(inside, metric).map(({ labels, histogram }) =>
    histogram.subscribe((value) => listener(labels, value)),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

/** The histograms of a metric that has one for each name. */
function tableOf({ collector }: MonitorInternals, metric: HistogramName): HistogramTable | undefined {
  switch (metric) {
    case 'rtt_seconds':
      return collector.tcpInfo?.roundTripSeconds;
    case 'congestion_window_segments':
      return collector.tcpInfo?.congestionWindows;
    case 'connection_duration_seconds':
    case 'collector_duration_seconds':
    case 'collector_blocked_seconds':
      return undefined;
    default:
      return metric satisfies never;
  }
}

function byTable({ ledger }: MonitorInternals, table: HistogramTable | undefined): Distribution[] {
  if (table === undefined) return [];
  return ledger.names
    .entries()
    .map((entry) => ({ labels: labelsOf(entry, NO_LABELS)[0] as Labels, histogram: table.at(entry.slot) }));
}

/** What tells the series of one name apart: one entry a series. */
type SeriesLabels = readonly Labels[];

const NO_LABELS: SeriesLabels = [{}];
const STATE_LABELS: SeriesLabels = STATES.map((state) => ({ state: stateLabel(state) }));
const OWNERLESS_LABELS: SeriesLabels = OWNERLESS_STATES.map((state) => ({ state: stateLabel(state) }));
const CLOSING_LABELS: SeriesLabels = CLOSINGS.map(([initiator, outcome]) => ({ initiator, outcome }));
const INITIATOR_LABELS: SeriesLabels = [{ initiator: 'local' }, { initiator: 'remote' }];
const DIRECTION_LABELS: SeriesLabels = [{ direction: 'received' }, { direction: 'sent' }];

const NODE_QUEUE_LABELS: SeriesLabels = [{ queue: 'node_read' }, { queue: 'node_write' }];
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

function stateAt(index: number): State {
  return STATES[index] as State;
}

function byCount({ ledger }: MonitorInternals, series: SeriesLabels, counts: readonly Count[]): Point[] {
  return perName(ledger.names.entries(), series, (slot, at) => ledger.count(slot, counts[at] as Count));
}

function perName(
  names: readonly NameEntry[],
  series: SeriesLabels,
  value: (slot: number, at: number) => number,
): Point[] {
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

/** The label of a metric that only one side has. */
function nameLabel(entry: NameEntry): Labels {
  let label = nameLabels.get(entry);
  if (label === undefined) {
    label = { name: entry.name };
    nameLabels.set(entry, label);
  }
  return label;
}

const nameLabels = new WeakMap<NameEntry, Labels>();

/** Labels are made once for each name and stay the same objects, so that an exporter may remember their text. */
const labelsByName = new WeakMap<NameEntry, Map<SeriesLabels, readonly Labels[]>>();

function labelsOf(entry: NameEntry, series: SeriesLabels): readonly Labels[] {
  let known = labelsByName.get(entry);
  if (known === undefined) {
    known = new Map();
    labelsByName.set(entry, known);
  }
  let labels = known.get(series);
  if (labels === undefined) {
    const { side, name } = entry;
    labels = series.map((own) => ({ side, name, ...own }));
    known.set(series, labels);
  }
  return labels;
}
