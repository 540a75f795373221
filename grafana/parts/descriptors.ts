import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { descriptorsLeftByInstance, descriptorsLeft as soonest } from '../leak-queries.ts';
import { stat, timeseries } from '../panels.ts';
import * as queries from '../queries.ts';
import { DESCRIPTORS, DESCRIPTORS_LEFT } from '../thresholds.ts';

/** How near the limit the fullest process is. */
export function descriptorsWorst(): StatPanel {
  return stat({
    title: 'Descriptors, fullest process',
    description:
      'Open file descriptors as a share of the soft limit. Bad from ' +
      `${DESCRIPTORS.criticalFrom * 100}%: at 100% accept, connect and open fail with EMFILE. Sockets that nobody closes are the usual reason.`,
    unit: 'percentunit',
    width: 4,
    expr: queries.descriptorsWorst(),
    colour: { badFrom: DESCRIPTORS.criticalFrom },
  });
}

/** How near each is. */
export function descriptorsFill(): TimeseriesPanel {
  return timeseries({
    title: 'Descriptors in use, share by process',
    description:
      'Sockets, files and pipes alike. Bad: a climb that traffic does not explain. If CLOSE_WAIT of the same process ' +
      'climbs with it, sockets are what leaks.',
    unit: 'percentunit',
    width: 8,
    queries: [{ expr: queries.descriptorsFill(), legend: '{{instance}}' }],
    badFrom: DESCRIPTORS.criticalFrom,
  });
}

/** When the first process has none left. */
export function descriptorsLeft(): StatPanel {
  return stat({
    title: 'Descriptors run out in',
    description:
      `The soonest of all processes, if descriptors grow as in the last ${DESCRIPTORS_LEFT.trendOf}. "not in sight" in health. Bad ` +
      `below ${DESCRIPTORS_LEFT.badBelowSeconds / 3600} hours: then accept, connect and open fail with EMFILE. A process that has just begun fills its pools and looks alike for some minutes.`,
    unit: 's',
    width: 4,
    expr: soonest(),
    colour: { badBelow: DESCRIPTORS_LEFT.badBelowSeconds },
    whenEmpty: 'not in sight',
  });
}

/** And each. */
export function descriptorsLeftOfEach(): TimeseriesPanel {
  return timeseries({
    title: 'Time until descriptors run out, by process',
    description:
      `At the growth of the last ${DESCRIPTORS_LEFT.trendOf}; nothing is shown beyond a day, and nothing while they do not grow, as in health. ` +
      'Bad: a line that falls towards 0 at one second a second: a leak that does not pause.',
    unit: 's',
    width: 8,
    queries: [{ expr: descriptorsLeftByInstance(), legend: '{{instance}}' }],
  });
}
