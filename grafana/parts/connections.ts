import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { STATE_COLOURS, VERDICT_COLOURS } from '../colours.ts';
import { stat, timeseries } from '../panels.ts';
import * as queries from '../queries.ts';

/** How many are open. */
export function openNow(): StatPanel {
  return stat({
    title: 'Open connections',
    description:
      'Connections that Node holds open, both sides. Bad: it grows while the traffic does not; then compare opened and ' +
      'closed per second, and look which state grows.',
    unit: 'short',
    width: 4,
    expr: queries.openConnections(),
    colour: STATE_COLOURS.established,
  });
}

/** How many come. */
export function openedNow(): StatPanel {
  return stat({
    title: 'Opened per second',
    description:
      'Connections accepted and made. Bad: near the request rate, where connections should be reused: look for a missing ' +
      'keep-alive agent, or a proxy that closes after every request.',
    unit: 'cps',
    width: 4,
    expr: queries.openedPerSecond(),
    colour: VERDICT_COLOURS.neutral,
  });
}

/** How many go. */
export function closedNow(): StatPanel {
  return stat({
    title: 'Closed per second',
    description:
      'Connections whose descriptor was closed. Bad: for long below "opened": the difference piles up as open ' +
      'connections, and in the end as descriptors.',
    unit: 'cps',
    width: 4,
    expr: queries.closedPerSecond(),
    colour: VERDICT_COLOURS.neutral,
  });
}

/** Who opens them, or to whom. */
export function openedByName(): TimeseriesPanel {
  return timeseries({
    title: 'Opened per second, by name',
    description:
      'Accepted by each listener (server), made to each upstream (client). Bad: an upstream opened as often as it is ' +
      'called, or a burst after every idle pause: its keep-alive is missing or shorter than the pauses.',
    unit: 'cps',
    width: 12,
    queries: [{ expr: queries.openedPerSecondByName(), legend: '{{side}} {{name}}' }],
  });
}

/** How they end. */
export function closedByOutcome(): TimeseriesPanel {
  return timeseries({
    title: 'Closed per second, by outcome',
    description:
      'fin: in order. unused: accepted, and the peer never sent a byte (health checks, scans). Bad: reset (see the row ' +
      'below), timeout (the network or the peer is gone), error, and abandoned: a socket object was collected without ' +
      "'close', a defect of this program.",
    unit: 'cps',
    width: 12,
    queries: [{ expr: queries.closedPerSecondByOutcome(), legend: '{{outcome}}' }],
  });
}

/** Who ends them first. */
export function whoClosesFirst(): TimeseriesPanel {
  return timeseries({
    title: 'Closed per second, by who closed first',
    description:
      'local: this program, which then keeps the TIME_WAIT. remote: the peer. unknown: neither could be seen (a timeout, ' +
      'an error). Bad: "client local" at the rate of requests: every call opens and closes a connection. "server local" ' +
      "on idle connections is a keep-alive timeout shorter than the proxy's, which then now and then sends into a closed one.",
    unit: 'cps',
    width: 12,
    queries: [{ expr: queries.closedPerSecondByInitiator(), legend: '{{side}} {{initiator}}' }],
  });
}

/** How many are reset. */
export function resets(): TimeseriesPanel {
  return timeseries({
    title: 'Resets per second',
    description:
      'Open connections ended by an RST: received (ECONNRESET, EPIPE) or sent by resetAndDestroy(). An RST that the kernel ' +
      'sends because data was unread is in neither. Bad: any steady rate. Received on a client: the upstream crashed, or ' +
      'closes idle connections that we reuse. Received on a server: clients or a load balancer give up.',
    unit: 'cps',
    width: 12,
    queries: [{ expr: queries.resetsPerSecond(), legend: '{{side}} {{direction}}' }],
  });
}
