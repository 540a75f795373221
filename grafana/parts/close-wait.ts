import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TablePanel } from '@grafana/grafana-foundation-sdk/table';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { STATE_COLOURS } from '../colours.ts';
import { stat, timeseries } from '../panels.ts';
import * as queries from '../queries.ts';
import { table } from '../tables.ts';
import { CLOSE_WAIT_LEAK } from '../thresholds.ts';

const { atLeast, standing } = CLOSE_WAIT_LEAK;

/** How many now. */
export function closeWaitNow(): StatPanel {
  return stat({
    title: 'CLOSE_WAIT now',
    description:
      'Connections that the peer has closed and this program has not, in the newest table of the kernel. A few come and ' +
      'go with the traffic. Bad: it never falls back. The number beside it tells the two apart.',
    unit: 'short',
    width: 4,
    expr: queries.closeWaitNow(),
    colour: STATE_COLOURS.close_wait,
  });
}

/** How many of them all the time. */
export function closeWaitStanding(): StatPanel {
  return stat({
    title: `CLOSE_WAIT for ${standing}`,
    description:
      `The fewest CLOSE_WAIT each name had in the last ${standing}, added up: what no handler closed meanwhile. About 0 ` +
      `in health, under any load. Bad from ${atLeast} on one name: each holds a descriptor until the process ends. ` +
      'The table below names the process; runbook.md says what to look for in its code.',
    unit: 'short',
    width: 4,
    expr: queries.closeWaitStanding(),
    colour: { badFrom: atLeast },
  });
}

/** Whose they are. */
export function closeWaitByName(): TimeseriesPanel {
  return timeseries({
    title: 'CLOSE_WAIT by name',
    description:
      'Which listener (server) or upstream (client) they belong to. Bad: a line that climbs like stairs and never comes ' +
      'down. On a server a handler does not end its side; on a client a response body is not read, or a pool keeps ' +
      'connections that its upstream closed.',
    unit: 'short',
    width: 12,
    queries: [{ expr: queries.closeWaitByName(), legend: '{{side}} {{name}}' }],
  });
}

/** Which process to look at. */
export function closeWaitWorst(): TablePanel {
  return table({
    title: 'Where CLOSE_WAIT is now',
    description:
      `The 20 places with most of them; empty in health. Bad: the same number under "now" and under "for ${standing}". Look at the first ` +
      'row, and click on its job for the cause; in that process, monitor.leaks() names the request and the line of code.',
    unit: 'short',
    width: 12,
    labels: ['job', 'instance', 'side', 'name'],
    values: [
      { expr: queries.closeWaitWorst(), column: 'now' },
      { expr: queries.closeWaitStandingWorst(), column: `for ${standing}`, badFrom: atLeast },
    ],
    links: [
      {
        title: 'Why: CLOSE_WAIT of this process, side and name',
        to: 'closeWait',
        labels: ['job', 'instance', 'side', 'name'],
      },
    ],
  });
}

/** Where a FIN would not be noticed. */
export function blindSockets(): TimeseriesPanel {
  return timeseries({
    title: 'Sockets that Node cannot see closing, by name',
    description:
      'Open sockets that nobody reads: paused, or their buffer is full. A FIN or RST on them reaches no handler. Short ' +
      'peaks are back-pressure at work. Bad: a level that stays; each of them turns into CLOSE_WAIT when its peer leaves. ' +
      'Read or destroy the stream.',
    unit: 'short',
    width: 12,
    queries: [{ expr: queries.blindByName(), legend: '{{side}} {{name}}' }],
  });
}
