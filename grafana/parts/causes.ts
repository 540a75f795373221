import type { PanelBuilder as BarGaugePanel } from '@grafana/grafana-foundation-sdk/bargauge';
import type { PanelBuilder as TablePanel } from '@grafana/grafana-foundation-sdk/table';
import type { PanelBuilder as TextPanel } from '@grafana/grafana-foundation-sdk/text';
import type { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';
import { barGauge, text } from '../charts.ts';
import { CAUSE_COLOURS } from '../colours.ts';
import * as queries from '../leak-queries.ts';
import { timeseries } from '../panels.ts';
import { table } from '../tables.ts';

/** What each cause means and what to do, in one line each; docs/leaks.md has the whole. */
export const CAUSES: {
  readonly [cause in keyof typeof CAUSE_COLOURS]: { readonly means: string; readonly do: string };
} = {
  not_ended: {
    means: "'end' was emitted and nobody called end(): allowHalfOpen, 'upgrade' and 'connect' listeners",
    do: "`socket.on('end', () => socket.end())`, and a `setTimeout` with `destroy()`",
  },
  unread_in_node: {
    means: "the FIN is in Node, 'end' waits behind bytes that the program does not read",
    do: '`response.resume()`, `await response.body.dump()`, `await response.body?.cancel()`',
  },
  unread_in_kernel: {
    means: 'the socket is paused, or its reader too slow: bytes and FIN wait in Recv-Q',
    do: 'read to the end or destroy: `request.resume()`, `socket.resume()`, `pipeline()`',
  },
  write_stalled: {
    means: 'the peer does not read what we write, and our FIN goes out behind the last byte',
    do: '`server.setTimeout(60_000)`, `socket.setTimeout(60_000, () => socket.destroy())`; wait for `drain`',
  },
  loop_blocked: {
    means: 'the event loop was busy while the table was read, Node had not come to the FIN',
    do: 'nothing about the socket; find what holds the loop: `node --cpu-prof`',
  },
  untracked: {
    means: "the descriptor is this process's, and finwait was never shown its socket",
    do: '`monitor.observeProcess()` or `node --import finwait/register`; then a native add-on holds it',
  },
  undetermined: {
    means: 'row and flags are of different moments',
    do: 'nothing yet; the next sample tells',
  },
};

/** What to do about each. */
export function causesExplained(): TextPanel {
  return text({
    title: 'What each cause means, and what to change',
    description:
      'How to read this dashboard. Bad: a cause whose number stays. The process itself names the route and the line of ' +
      'code: monitor.leaks(), or formatLeaks(monitor.leaks()) as text.',
    width: 16,
    height: 11,
    markdown: [
      'The peer has sent its FIN, this program has not. Each such socket holds a descriptor until somebody closes it.',
      '',
      '| cause | what has happened | what to change |',
      '|---|---|---|',
      ...Object.entries(CAUSES).map(([cause, { means, do: change }]) => `| **${cause}** | ${means} | ${change} |`),
      '',
      'In that process `formatLeaks(monitor.leaks())` names the request, the call site and the sockets.',
    ].join('\n'),
  });
}

/** Why, now. */
export function closeWaitCausesNow(): BarGaugePanel {
  return barGauge({
    title: 'CLOSE_WAIT now, by cause',
    description:
      'Sockets in CLOSE_WAIT by the reason why they have not ended; the young ones too. 0 everywhere, or a few that come and go, ' +
      'in health. Bad: a bar that stays. Its line in the table beside it says what to change.',
    unit: 'short',
    width: 8,
    height: 11,
    expr: queries.closeWaitByCause(),
    legend: '{{cause}}',
    colours: CAUSE_COLOURS,
  });
}

/** Why, over time. */
export function closeWaitByCause(): TimeseriesPanel {
  return timeseries({
    title: 'CLOSE_WAIT by cause',
    description:
      "The sum is the kernel's CLOSE_WAIT. Bad: a layer that climbs like stairs. loop_blocked that comes and goes is a busy " +
      'event loop, not a leak; undetermined passes by the next sample.',
    unit: 'short',
    width: 12,
    queries: [{ expr: queries.closeWaitByCause(), legend: '{{cause}}' }],
    colours: CAUSE_COLOURS,
    stacked: true,
  });
}

/** Which process, and why. */
export function closeWaitCausesWorst(): TablePanel {
  return table({
    title: 'Which process, where and why',
    description:
      'The 20 places with most CLOSE_WAIT; empty in health. Bad: a row that stays. A click on the job leads to that process ' +
      'alone. One process of many: look at what it did last. All of them: the code, or an upstream that closes on them.',
    unit: 'short',
    width: 12,
    labels: ['job', 'instance', 'side', 'name', 'cause'],
    values: [{ expr: queries.closeWaitCausesWorst(), column: 'sockets' }],
    links: [
      { title: 'Only this process, side and name', to: 'closeWait', labels: ['job', 'instance', 'side', 'name'] },
      { title: 'Its TCP lifecycle', to: 'lifecycle', labels: ['job', 'instance'] },
    ],
  });
}
