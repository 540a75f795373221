import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { STATE_COLOURS } from '../colours.ts';
import { stat, timeseries } from '../panels.ts';
import * as queries from '../queries.ts';
import { upstreamTimeWaitByName } from '../upstream-queries.ts';

/** How many now. */
export function timeWaitNow(): StatPanel {
  return stat({
    title: 'TIME_WAIT now',
    description:
      'Connections that this program closed first, kept by the kernel for 60 s. Harmless on a server. Bad on a client: ' +
      'near the size of the port range (28,232 by default) new connections to that upstream fail. Then reuse connections.',
    unit: 'short',
    width: 4,
    expr: queries.timeWaitNow(),
    colour: STATE_COLOURS.time_wait,
  });
}

/** Whose they are. */
export function timeWaitByName(): TimeseriesPanel {
  return timeseries({
    title: 'TIME_WAIT by name',
    description:
      'Rows that this process left behind, by listener or upstream. "unattributed": rows with our port or upstream that ' +
      'the kernel assigns to nobody and that this process is not known to have closed: another worker, a sidecar, or ' +
      'connections from before finwait watched; counted once a network namespace. Bad: a client name that rises with the ' +
      'request rate: its connections are not kept alive.',
    unit: 'short',
    width: 12,
    queries: [
      { expr: queries.timeWaitByName(), legend: '{{side}} {{name}}' },
      { expr: queries.timeWaitUnattributedByName(), legend: '{{side}} {{name}} (unattributed)' },
    ],
  });
}

/** Which upstream's connections we close ourselves. */
export function upstreamTimeWait(): TimeseriesPanel {
  return timeseries({
    title: 'TIME_WAIT, by upstream',
    description:
      'Connections that this side closed first; each keeps its local port for 60 s. Bad: it follows the request rate: ' +
      'connections are made for one request and closed. Reuse them (keepAlive, one agent or dispatcher for each upstream) ' +
      'before touching sysctls.',
    unit: 'short',
    width: 12,
    queries: [{ expr: upstreamTimeWaitByName(), legend: '{{name}}' }],
  });
}
