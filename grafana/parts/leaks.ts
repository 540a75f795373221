import type { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as TablePanel } from '@grafana/grafana-foundation-sdk/table';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { STATE_COLOURS, VERDICT_COLOURS } from '../colours.ts';
import * as queries from '../leak-queries.ts';
import { stat, timeseries } from '../panels.ts';
import { table } from '../tables.ts';

/** Whether anything leaks. */
export function leakedNow(): StatPanel {
  return stat({
    title: 'Leaked in CLOSE_WAIT',
    description:
      'Sockets that two tables in a row show idle in CLOSE_WAIT for longer than leakAfterMs (60 s). 0 in health, under any load. ' +
      'Bad: anything else. The table below names the process and the cause.',
    unit: 'short',
    width: 4,
    expr: queries.leakedCloseWait(),
    colour: { badFrom: 1 },
  });
}

/** Since when. */
export function oldestNow(): StatPanel {
  return stat({
    title: 'Oldest CLOSE_WAIT',
    description:
      'At least how long the oldest socket has been in CLOSE_WAIT. 0, or seconds, in health. Bad from a minute: no ' +
      'handler takes that long to end its side. Minutes and climbing one second a second is a socket that nobody will close.',
    unit: 's',
    width: 4,
    expr: queries.oldestCloseWait(),
    colour: { badFrom: 60 },
  });
}

/** Where the two columns contradict each other. */
export function divergentNow(): StatPanel {
  return stat({
    title: 'Node and kernel disagree',
    description:
      'Sockets about which Node and the kernel contradicted each other in two samples in a row. Bad: anything but 0; the row ' +
      '"What Node does not see" says in which way.',
    unit: 'short',
    width: 4,
    expr: queries.divergentNow(),
    colour: { badFrom: 1 },
  });
}

/** What leaks, in which state. */
export function leakedByState(): TimeseriesPanel {
  return timeseries({
    title: 'Leaked sockets by state',
    description:
      'Longer in a state than a healthy socket. close_wait: this program does not end. fin_wait_2: the peer does not, and ' +
      'our descriptor holds it. last_ack, closing: our FIN is not acknowledged. syn_sent: nobody answers. Bad: any line ' +
      'above 0; docs/leaks.md has the change for each.',
    unit: 'short',
    width: 12,
    queries: [{ expr: queries.leakedByState(), legend: '{{state}}' }],
    colours: STATE_COLOURS,
  });
}

/** Whose, and for how long. */
export function leakedWorst(): TablePanel {
  return table({
    title: 'Leaked sockets by process, side, name and state',
    description:
      'The 20 places with most; empty in health. Bad: any row. Where a row has an age and nothing leaked, the socket is young still, ' +
      'or bytes move on it. name _untracked: no socket that finwait was shown.',
    unit: 'short',
    width: 12,
    labels: ['job', 'instance', 'side', 'name', 'state'],
    values: [
      { expr: queries.leakedWorst(), column: 'leaked', badFrom: 1 },
      { expr: queries.oldestCloseWaitWorst(), column: 'oldest', unit: 's' },
    ],
    links: [
      { title: 'Only this process, side and name', to: 'closeWait', labels: ['job', 'instance', 'side', 'name'] },
      { title: 'Its TCP lifecycle', to: 'lifecycle', labels: ['job', 'instance'] },
    ],
  });
}

/** How old the oldest of each is. */
export function oldestByName(): TimeseriesPanel {
  return timeseries({
    title: 'Oldest CLOSE_WAIT, by name',
    description:
      'At least how long the oldest socket of each listener or upstream has been there. Bad: a straight line upwards, one ' +
      'second a second: that socket is forgotten. A saw-tooth is slow closing: look at what the handler waits for.',
    unit: 's',
    width: 12,
    queries: [{ expr: queries.oldestCloseWaitByName(), legend: '{{side}} {{name}}' }],
  });
}

/** Whether as many leave as enter. */
export function enteredAndLeft(): TimeseriesPanel {
  return timeseries({
    title: 'Into and out of CLOSE_WAIT, per second',
    description:
      "As Node's events tell it, of all sides and names. In health the lines lie on each other. Bad: fewer leave than " +
      'enter, and the space between them is the leak. Both at 0 while CLOSE_WAIT grows: Node does not see the FINs, because nobody ' +
      'reads these sockets.',
    unit: 'cps',
    width: 12,
    queries: [
      { expr: queries.enteredCloseWaitPerSecond(), legend: 'entered' },
      { expr: queries.leftCloseWaitPerSecond(), legend: 'left' },
    ],
    colours: { entered: STATE_COLOURS.close_wait, left: VERDICT_COLOURS.good },
  });
}

/** Who half-closes. */
export function halfCloses(): TimeseriesPanel {
  return timeseries({
    title: 'Half-closed per second',
    description:
      'FINs after which the other direction stayed open, by who sent them: where CLOSE_WAIT ("remote") and FIN_WAIT_2 ("local") ' +
      'come from. Normal where a client ends its request by a FIN. Bad: "remote" at a steady rate on a server whose ' +
      'CLOSE_WAIT climbs: allowHalfOpen, and nobody ends.',
    unit: 'cps',
    width: 12,
    queries: [{ expr: queries.halfClosesPerSecond(), legend: '{{side}} {{initiator}}' }],
  });
}

/** In which way the columns disagree. */
export function divergentByKind(): TimeseriesPanel {
  return timeseries({
    title: 'Node and kernel disagree, by kind',
    description:
      'js_open_kernel_close_wait: Node has not noticed the FIN. js_open_kernel_gone: the kernel has no such socket any more. ' +
      'js_gone_fd_open, untracked_fd: a descriptor without an object. pooled_dead: a pool offers a connection that its ' +
      'upstream has closed. Bad: any line that stays; docs/leaks.md has the change for each.',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.divergentByKind(), legend: '{{kind}}' }],
  });
}

/** Whose peer is gone. */
export function halfOpenByName(): TimeseriesPanel {
  return timeseries({
    title: 'Half-open suspects, by name',
    description:
      'Established here, and the peer has acknowledged nothing for three retransmissions or more: it crashed, or a firewall or ' +
      'NAT forgot the connection. Bad: any line that stays. Without a deadline of the program the kernel tries for some ' +
      '15 minutes: ping, or setTimeout() with destroy().',
    unit: 'short',
    width: 8,
    queries: [{ expr: queries.halfOpenByName(), legend: '{{side}} {{name}}' }],
  });
}

/** What nobody stands for. */
export function untrackedByInstance(): TimeseriesPanel {
  return timeseries({
    title: 'Sockets that finwait was not shown, by process',
    description:
      'Sockets of this process by their inode, with side unknown and name _untracked. Few and steady is a native add-on. Bad: they ' +
      'grow, or most of CLOSE_WAIT is here: observe the whole process (observeProcess, finwait/register), and their names and causes appear.',
    unit: 'short',
    width: 12,
    queries: [{ expr: queries.untrackedByInstance(), legend: '{{instance}}' }],
  });
}

/** What was destroyed. */
export function remedied(): TimeseriesPanel {
  return timeseries({
    title: 'Destroyed by finwait, per second by cause',
    description:
      'Leaked sockets that finwait closed because remedyAfterMs asks for it; empty unless it does. Bad: any steady rate: the ' +
      'remedy hides a defect, and the cause says which.',
    unit: 'cps',
    width: 24,
    queries: [{ expr: queries.remediedPerSecondByCause(), legend: '{{cause}}' }],
  });
}
