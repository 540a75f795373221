import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TablePanel } from '@grafana/grafana-foundation-sdk/table';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { VERDICT_COLOURS } from '../colours.ts';
import { stat, timeseries } from '../panels.ts';
import { table } from '../tables.ts';
import { CONNECT_FAILURES, CONNECTS_SLOW } from '../thresholds.ts';
import * as queries from '../upstream-queries.ts';

/** Whether some upstream cannot be reached. */
export function connectFailuresWorstShare(): StatPanel {
  return stat({
    title: 'Failed connects, worst upstream',
    description:
      'The share of connect operations that failed, of the upstream where it is largest; what the program gave up itself ' +
      `is no failure here. Bad from ${CONNECT_FAILURES.shareFrom * 100}%: the table below says which process, upstream and reason.`,
    unit: 'percentunit',
    width: 4,
    expr: queries.connectFailureShareWorst(),
    colour: { badFrom: CONNECT_FAILURES.shareFrom },
    whenEmpty: 'no connects',
  });
}

/** How many connects are under way. */
export function pendingNow(): StatPanel {
  return stat({
    title: 'Connecting now',
    description:
      'Connect operations under way, the lookup of the name and the handshake of TLS included. About 0 in health. Bad: it ' +
      'stays or climbs: an upstream drops SYNs instead of refusing them, or name resolution hangs.',
    unit: 'short',
    width: 4,
    expr: queries.pendingConnects(),
    colour: VERDICT_COLOURS.neutral,
  });
}

/** To whom connects go. */
export function connectsByName(): TimeseriesPanel {
  return timeseries({
    title: 'Connects per second, by upstream',
    description:
      'Connect operations begun, each once however many addresses it tries. Bad: as many as requests: connections are not ' +
      'reused. A burst from all processes at once: an upstream went away and they came back together; add a random delay.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: queries.connectsPerSecondByName(), legend: '{{name}}' }],
  });
}

/** How many of them fail. */
export function connectFailureShare(): TimeseriesPanel {
  return timeseries({
    title: 'Failed connects, share by upstream',
    description:
      'Of the connect operations of each upstream, without those the program gave up. A gap is a time without connects. ' +
      'Attempts at single addresses do not count: an IPv6 without a route harms nobody while IPv4 connects. Bad: anything ' +
      'but 0; small and steady is one dead address behind the name, 100% is the whole upstream.',
    unit: 'percentunit',
    width: 8,
    queries: [{ expr: queries.connectFailureShareByName(), legend: '{{name}}' }],
  });
}

/** Why they fail. */
export function connectFailuresByReason(): TimeseriesPanel {
  return timeseries({
    title: 'Failed connects per second, by reason',
    description:
      'Each failure under one reason. refused, reset: nobody listens, or it turns us away. timeout, unreachable: the way ' +
      'there. resolution: DNS. tls: the certificate or the protocol. Bad: all but aborted (the program gave up), ' +
      'and at once port_exhausted and fd_exhausted: those are of this host and process, see the load dashboard.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: queries.connectFailuresPerSecondByReason(), legend: '{{reason}}' }],
  });
}

/** Where to look. */
export function connectFailuresWorst(): TablePanel {
  return table({
    title: 'Where connects fail now',
    description:
      'The 20 places with most failures; empty in health. Bad: one upstream from all processes is that upstream; all ' +
      'upstreams from one process is its host, its network namespace or its limits. runbook.md has what to do by reason.',
    unit: 'cps',
    width: 12,
    labels: ['job', 'instance', 'name', 'reason'],
    values: [{ expr: queries.connectFailuresWorst(), column: 'per second' }],
    links: [
      { title: 'Only this process and upstream', to: 'upstreams', labels: ['job', 'instance', 'name'] },
      { title: 'Its local ports and descriptors: load', to: 'load', labels: ['job', 'instance'] },
    ],
  });
}

/** Where connects hang. */
export function pendingByName(): TimeseriesPanel {
  return timeseries({
    title: 'Connecting, by upstream',
    description:
      'Connect operations under way. Bad: a level that stays: nobody answers the SYN, and the kernel tries for two minutes ' +
      'unless the program has a timeout of its own. Set one: autoSelectFamilyAttemptTimeout is for single addresses only.',
    unit: 'short',
    width: 12,
    queries: [{ expr: queries.pendingConnectsByName(), legend: '{{name}}' }],
  });
}

/** How long the phases take. */
export function connectDuration(): TimeseriesPanel {
  return timeseries({
    title: 'Duration of connects, by phase',
    description:
      'Median and 99th percentile of the connects that were completed, over all upstreams. Bad: lookup above some ' +
      "milliseconds: getaddrinfo waits for a thread of libuv's pool, or for DNS. tls far above tcp: no session is resumed, " +
      'or a CPU is busy. tcp near 1 s or 3 s: lost SYNs, beside this.',
    unit: 's',
    width: 8,
    queries: [
      { expr: queries.connectDuration(0.5), legend: '{{phase}} median' },
      { expr: queries.connectDuration(0.99), legend: '{{phase}} 99%' },
    ],
  });
}

/** Whether SYNs are lost. */
export function slowHandshakes(): TimeseriesPanel {
  return timeseries({
    title: `TCP handshakes over ${CONNECTS_SLOW.above} s, share by process`,
    description:
      'Of the connects that were completed. A SYN without an answer is sent again after 1 s, so these have lost one. Bad ' +
      `from ${CONNECTS_SLOW.shareFrom * 100}%: the upstream's accept queue overflows, a firewall or a full connection table drops. ` +
      "A blocked event loop of our own looks alike: it sees 'connect' late.",
    unit: 'percentunit',
    width: 8,
    queries: [{ expr: queries.slowHandshakeShareByInstance(), legend: '{{instance}}' }],
  });
}

/** What Happy Eyeballs does. */
export function connectAttempts(): TimeseriesPanel {
  return timeseries({
    title: 'Attempts at single addresses per second',
    description:
      'Happy Eyeballs within connect operations, by family and end. No alert looks at it. Bad: "ipv6 failed" as ' +
      'often as "ipv4 connected": names have IPv6 addresses and this host has no route; that costs little. "timed_out": the first address is ' +
      'dead or slower than autoSelectFamilyAttemptTimeout, and each connect waits that long.',
    unit: 'cps',
    width: 8,
    queries: [{ expr: queries.attemptsPerSecond(), legend: '{{family}} {{result}}' }],
  });
}

/** How long each upstream takes. */
export function connectDurationByName(): TimeseriesPanel {
  return timeseries({
    title: 'Duration of connects by upstream (99th percentile)',
    description:
      "By phase. Only with level: 'full'; empty otherwise. Bad: one upstream far above the others of the same network: " +
      'look at its tcp for lost SYNs, at its tls for missing session resumption, at its lookup for its DNS zone.',
    unit: 's',
    width: 8,
    queries: [{ expr: queries.connectDurationByName(0.99), legend: '{{name}} {{phase}}' }],
  });
}
