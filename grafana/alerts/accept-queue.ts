import { ITS_INSTANCES, oncePerNamespace } from '../once-per-namespace.ts';
import { select } from '../promql.ts';
import { ACCEPT_QUEUE, LISTEN_OVERFLOWS } from '../thresholds.ts';
import { lastKnown } from './last-known.ts';
import type { AlertRule } from './rule.ts';

/** An accept queue that is nearly full at every sample: a burst fills it for one. */
export const acceptQueueFilling: AlertRule = {
  alert: 'FinwaitAcceptQueueFilling',
  expr: [
    `min_over_time(${select('accept_queue_connections')}[${ACCEPT_QUEUE.standing}])`,
    '  /',
    `(${lastKnown(select('accept_queue_limit'))} + 1)`,
    `  >= ${ACCEPT_QUEUE.fullFrom}`,
  ].join('\n'),
  for: ACCEPT_QUEUE.for,
  keepFiringFor: ACCEPT_QUEUE.keepFiringFor,
  severity: 'warning',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) does not accept connections of {{ $labels.name }}',
  description:
    'The accept queue of {{ $labels.name }} is never less than {{ $value | humanizePercentage }} full for ' +
    `${ACCEPT_QUEUE.standing}: its clients believe that they are connected, and nobody answers. When it is full, the ` +
    'kernel drops new connections. The event loop of the process is blocked, or has no CPU.',
};

/** The accept queue of somebody in the namespace overflowed: the one thing that samples may miss and the kernel counts. */
export const listenOverflows: AlertRule = {
  alert: 'FinwaitListenOverflows',
  expr: `${oncePerNamespace(
    'max',
    'netns_listen_overflows_total',
    `increase(${select('netns_listen_overflows_total')}[${LISTEN_OVERFLOWS.within}])`,
  )} > 0`,
  for: LISTEN_OVERFLOWS.for,
  keepFiringFor: LISTEN_OVERFLOWS.keepFiringFor,
  severity: 'warning',
  summary: 'A listener beside {{ $labels.job }} turns clients away, in network namespace {{ $labels.netns }}',
  description:
    `{{ $value | printf "%.0f" }} packets of new connections were dropped within ${LISTEN_OVERFLOWS.within} because an ` +
    `accept queue was full, and it has gone on for ${LISTEN_OVERFLOWS.for}. Their clients try again ` +
    'after a second and more. The counter is that of the network namespace: the listener may be any in it. Processes of ' +
    `finwait there:${ITS_INSTANCES}`,
};
