import type { PanelBuilder as HeatmapPanel } from '@grafana/grafana-foundation-sdk/heatmap';
import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { heatmap } from '../charts.ts';
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

/** How long they live. */
export function lifetimes(): HeatmapPanel {
  return heatmap({
    title: 'Life of connections that closed',
    description:
      'From accept or connect to close, over the buckets of the histogram; what is still open is not in it. Bad: all of it below ' +
      'a tenth of a second: one request each. A band at a round time is the timeout of somebody on the way (5 s: Node; 60 s: ' +
      'nginx and many balancers).',
    unit: 's',
    width: 12,
    height: 8,
    expr: queries.lifetimesPerSecond(),
  });
}

/** In two numbers. */
export function lifetimeQuantiles(): TimeseriesPanel {
  return timeseries({
    title: 'Life of connections: median and 99th percentile',
    description:
      'The same in numbers, by side. Bad: a median of milliseconds under steady load, where connections should be reused; or a ' +
      'step at the moment of a deployment: a timeout was changed.',
    unit: 's',
    width: 12,
    queries: [
      { expr: queries.lifetime(0.5), legend: '{{side}} median' },
      { expr: queries.lifetime(0.99), legend: '{{side}} 99%' },
    ],
  });
}

/** Whose live how long. */
export function lifetimeByName(): TimeseriesPanel {
  return timeseries({
    title: 'Life of connections by name (99th percentile)',
    description:
      "Only with level: 'full'; empty otherwise. Bad: one upstream far below the others: it is not kept alive, or its server " +
      'closes sooner.',
    unit: 's',
    width: 12,
    queries: [{ expr: queries.lifetimeByName(0.99), legend: '{{side}} {{name}}' }],
  });
}

/** What goes over them. */
export function throughput(): TimeseriesPanel {
  return timeseries({
    title: 'Bytes per second',
    description:
      'Of observed connections, on TLS the bytes of the wire. Bad: 0 while connections are open and requests wait: they are ' +
      'stuck; look at what is queued on the load dashboard.',
    unit: 'Bps',
    width: 12,
    queries: [{ expr: queries.bytesPerSecond(), legend: '{{side}} {{direction}}' }],
  });
}

/** What finwait did not see begin or end. */
export function adoptedAndReleased(): TimeseriesPanel {
  return timeseries({
    title: 'Observed late, or let go, per second',
    description:
      'Adopted: open already when observed. Released: still open when the observation ended, or handed to another process. ' +
      'opened + adopted = closed + released + open, always. Bad: adopted at a steady rate: observe earlier ' +
      '(node --import finwait/register); durations leave these out.',
    unit: 'cps',
    width: 12,
    queries: [
      { expr: queries.adoptedPerSecond(), legend: '{{side}} adopted' },
      { expr: queries.releasedPerSecond(), legend: '{{side}} released' },
    ],
  });
}

/** Which way they go. */
export function transitions(): TimeseriesPanel {
  return timeseries({
    title: 'Transitions per second',
    description:
      "The ten edges of the diagram that most sockets take, as Node's events tell it, of all sides and names. Bad: " +
      '"established to closed" at a high rate: connections end by reset or destroy, not in order; "established to close_wait" without as ' +
      'many "close_wait to last_ack": nobody ends.',
    unit: 'cps',
    width: 12,
    queries: [{ expr: queries.transitionsPerSecond(), legend: '{{from}} to {{to}}' }],
  });
}

/** Where they stay. */
export function meanTimeInState(): TimeseriesPanel {
  return timeseries({
    title: 'Mean time in each state',
    description:
      "Of the sockets that left it. Only with level: 'full'; empty otherwise. Bad: close_wait of seconds: handlers are slow to " +
      'end their side; syn_sent above a second: SYNs are lost.',
    unit: 's',
    width: 12,
    queries: [{ expr: queries.meanTimeInState(), legend: '{{state}}' }],
    colours: STATE_COLOURS,
  });
}

/** How many are reset. */
export function resets(width = 12): TimeseriesPanel {
  return timeseries({
    title: 'Resets per second',
    description:
      'Open connections ended by an RST: received (ECONNRESET, EPIPE) or sent by resetAndDestroy(). An RST that the kernel ' +
      'sends because data was unread is in neither. Bad: any steady rate. Received on a client: the upstream crashed, or ' +
      'closes idle connections that we reuse. Received on a server: clients or a load balancer give up.',
    unit: 'cps',
    width,
    queries: [{ expr: queries.resetsPerSecond(), legend: '{{side}} {{direction}}' }],
  });
}
