import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { timeseries } from '../panels.ts';
import * as queries from '../queries.ts';

/** What was received and waits for the program. */
export function queuedToRead(): TimeseriesPanel {
  return timeseries({
    title: 'Received and not read',
    description:
      'Bytes in the kernel that Node has not read, and in Node that the program has not. Short peaks are back-pressure at ' +
      'work. Bad: a level that stays: this program is the slow end, or has forgotten a socket.',
    unit: 'bytes',
    width: 8,
    queries: [
      { expr: queries.queuedByName('node_read'), legend: '{{side}} {{name}} (Node)' },
      { expr: queries.queuedByName('kernel_receive'), legend: '{{side}} {{name}} (kernel)' },
    ],
  });
}

/** What was written and waits for the peer. */
export function queuedToSend(): TimeseriesPanel {
  return timeseries({
    title: 'Written and not acknowledged',
    description:
      'Bytes in Node that the kernel has not taken, and in the kernel that the peer has not acknowledged. Bad: bytes in ' +
      'Node that grow: the program writes without waiting for drain, and its memory grows with them. Bytes in the kernel ' +
      'alone: the peer or the network is the slow end.',
    unit: 'bytes',
    width: 8,
    queries: [
      { expr: queries.queuedByName('node_write'), legend: '{{side}} {{name}} (Node)' },
      { expr: queries.queuedByName('kernel_send'), legend: '{{side}} {{name}} (kernel)' },
    ],
  });
}
