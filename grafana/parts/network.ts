import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { stat, timeseries } from '../panels.ts';
import * as queries from '../queries.ts';

/** Whether listeners turn clients away. */
export function listenOverflowsNow(): StatPanel {
  return stat({
    title: 'Accept queue overflows per second',
    description:
      'Packets of new connections dropped because an accept queue was full, in the network namespaces shown. Bad: anything ' +
      'but 0. Between two samples a queue may fill and empty unseen; this counter misses nothing.',
    unit: 'cps',
    width: 6,
    expr: queries.listenOverflowsPerSecond(),
    colour: { badFrom: 0.001 },
  });
}

/** What has to be sent again. */
export function retransmits(): TimeseriesPanel {
  return timeseries({
    title: 'Sent again, per second',
    description:
      'Segments that were not acknowledged in time, of the whole network namespace, and the SYNs among them. Bad: a steady ' +
      'rate: packets are lost, or a peer is too busy. SYNs alone: an upstream drops them (its accept queue is full) or ' +
      'nobody is there.',
    unit: 'cps',
    width: 12,
    queries: [
      { expr: queries.retransmittedPerSecond(), legend: 'segments' },
      { expr: queries.synRetransmitsPerSecond(), legend: 'SYN and SYN-ACK' },
    ],
  });
}

/** What is refused. */
export function resetsSent(): TimeseriesPanel {
  return timeseries({
    title: 'RSTs sent by the kernel, per second',
    description:
      'Of the whole network namespace: connections aborted, closed with unread data, and answers to ports where nobody ' +
      'listens. Bad: a level that follows the traffic. Only those that resetAndDestroy() asked for are in resets per ' +
      'second of the lifecycle dashboard.',
    unit: 'cps',
    width: 12,
    queries: [{ expr: queries.resetsSentPerSecond(), legend: 'RSTs' }],
  });
}
