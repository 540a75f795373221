import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimelinePanel } from '@grafana/grafana-foundation-sdk/statetimeline';
import type { PanelBuilder as TablePanel } from '@grafana/grafana-foundation-sdk/table';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { timeline } from '../charts.ts';
import { VERDICT_COLOURS } from '../colours.ts';
import * as queries from '../fleet-queries.ts';
import { stat, timeseries } from '../panels.ts';
import { table } from '../tables.ts';
import { ACCEPT_QUEUE, CONNECT_FAILURES, DESCRIPTORS, EPHEMERAL_PORTS } from '../thresholds.ts';

/** How many there are. */
export function processesNow(): StatPanel {
  return stat({
    title: 'Processes',
    description:
      'Processes with finwait that were scraped, in the jobs chosen. Bad: fewer than were deployed: one that is out of ' +
      'descriptors cannot be scraped, so a gap here may be the worst leak of all.',
    unit: 'short',
    width: 4,
    expr: queries.processes(),
    colour: VERDICT_COLOURS.neutral,
  });
}

/** How many of them leak. */
export function leakingNow(): StatPanel {
  return stat({
    title: 'Processes that leak',
    description:
      'Processes with a socket that has been idle in CLOSE_WAIT for longer than leakAfterMs. 0 in health. Bad: anything else; the table ' +
      'below names them, worst first. All processes of one service is its code; one of many is what that one was asked to do.',
    unit: 'short',
    width: 4,
    expr: queries.leakingProcesses(),
    colour: { badFrom: 1 },
  });
}

/** How much is leaked. */
export function leakedNow(): StatPanel {
  return stat({
    title: 'Leaked sockets',
    description:
      'Their sockets, added up. Each holds a descriptor until its process ends. Bad: anything but 0, and at once if it climbs: ' +
      'see when descriptors run out on the CLOSE_WAIT dashboard.',
    unit: 'short',
    width: 4,
    expr: queries.leakedSockets(),
    colour: { badFrom: 1 },
  });
}

/** How near the limit of descriptors the fullest process is. */
export function descriptorsNow(): StatPanel {
  return stat({
    title: 'Descriptors, fullest process',
    description:
      'Open file descriptors as a share of the soft limit. Bad from ' +
      `${DESCRIPTORS.criticalFrom * 100}%: at 100% accept, connect and open fail with EMFILE, and the process cannot be scraped. The table below names it.`,
    unit: 'percentunit',
    width: 4,
    expr: queries.descriptorsWorst(),
    colour: { badFrom: DESCRIPTORS.criticalFrom },
  });
}

/** How near the limit of local ports the fullest is. */
export function portsNow(): StatPanel {
  return stat({
    title: 'Local ports, fullest process',
    description:
      'Local ports in use towards one destination, as a share of those there are. Bad from ' +
      `${EPHEMERAL_PORTS.lowFrom * 100}%: at 100% connect fails with EADDRNOTAVAIL. Reuse connections; the upstreams dashboard says whose are not.`,
    unit: 'percentunit',
    width: 4,
    expr: queries.portsWorst(),
    colour: { badFrom: EPHEMERAL_PORTS.lowFrom },
    whenEmpty: 'no upstreams',
  });
}

/** Whether dependencies answer. */
export function failuresNow(): StatPanel {
  return stat({
    title: 'Failed connects, worst service',
    description:
      'The share of connect operations that failed, of the service where it is largest; what programs gave up themselves is no failure. Bad ' +
      `from ${CONNECT_FAILURES.shareFrom * 100}%: the table below says which upstream.`,
    unit: 'percentunit',
    width: 4,
    expr: queries.failuresWorst(),
    colour: { badFrom: CONNECT_FAILURES.shareFrom },
    whenEmpty: 'no connects',
  });
}

/** Which processes leak. */
export function leakingProcesses(): TablePanel {
  return table({
    title: 'Which process leaks',
    description:
      'The 20 worst, most leaked sockets first; empty in health. leaked: CLOSE_WAIT that nobody ends. oldest: at least so long in CLOSE_WAIT. ' +
      'stuck: FIN_WAIT_2, the peer does not end. Bad: any red cell. Click on the job: the CLOSE_WAIT dashboard of that process says why.',
    unit: 'short',
    width: 14,
    height: 10,
    labels: ['job', 'instance'],
    values: [
      { expr: queries.leakedWorst(), column: 'leaked', badFrom: 1 },
      { expr: queries.oldestWorst(), column: 'oldest', unit: 's' },
      { expr: queries.stuckWorst(), column: 'stuck', badFrom: 1 },
    ],
    links: [
      { title: 'Why: CLOSE_WAIT of this process', to: 'closeWait', labels: ['job', 'instance'] },
      { title: 'Its TCP lifecycle', to: 'lifecycle', labels: ['job', 'instance'] },
    ],
  });
}

/** Since when. */
export function leakingTimeline(): TimelinePanel {
  return timeline({
    title: 'Processes that leak, by service',
    description:
      'One band for each service: green while none of its processes leaks, red with their number from the moment that one does. Bad: red ' +
      'that begins at a deployment (a change of code), or at one time in several services (an upstream that they share). A gap: no table.',
    unit: 'short',
    width: 10,
    height: 10,
    expr: queries.leakingProcessesByJob(),
    legend: '{{job}}',
    badFrom: 1,
  });
}

