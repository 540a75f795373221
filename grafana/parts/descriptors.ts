import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { stat, timeseries } from '../panels.ts';
import * as queries from '../queries.ts';
import { DESCRIPTORS } from '../thresholds.ts';

/** How near the limit the fullest process is. */
export function descriptorsWorst(): StatPanel {
  return stat({
    title: 'Descriptors, fullest process',
    description:
      'Open file descriptors as a share of the soft limit. Bad from ' +
      `${DESCRIPTORS.criticalFrom * 100}%: at 100% accept, connect and open fail with EMFILE. Sockets that nobody closes are the usual reason.`,
    unit: 'percentunit',
    width: 6,
    expr: queries.descriptorsWorst(),
    colour: { badFrom: DESCRIPTORS.criticalFrom },
  });
}

/** How near each is. */
export function descriptorsFill(): TimeseriesPanel {
  return timeseries({
    title: 'Descriptors in use, share by process',
    description:
      'Sockets, files and pipes alike. Bad: a climb that traffic does not explain. Beside "CLOSE_WAIT by name" of the ' +
      'lifecycle dashboard it tells whether sockets are what leaks.',
    unit: 'percentunit',
    width: 8,
    queries: [{ expr: queries.descriptorsFill(), legend: '{{instance}}' }],
  });
}
