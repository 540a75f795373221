import type { PanelBuilder as CanvasPanel } from '@grafana/grafana-foundation-sdk/canvas';
import type { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { statesOverTime } from '../panels.ts';
import { kernelColumnByState, namespaceByState, nodeColumnByState } from '../queries.ts';
import { stateDiagram } from '../state-diagram.ts';

/** The state machine with a number in each box. */
export function diagram(): CanvasPanel {
  return stateDiagram({
    title: 'The state diagram of RFC 9293',
    description:
      "The kernel's rows of these processes on figure 5 of the RFC, CLOSED twice as there. Bad: a number under CLOSE_WAIT that stays (this " +
      'program does not CLOSE), or under FIN_WAIT_2 (the peer does not), SYN_SENT (nobody answers), LAST_ACK or CLOSING (packets are ' +
      'lost). The panels by state below say the same over time, where this panel cannot be drawn.',
    unit: 'short',
    width: 24,
    height: 14,
    expr: kernelColumnByState(),
  });
}

/** All 11 states of everything in the namespace. */
export function namespaceStates(): PanelBuilder {
  return statesOverTime({
    title: 'All sockets of the network namespace by state',
    description:
      'Whoever owns them, on a logarithmic scale; each namespace once. Bad: syn_received that stays: handshakes are not finished, ' +
      'a SYN flood or an accept queue that is full; time_wait that follows the request rate; orphaned fin_wait_1 or last_ack: ' +
      'packets are lost.',
    unit: 'short',
    width: 12,
    height: 8,
    queries: [{ expr: namespaceByState(), legend: '{{state}}' }],
  });
}

/** All 11 states as Node tells them. */
export function nodeColumn(): PanelBuilder {
  return statesOverTime({
    title: "Node's column by state",
    description:
      "Open sockets by the state that Node's events imply, on a logarithmic scale. It ends at 'close': syn_received and " +
      'time_wait are always 0 here. Bad: it says established where the kernel, beside it, says close_wait: Node did not ' +
      'see the FIN, because nobody reads the socket. Then look at the blind sockets below.',
    unit: 'short',
    width: 12,
    height: 12,
    queries: [{ expr: nodeColumnByState(), legend: '{{state}}' }],
  });
}

/** All 11 states as the kernel holds them. */
export function kernelColumn(): PanelBuilder {
  return statesOverTime({
    title: "The kernel's column by state",
    description:
      "This process's rows in the kernel's socket table, on the same logarithmic scale. Bad: close_wait that only rises " +
      '(this program does not close), fin_wait_2 that only rises (the peer does not), syn_sent that stays (upstream ' +
      'unreachable), last_ack or closing that stay (packets are lost). A gap means that there was no table: see the last row.',
    unit: 'short',
    width: 12,
    height: 12,
    queries: [{ expr: kernelColumnByState(), legend: '{{state}}' }],
  });
}
