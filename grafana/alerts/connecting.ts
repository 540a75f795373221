import { bucketUpTo, select } from '../promql.ts';
import { CONNECT_FAILURES, CONNECTS_OUT_OF, CONNECTS_SLOW } from '../thresholds.ts';
import type { AlertRule } from './rule.ts';

const failures = CONNECT_FAILURES;
const FAILED = `sum without (reason) (increase(${select('connect_failures_total', { reason: { not: 'aborted' } })}[${failures.within}]))`;
const BEGUN = `increase(${select('connects_total')}[${failures.within}])`;

/**
 * Connects to one upstream fail, as operations: an attempt at one address that Happy Eyeballs makes up for is none. What
 * was begun before the window and failed in it can make more failures than connects, or a division by 0: hence the clamp.
 */
export const connectFailures: AlertRule = {
  alert: 'FinwaitConnectFailures',
  expr: [`clamp_max(${FAILED} / ${BEGUN}, 1) >= ${failures.shareFrom}`, 'and', `${FAILED} >= ${failures.atLeast}`].join(
    '\n',
  ),
  for: failures.for,
  keepFiringFor: failures.keepFiringFor,
  severity: 'warning',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) fails to connect to {{ $labels.name }}',
  description:
    `{{ $value | humanizePercentage }} of its connects to {{ $labels.name }} failed within ${failures.within}, and it has ` +
    `gone on for ${failures.for}. connect_failures_total says for which reason; connects that the program itself gave up ` +
    'are left out, and so are single addresses that failed while another one connected.',
};

/** There was no local port left, or not for the address that the program binds. */
export const connectsOutOfPorts: AlertRule = {
  alert: 'FinwaitConnectsOutOfPorts',
  expr: `increase(${select('connect_failures_total', { reason: 'port_exhausted' })}[${CONNECTS_OUT_OF.within}]) > 0`,
  for: CONNECTS_OUT_OF.for,
  keepFiringFor: CONNECTS_OUT_OF.keepFiringFor,
  severity: 'critical',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) has no local port left towards {{ $labels.name }}',
  description:
    `{{ $value | printf "%.0f" }} connects to {{ $labels.name }} failed within ${CONNECTS_OUT_OF.within} because no local ` +
    'port was free (EADDRNOTAVAIL, or EADDRINUSE where localAddress is set). New connections to it fail until ports ' +
    'come back, which takes a TIME_WAIT 60 s. Something opens a connection for each request.',
};

/** There was no descriptor left. */
export const connectsOutOfDescriptors: AlertRule = {
  alert: 'FinwaitConnectsOutOfDescriptors',
  expr: `increase(${select('connect_failures_total', { reason: 'fd_exhausted' })}[${CONNECTS_OUT_OF.within}]) > 0`,
  for: CONNECTS_OUT_OF.for,
  keepFiringFor: CONNECTS_OUT_OF.keepFiringFor,
  severity: 'critical',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) has no file descriptor left to connect to {{ $labels.name }}',
  description:
    `{{ $value | printf "%.0f" }} connects to {{ $labels.name }} failed within ${CONNECTS_OUT_OF.within} for want of a file ` +
    'descriptor (EMFILE, ENFILE). The process accepts no connection and opens no file either, and it may be impossible to scrape.',
};

const slow = CONNECTS_SLOW;
const HANDSHAKES = `sum without (le) (increase(${select('connect_duration_seconds', { phase: 'tcp' }, [], 'count')}[${slow.within}]))`;
const IN_TIME = `sum without (le) (increase(${select('connect_duration_seconds', { phase: 'tcp' }, [bucketUpTo(slow.above)], 'bucket')}[${slow.within}]))`;

/** Handshakes that needed a second SYN. By process: durations by upstream are kept only with level: 'full'. */
export const connectsSlow: AlertRule = {
  alert: 'FinwaitConnectsSlow',
  expr: [
    '1 -',
    `    ${IN_TIME}`,
    '  /',
    `    ${HANDSHAKES}`,
    `  >= ${slow.shareFrom}`,
    'and',
    `    ${HANDSHAKES}`,
    '  -',
    `    ${IN_TIME}`,
    `  >= ${slow.atLeast}`,
  ].join('\n'),
  for: slow.for,
  keepFiringFor: slow.keepFiringFor,
  severity: 'warning',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) loses SYNs when it connects',
  description:
    `{{ $value | humanizePercentage }} of its TCP handshakes within ${slow.within} took longer than ${slow.above} s, ` +
    `and it has gone on for ${slow.for}. A SYN without an answer is sent again after 1 s: packets are lost on the way, ` +
    'or an upstream drops them because its accept queue is full. A blocked event loop of this process looks the same.',
};
