import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { stat, timeseries } from '../panels.ts';
import * as queries from '../queries.ts';

/** In how many processes the kernel's column is missing. */
export function collectorsDown(): StatPanel {
  return stat({
    title: 'Processes without a table',
    description:
      "Processes whose newest complete table of the kernel is older than 3 intervals: they are missing from the kernel's " +
      'column, which then shows too little. Bad: anything but 0. The errors beside it say why; often ss is not installed.',
    unit: 'short',
    width: 4,
    height: 8,
    expr: queries.collectorsDown(),
    colour: { badFrom: 1 },
  });
}

/** Where it comes from. */
export function activeSources(width = 5): TimeseriesPanel {
  return timeseries({
    title: 'Where the table comes from',
    description:
      'Processes by the source of their newest table: ss over netlink, or the files under /proc/net, which know no limit of ' +
      'an accept queue and no cookies. Bad: procfs where ss is installed; the errors beside it say why.',
    unit: 'short',
    width,
    queries: [{ expr: queries.activeSources(), legend: '{{source}}' }],
  });
}

/** How old the kernel's column is. */
export function tableAge(width = 5): TimeseriesPanel {
  return timeseries({
    title: 'Age of the newest table',
    description:
      "How old the kernel's column is, by process. A saw-tooth up to the sampling interval (15 s by default) is health. " +
      'Bad: a straight climb: sampling has stopped, or its event loop has.',
    unit: 's',
    width,
    queries: [{ expr: queries.tableAge(), legend: '{{instance}}' }],
  });
}

/** What failed. */
export function collectorErrors(width = 5): TimeseriesPanel {
  return timeseries({
    title: 'Errors of finwait itself, per second',
    description:
      'Samples that failed or were worse than they might be, by source and reason, and errors inside finwait, by ' +
      'component. None of them reached the program. Bad: anything steady. The first of each kind was also a process warning.',
    unit: 'cps',
    width,
    queries: [
      { expr: queries.collectorErrorsPerSecond(), legend: '{{source}} {{reason}}' },
      { expr: queries.internalErrorsPerSecond(), legend: 'internal: {{component}}' },
    ],
  });
}

/** What does not fit. */
export function collectorLimits(): TimeseriesPanel {
  return timeseries({
    title: 'What finwait leaves out',
    description:
      '"truncated": 1 while a limit of finwait left rows of the newest table out. "without a name": connections a second ' +
      'that are counted under _other because of maxNames. Bad: anything but 0: the numbers above are too small, or lack their name.',
    unit: 'short',
    width: 8,
    queries: [
      { expr: queries.tablesTruncated(), legend: '{{instance}} truncated' },
      { expr: queries.namesOverflowedPerSecond(), legend: 'without a name' },
    ],
  });
}

/** How much there is to read. */
export function tableRows(): TimeseriesPanel {
  return timeseries({
    title: 'Rows of the newest table',
    description:
      'TCP sockets of the network namespace, which reading costs by the row. Bad: tens of thousands, most of them TIME_WAIT: ' +
      'connections are not reused.',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.tableRows(), legend: '{{instance}}' }],
  });
}

/** What it costs. */
export function collectorCost(width = 5): TimeseriesPanel {
  return timeseries({
    title: 'Cost of one sample (99th percentile)',
    description:
      "How long reading the kernel's table takes, and how long that holds the event loop. Reading grows with the rows of " +
      'the network namespace. Bad: an event loop held for more than some milliseconds: sample less often (sampleIntervalMs).',
    unit: 's',
    width,
    queries: [
      { expr: queries.collectorDurationP99(), legend: 'reading the table' },
      { expr: queries.collectorBlockedP99(), legend: 'holding the event loop' },
    ],
  });
}