/** Which processes are near a limit. */
export function nearLimits(): TablePanel {
  return table({
    title: 'Which process is near a limit',
    description:
      'The ten fullest of each kind, as a share of the limit. Bad: a red cell: descriptors (no accept, no connect), accept queue (clients are ' +
      'dropped), local ports (connects fail). Click on the job: the load dashboard of that process says how fast it fills.',
    unit: 'percentunit',
    width: 14,
    height: 10,
    labels: ['job', 'instance'],
    values: [
      { expr: queries.descriptorsFullest(), column: 'descriptors', badFrom: DESCRIPTORS.criticalFrom },
      { expr: queries.acceptQueuesFullest(), column: 'accept queue', badFrom: ACCEPT_QUEUE.fullFrom },
      { expr: queries.portsFullest(), column: 'local ports', badFrom: EPHEMERAL_PORTS.lowFrom },
    ],
    links: [
      { title: 'How fast: load of this process', to: 'load', labels: ['job', 'instance'] },
      { title: 'Its CLOSE_WAIT', to: 'closeWait', labels: ['job', 'instance'] },
    ],
  });
}

/** Which upstreams fail. */
export function failingUpstreams(): TablePanel {
  return table({
    title: 'Which upstream cannot be connected to',
    description:
      'The 20 worst, by service and upstream; empty in health. Bad: a red cell. One upstream of many services: that upstream. Many upstreams ' +
      'of one service: its network, its limits or its DNS. Click on the job: the upstreams dashboard says for which reason.',
    unit: 'percentunit',
    width: 10,
    height: 10,
    labels: ['job', 'name'],
    values: [
      { expr: queries.failureShares(), column: 'failed', badFrom: CONNECT_FAILURES.shareFrom },
      { expr: queries.failuresPerSecond(), column: 'per second', unit: 'cps' },
    ],
    links: [{ title: 'Why: connects to this upstream', to: 'upstreams', labels: ['job', 'name'] }],
  });
}

/** What every service does. */
export function services(): TablePanel {
  return table({
    title: 'Services',
    description:
      'Every service with finwait, as of now. Bad: CLOSE_WAIT that is no small share of the open connections; TIME_WAIT far above them ' +
      '(connections are not reused); anything under "without table": its kernel column is missing. Click on the job for its lifecycle.',
    unit: 'short',
    width: 24,
    height: 10,
    labels: ['job'],
    values: [
      { expr: queries.closeWaitByJob(), column: 'CLOSE_WAIT' },
      { expr: queries.timeWaitByJob(), column: 'TIME_WAIT' },
      { expr: queries.openByJob(), column: 'open connections' },
      { expr: queries.openedPerSecondByJob(), column: 'opened per second', unit: 'cps' },
      { expr: queries.processesByJob(), column: 'processes' },
      { expr: queries.withoutTableByJob(), column: 'without table', badFrom: 1 },
    ],
    links: [
      { title: 'TCP lifecycle of this service', to: 'lifecycle', labels: ['job'] },
      { title: 'Its upstreams', to: 'upstreams', labels: ['job'] },
    ],
  });
}

/** CLOSE_WAIT of each. */
export function closeWaitByService(): TimeseriesPanel {
  return timeseries({
    title: 'CLOSE_WAIT by service',
    description:
      'Connections that peers have closed and the service has not. A level that follows the traffic is health. Bad: a line that climbs like ' +
      'stairs and falls only when processes start anew.',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.closeWaitByJob(), legend: '{{job}}' }],
  });
}

/** Connections of each. */
export function openByService(): TimeseriesPanel {
  return timeseries({
    title: 'Open connections by service',
    description:
      'Both sides, as Node holds them. Bad: a climb that no traffic explains, or a fall to 0: clients, or an upstream, went away.',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.openByJob(), legend: '{{job}}' }],
  });
}

/** Processes of each. */
export function processesByService(): TimeseriesPanel {
  return timeseries({
    title: 'Processes by service',
    description:
      'Processes that were scraped. Steps are deployments and scaling. Bad: a saw-tooth: processes die and start anew; a line that ends: nothing ' +
      'of that service can be scraped.',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.processesByJob(), legend: '{{job}}' }],
  });
}

/** What fires. */
export function alertsNow(): TablePanel {
  return table({
    title: 'Firing alerts',
    description:
      "finwait's alerts that fire now, in the jobs chosen; empty in health, and where the rules are not loaded. Bad: any row; runbook.md has a " +
      'heading for each alert: what it means, what to ask, what to change.',
    unit: 'short',
    width: 14,
    labels: ['job', 'instance', 'alertname', 'severity'],
    values: [{ expr: queries.alertsByProcess(), column: 'firing' }],
    links: [{ title: 'TCP lifecycle of this process', to: 'lifecycle', labels: ['job', 'instance'] }],
  });
}

/** What runs. */
export function versions(): TablePanel {
  return table({
    title: 'Versions',
    description:
      'Processes by version of finwait and of Node. Bad: an old version that was to be gone, or a leak that only one version has.',
    unit: 'short',
    width: 10,
    labels: ['job', 'version', 'node_version'],
    values: [{ expr: queries.versions(), column: 'processes' }],
  });
}
