import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { stat, timeseries } from '../panels.ts';
import * as queries from '../queries.ts';
import { EPHEMERAL_PORTS, EPHEMERAL_PORTS_RUNNING_OUT } from '../thresholds.ts';
import { portsLeftByName, portsLeftSoonest } from '../upstream-queries.ts';

/** How near the limit the worst upstream is. */
export function ephemeralPortsNow(): StatPanel {
  return stat({
    title: 'Local ports, worst upstream',
    description:
      'Local ports in use towards one destination, as a share of those there are. Bad from ' +
      `${EPHEMERAL_PORTS.lowFrom * 100}%: at 100% connect fails with EADDRNOTAVAIL. Connections that are kept and used again need few.`,
    unit: 'percentunit',
    width: 4,
    expr: queries.ephemeralPortsWorst(),
    colour: { badFrom: EPHEMERAL_PORTS.lowFrom },
  });
}

/** How near each is. */
export function ephemeralPortsFill(): TimeseriesPanel {
  return timeseries({
    title: 'Local ports in use, share by upstream',
    description:
      "The name's worst destination from one local address, whoever in the namespace uses the ports; with localAddress, of " +
      'that address towards all destinations. Bad: a climb with the request rate: every request opens a connection, and ' +
      'each leaves a TIME_WAIT that keeps its port for a minute. Ports that a NAT gives out are not seen.',
    unit: 'percentunit',
    width: 12,
    queries: [{ expr: queries.ephemeralPortsFill(), legend: '{{name}}' }],
    badFrom: EPHEMERAL_PORTS.lowFrom,
  });
}

/** And in numbers. */
export function ephemeralPortsCount(): TimeseriesPanel {
  return timeseries({
    title: 'Local ports in use by upstream, and how many there are',
    description:
      'The same in numbers, beside the limit: ip_local_port_range without reserved ports and those listened on. Bad: a line ' +
      'that nears the limit. More addresses of the upstream, or of this host, mean more ports.',
    unit: 'short',
    width: 12,
    queries: [
      { expr: queries.ephemeralPortsByName(), legend: '{{name}}' },
      { expr: queries.ephemeralPortsLimit(), legend: 'limit' },
    ],
  });
}

/** When the first upstream has none. */
export function ephemeralPortsLeftNow(): StatPanel {
  return stat({
    title: 'Local ports run out in',
    description:
      'The soonest of all upstreams, at the present rate of opening and closing. "not in sight" in health, under load too: ' +
      `steady churn levels off. Bad below ${EPHEMERAL_PORTS_RUNNING_OUT.withinSeconds} s: slow the load down, or reuse connections.`,
    unit: 's',
    width: 4,
    expr: portsLeftSoonest(),
    colour: { badBelow: EPHEMERAL_PORTS_RUNNING_OUT.withinSeconds },
    whenEmpty: 'not in sight',
  });
}

/** When there will be none. */
export function ephemeralPortsLeft(): TimeseriesPanel {
  return timeseries({
    title: 'Time until local ports run out, by upstream',
    description:
      'At the present rate of opening and closing; 0 while there is none. Empty in health: steady churn levels off, and ' +
      `then there is nothing to show. Bad: any line, and at once below ${EPHEMERAL_PORTS_RUNNING_OUT.withinSeconds} s. Slow the ` +
      'caller down or let it reuse connections; monitor.snapshot().verdicts says which would help.',
    unit: 's',
    width: 12,
    queries: [{ expr: portsLeftByName(), legend: '{{name}}' }],
  });
}

/** What uses them up. */
export function timeWaitCreated(): TimeseriesPanel {
  return timeseries({
    title: 'Into TIME_WAIT, per second',
    description:
      'Sockets of the whole network namespace that went into TIME_WAIT, those too that lived and died between two samples. ' +
      'Each keeps its pair of addresses for 60 s. Bad: more than a sixtieth of the limit beside it, all of it client ' +
      'connections to one upstream.',
    unit: 'cps',
    width: 12,
    queries: [{ expr: queries.timeWaitCreatedPerSecond(), legend: 'into TIME_WAIT' }],
  });
}
