import { COLLECTOR_REASONS, SOURCES } from '../kernel/source.ts';
import type { MonitorInternals } from '../monitor/monitor.ts';
import { CLOSINGS } from '../sockets/closing.ts';
import { COMPONENTS } from '../sockets/component.ts';
import type { Histogram } from '../sockets/histogram.ts';
import { COUNT, type Count } from '../sockets/ledger.ts';
import { type NameEntry, SIDES } from '../sockets/names.ts';
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
export type HistogramName = 'connection_duration_seconds' | 'collector_duration_seconds' | 'collector_blocked_seconds';

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
        : byState(names, (slot, state) => column.ownStates[slot * STATE_SLOTS + state] ?? 0);
    case 'netns_unattributed_sockets':
      return column === undefined
        ? []
        : byState(names, (slot, state) => column.unattributedStates[slot * STATE_SLOTS + state] ?? 0, OWNERLESS_STATES);
    case 'netns_sockets':
      return column === undefined
        ? []
        : STATES.map((state) => ({ labels: { state: stateLabel(state) }, value: column.netnsStates[state] ?? 0 }));
    case 'node_sockets':
      inside.pollListeners();
      return byState(names, (slot, state) => ledger.nodeState(slot, state));
    case 'connections_opened_total':
      return byName(names, (slot) => ledger.count(slot, COUNT.opened));
    case 'connections_adopted_total':
      return byName(names, (slot) => ledger.count(slot, COUNT.adopted));
    case 'connections_released_total':
      return byName(names, (slot) => ledger.count(slot, COUNT.released));
    case 'open_connections':
      return byName(names, (slot) => ledger.count(slot, COUNT.open));
    case 'blind_sockets':
      return byName(names, (slot) => ledger.count(slot, COUNT.blind));
    case 'connections_closed_total':
      return names.flatMap(({ slot, side, name }) =>
        CLOSINGS.map(([initiator, outcome], closing) => ({
          labels: { side, name, initiator, outcome },
          value: ledger.closed(slot, closing),
        })),
      );
    case 'half_closes_total':
      return byPair(inside, 'initiator', { local: COUNT.halfClosedLocal, remote: COUNT.halfClosedRemote });
    case 'resets_total':
      return byPair(inside, 'direction', { received: COUNT.resetReceived, sent: COUNT.resetSent });
    case 'bytes_total':
      return byPair(inside, 'direction', { received: COUNT.bytesReceived, sent: COUNT.bytesSent });
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
      return SOURCES.map((source) => ({ labels: { source }, value: source === 'ss' && column !== undefined ? 1 : 0 }));
    case 'collector_last_success_timestamp_seconds':
      return collector.lastSuccessSeconds === undefined ? [] : [{ labels: {}, value: collector.lastSuccessSeconds }];
    case 'collector_rows':
      return collector.column === undefined ? [] : [{ labels: {}, value: collector.column.rows }];
    case 'collector_truncated':
      return collector.column === undefined ? [] : [{ labels: {}, value: collector.truncated ? 1 : 0 }];
    case 'collector_errors_total':
      return COLLECTOR_REASONS.map((reason) => ({
        labels: { source: 'ss', reason },
        value: collector.errors.get(reason) ?? 0,
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
    case 'collector_duration_seconds':
      return [{ labels: {}, histogram: collector.durations }];
    case 'collector_blocked_seconds':
      return [{ labels: {}, histogram: collector.blocked }];
    default:
      return metric satisfies never;
  }
}

function byName(names: readonly NameEntry[], value: (slot: number) => number): Point[] {
  return names.map(({ slot, side, name }) => ({ labels: { side, name }, value: value(slot) }));
}

function byState(
  names: readonly NameEntry[],
  value: (slot: number, state: State) => number,
  states: readonly State[] = STATES,
): Point[] {
  return names.flatMap(({ slot, side, name }) =>
    states.map((state) => ({ labels: { side, name, state: stateLabel(state) }, value: value(slot, state) })),
  );
}

function byPair(
  { ledger }: MonitorInternals,
  label: 'initiator' | 'direction',
  columns: { readonly [value: string]: Count },
): Point[] {
  return ledger.names.entries().flatMap(({ slot, side, name }) =>
    Object.entries(columns).map(([value, count]) => ({
      labels: { side, name, [label]: value },
      value: ledger.count(slot, count),
    })),
  );
}
