import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { VERDICT_COLOURS } from '../colours.ts';
import { stat, timeseries } from '../panels.ts';
import * as queries from '../upstream-queries.ts';

/** Whether requests wait for a connection. */
export function waitingNow(): StatPanel {
  return stat({
    title: 'Waiting for a connection',
    description:
      'Requests that no pool (http.Agent, undici) has a connection for yet. 0 in health, or short peaks. Bad: it stays: ' +
      'the time they wait is in the latency of this service and in no trace of the upstream.',
    unit: 'short',
    width: 4,
    expr: queries.poolPending(),
    colour: VERDICT_COLOURS.neutral,
    whenEmpty: 'no pools',
  });
}

/** How well connections are used. */
export function reuseNow(): StatPanel {
  return stat({
    title: 'Requests on a used connection',
    description:
      'The share of HTTP/1 requests that found a connection open: 1 - opened / requests, over upstreams that get requests. ' +
      'Bad: below 90% under steady load: no keep-alive, an agent made for each request, or idle timeouts shorter than the pauses.',
    unit: 'percentunit',
    width: 4,
    expr: queries.reuseShare(),
    colour: VERDICT_COLOURS.neutral,
    whenEmpty: 'no requests',
  });
}

/** What pools hold. */
export function poolConnections(): TimeseriesPanel {
  return timeseries({
    title: 'Connections in pools, by upstream',
    description:
      'In use and idle, of agents and dispatchers. Bad: active flat at the limit (maxSockets, connections) while requests ' +
      'wait, beside this: the pool is too small or the upstream too slow. Idle far above active, always: more is kept open ' +
      'than is needed, and each connection costs the upstream memory.',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.poolConnectionsByName(), legend: '{{name}} {{pool_state}}' }],
  });
}

/** Who waits. */
export function poolPending(): TimeseriesPanel {
  return timeseries({
    title: 'Waiting for a connection, by upstream',
    description:
      'Requests in the queues of pools. Bad: a level that stays. Is active at its limit? Then the upstream answers too ' +
      'slowly for this pool: requests per second times its latency is the number of connections needed. Is active below? ' +
      'Then connecting is what takes long: look at the row above.',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.poolPendingByName(), legend: '{{name}}' }],
  });
}

/** What is asked. */
export function requestsByName(): TimeseriesPanel {
  return timeseries({
    title: 'Requests per second, by upstream',
    description:
      'HTTP/1 requests whose answer is complete, or whose connection was lost. Bad: it falls while requests wait for a ' +
      'connection: the upstream has slowed down. Other protocols, and HTTP/2, are not counted.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: queries.requestsPerSecondByName(), legend: '{{name}}' }],
  });
}

/** Who reuses. */
export function reuseByName(width = 12): TimeseriesPanel {
  return timeseries({
    title: 'Requests on a used connection, share by upstream',
    description:
      '1 - connections opened / requests; HTTP/1 only. Near 100% in health. Bad: 0% (no keep-alive: agent: false, ' +
      'Connection: close, an agent or dispatcher made for each request), or low at night and high by day: the idle timeout ' +
      'of one side is shorter than the pauses.',
    unit: 'percentunit',
    width,
    queries: [{ expr: queries.reuseShareByName(), legend: '{{name}}' }],
  });
}

/** How long connections live. */
export function connectionDuration(): TimeseriesPanel {
  return timeseries({
    title: 'Life of connections that closed',
    description:
      'Median and 99th percentile from connect to close, over all upstreams; what is still open is not in it. Bad: a ' +
      'median of milliseconds: one request each. A sharp step at a round time is a timeout of somebody on the way (5 s: ' +
      'Node, 60 s: nginx and many balancers): keep idle connections for less than that.',
    unit: 's',
    width: 12,
    queries: [
      { expr: queries.connectionDuration(0.5), legend: 'median' },
      { expr: queries.connectionDuration(0.99), legend: '99%' },
    ],
  });
}

/** How many requests a connection sees. */
export function requestsPerConnection(): TimeseriesPanel {
  return timeseries({
    title: 'Requests a connection, by upstream',
    description:
      "Median of the connections that closed. Only with level: 'full'; empty otherwise. Bad: 1: made for one request. A " +
      'round number such as 100 or 1,000 is a limit of the upstream (maxRequestsPerSocket, keepalive_requests).',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.requestsPerConnection(0.5), legend: '{{name}}' }],
  });
}
