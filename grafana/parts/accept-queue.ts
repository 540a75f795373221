import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { stat, timeseries } from '../panels.ts';
import * as queries from '../queries.ts';
import { ACCEPT_QUEUE } from '../thresholds.ts';

/** How full the fullest is. */
export function acceptQueueWorst(): StatPanel {
  return stat({
    title: 'Fullest accept queue',
    description:
      'Connections that the kernel has established and the process has not accepted, as a share of what fits in. About 0 ' +
      `in health: an event loop that comes round takes all of them. Bad from ${ACCEPT_QUEUE.fullFrom * 100}%: what comes when it is full is dropped.`,
    unit: 'percentunit',
    width: 4,
    expr: queries.acceptQueueWorst(),
    colour: { badFrom: ACCEPT_QUEUE.fullFrom },
  });
}

/** How full each is. */
export function acceptQueueFill(): TimeseriesPanel {
  return timeseries({
    title: 'Accept queue, share in use',
    description:
      'By process and listener. Bad: anything but short peaks. The event loop is blocked (a long synchronous task, garbage ' +
      'collection) or has no CPU; a gap here is a loop that could not even sample. In a cluster the primary owns the listener, and only its finwait can show it.',
    unit: 'percentunit',
    width: 8,
    queries: [{ expr: queries.acceptQueueFill(), legend: '{{instance}} {{name}}' }],
    badFrom: ACCEPT_QUEUE.fullFrom,
  });
}

/** What is dropped at the door. */
export function listenDrops(): TimeseriesPanel {
  return timeseries({
    title: 'Dropped by listeners, per second',
    description:
      'Packets of new connections that the kernel dropped, of the whole network namespace, and SYN cookies it sent because ' +
      'too many handshakes were half done. One client that tries again counts again, after a second and more: to it the ' +
      'service is slow, not down. Bad: anything but 0.',
    unit: 'cps',
    width: 8,
    queries: [
      { expr: queries.listenOverflowsPerSecond(), legend: 'accept queue full' },
      { expr: queries.listenDropsPerSecond(), legend: 'for any reason' },
      { expr: queries.synCookiesPerSecond(), legend: 'SYN cookies sent' },
    ],
  });
}

/** Whom the program turns away itself. */
export function droppedByMaxConnections(): TimeseriesPanel {
  return timeseries({
    title: 'Dropped because of maxConnections, per second',
    description:
      'Accepted and closed at once, because the server had as many connections as server.maxConnections allows. The client ' +
      'sees a connection that ends before the first byte. Bad: anything but 0. Are connections idle, or leaking? Then ' +
      'close them sooner; else there are more clients than one process takes.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: queries.droppedPerSecondByName(), legend: '{{name}}' }],
  });
}

/** How many wait. */
export function acceptQueueLength(): TimeseriesPanel {
  return timeseries({
    title: 'Waiting to be accepted, by name',
    description:
      'Connections in the accept queues, summed over processes. Bad: a level that stays. It rises before the latency that ' +
      'clients see does, because their connect() has succeeded.',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.acceptQueueByName(), legend: '{{name}}' }],
  });
}
