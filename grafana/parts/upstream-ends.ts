import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { timeseries } from '../panels.ts';
import * as queries from '../upstream-queries.ts';

/** How connections to upstreams end. */
export function upstreamCloses(): TimeseriesPanel {
  return timeseries({
    title: 'Closed per second, by who and how',
    description:
      'Who ended first, and the outcome. Bad: "local fin" at the rate of requests: every call opens and closes a ' +
      'connection, and keeps its port in TIME_WAIT. "remote reset" and "unknown timeout": the upstream crashes, or the ' +
      'way there forgets connections. abandoned: a socket was dropped without being closed, a defect of this program.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: queries.closesPerSecond(), legend: '{{initiator}} {{outcome}}' }],
  });
}

/** What ends in the middle. */
export function upstreamActiveCloses(): TimeseriesPanel {
  return timeseries({
    title: 'Closed during a request, per second',
    description:
      'Connections that closed before the answer was complete, by who closed first. Bad: remote: the upstream crashed, was ' +
      'deployed without draining, or cut the answer off. local at a steady rate: timeouts or aborts of this program; the ' +
      'upstream goes on working for nobody.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: queries.activeClosesPerSecond(), legend: '{{name}} {{initiator}}' }],
  });
}

/** What is reset. */
export function upstreamResets(): TimeseriesPanel {
  return timeseries({
    title: 'Resets per second, by upstream',
    description:
      'Open connections ended by an RST: received (ECONNRESET, EPIPE), or sent by resetAndDestroy(). Bad: received at a ' +
      'steady rate: the upstream closes with our bytes unread, or a device on the way cut an idle connection. Beside the ' +
      'keep-alive race below it says whether they had served a request.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: queries.upstreamResetsPerSecond(), legend: '{{name}} {{direction}}' }],
  });
}
