import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { STATE_COLOURS } from '../colours.ts';
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
    width: 4,
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
    width: 8,
    queries: [
      { expr: queries.retransmittedPerSecond(), legend: 'segments' },
      { expr: queries.synRetransmitsPerSecond(), legend: 'SYN and SYN-ACK' },
    ],
  });
}

/** Whether handshakes come to an end. */
export function handshakes(): TimeseriesPanel {
  return timeseries({
    title: 'Handshakes half done, in the namespace',
    description:
      'syn_received: clients whose last ACK is missing, or whose place in the accept queue is. syn_sent: connects without an answer. ' +
      'Both pass within a round trip. Bad: a level that stays under load: the accept queue is full, or an upstream drops SYNs.',
    unit: 'short',
    width: 8,
    queries: [
      { expr: queries.handshakesOfNamespace('syn_received'), legend: 'syn_received' },
      { expr: queries.handshakesOfNamespace('syn_sent'), legend: 'syn_sent' },
    ],
    colours: { syn_received: STATE_COLOURS.syn_received, syn_sent: STATE_COLOURS.syn_sent },
  });
}

/** How far away peers are. */
export function roundTrips(): TimeseriesPanel {
  return timeseries({
    title: 'Round-trip time, 99th percentile by name',
    description:
      "The kernel's smoothed figure of own connections. Only with sampleTcpInfo; empty otherwise. Bad: it climbs with the load: " +
      'a queue on the way fills, or the peer is busy.',
    unit: 's',
    width: 8,
    queries: [{ expr: queries.roundTrip(0.99), legend: '{{side}} {{name}}' }],
  });
}

/** How much may be on the way. */
export function congestionWindows(): TimeseriesPanel {
  return timeseries({
    title: 'Congestion window, median by name',
    description:
      'Segments that may be on the way unacknowledged. Only with sampleTcpInfo; empty otherwise. Bad: it falls to 1 or 2 under ' +
      'load: packets are lost, and throughput with them.',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.congestionWindow(0.5), legend: '{{side}} {{name}}' }],
  });
}

/** Who sends again. */
export function retransmitting(): TimeseriesPanel {
  return timeseries({
    title: 'Connections that send again, by name',
    description:
      'Own connections with segments sent again and not acknowledged yet. Only with sampleTcpInfo; empty otherwise. Bad: a level that ' +
      'stays on one upstream: the way to it loses packets; on all: this host does.',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.retransmittingByName(), legend: '{{side}} {{name}}' }],
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
    width: 8,
    queries: [{ expr: queries.resetsSentPerSecond(), legend: 'RSTs' }],
  });
}
