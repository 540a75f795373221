import type { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { statesOverTime } from '../panels.ts';
import { kernelColumnByState, nodeColumnByState } from '../queries.ts';

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
