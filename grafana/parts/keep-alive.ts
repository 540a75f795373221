import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { stat, timeseries } from '../panels.ts';
import { activeClosesPerSecond, idleClosesPerSecond, keepAliveTimeouts } from '../queries.ts';
import * as upstreams from '../upstream-queries.ts';

/** Whether requests are lost in the race. */
export function racesNow(): StatPanel {
  return stat({
    title: 'Lost in the keep-alive race, per second',
    description:
      'Requests that died with a connection which had served others, because the server had just closed it. Bad: anything ' +
      'steady; the row "Ending" says with whom, and whose timeout to change.',
    unit: 'cps',
    width: 4,
    expr: upstreams.racesPerSecond(),
    colour: { badFrom: 0.001 },
  });
}

/** With whom. */
export function racesByName(): TimeseriesPanel {
  return timeseries({
    title: 'Lost in the keep-alive race, per second by upstream',
    description:
      'The server closed an idle connection while a request was on its way: ECONNRESET, EPIPE or "other side closed". Bad: ' +
      'anything that comes back. Let this side close first: an idle timeout below the one on the right (undici keepAliveTimeout, ' +
      'agent-level timeout), and retry what is idempotent. A burst alone is a server that was stopped.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: upstreams.racesPerSecondByName(), legend: '{{name}}' }],
  });
}

/** Who closes first. */
export function upstreamIdleCloses(): TimeseriesPanel {
  return timeseries({
    title: 'Idle connections closed per second, by who',
    description:
      'Closed between two requests. keep_alive_timeout: an idle timer of this process, the safe way. local: this process ' +
      'otherwise. remote: the server, and each such close is a chance for the race beside this. Bad: mostly remote under ' +
      'traffic with pauses.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: upstreams.upstreamIdleClosesPerSecond(), legend: '{{name}} {{cause}}' }],
  });
}

/** When the server closes. */
export function upstreamKeepAliveTimeouts(): TimeseriesPanel {
  return timeseries({
    title: 'Keep-alive timeout that upstreams announce',
    description:
      'What the server says in Keep-Alive: timeout=, the shortest of all processes. Absent where it says nothing, as most ' +
      'proxies do. Bad: shorter than the idle timeout of our pool: then the server closes first, and the race is on. Node ' +
      'servers say 5 s unless told otherwise.',
    unit: 's',
    width: 8,
    queries: [{ expr: upstreams.upstreamKeepAliveTimeouts(), legend: '{{name}}' }],
  });
}

/** How idle connections were. */
export function idleAtClose(): TimeseriesPanel {
  return timeseries({
    title: 'Idle time at close, by upstream',
    description:
      "Median of connections that closed between two requests. Only with level: 'full'; empty otherwise. Bad: near the " +
      "timeout that the upstream announces: it is the server's timer that closes them.",
    unit: 's',
    width: 8,
    queries: [{ expr: upstreams.idleAtClose(0.5), legend: '{{name}}' }],
  });
}

/** Who closes idle connections, on either side. */
export function idleCloses(): TimeseriesPanel {
  return timeseries({
    title: 'Idle connections closed per second, by cause',
    description:
      'Closed between two HTTP/1 requests. Bad: "server keep_alive_timeout" behind a proxy or balancer that keeps ' +
      'connections: what it sends at that moment is lost, with a 502 there and nothing here, for Node cannot see a request ' +
      'that comes too late. Make keepAliveTimeout longer than its idle timeout.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: idleClosesPerSecond(), legend: '{{side}} {{cause}}' }],
  });
}

/** After how long, on either side. */
export function keepAliveTimeout(): TimeseriesPanel {
  return timeseries({
    title: 'Keep-alive timeout, by name',
    description:
      'Of a server its keepAliveTimeout (5 s by default); of an upstream what it announces; the shortest of all processes. ' +
      'Bad: a server below the idle timeout of the balancer before it (60 s is usual, nginx and AWS alike). 0 is no timeout.',
    unit: 's',
    width: 8,
    queries: [{ expr: keepAliveTimeouts(), legend: '{{side}} {{name}}' }],
  });
}

/** What ends in the middle, on either side. */
export function activeCloses(): TimeseriesPanel {
  return timeseries({
    title: 'Closed during a request, per second',
    description:
      'HTTP/1 connections that closed before the answer was complete, by who closed first. Bad: "server remote" that ' +
      'climbs: clients give up waiting; look at latency. "server local": this program cuts answers off: a crash, ' +
      'destroy(), a shutdown that does not drain. For "client" see the upstreams dashboard.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: activeClosesPerSecond(), legend: '{{side}} {{initiator}}' }],
  });
}
