import { select } from '../promql.ts';
import { KEEP_ALIVE_RACE, LATE_REQUESTS } from '../thresholds.ts';
import { lastKnown } from './last-known.ts';
import type { AlertRule } from './rule.ts';

/** Requests are lost to connections that the server had just closed, again and again. */
export const keepAliveRace: AlertRule = {
  alert: 'FinwaitKeepAliveRace',
  expr: `increase(${select('reused_connection_errors_total')}[${KEEP_ALIVE_RACE.within}]) >= ${KEEP_ALIVE_RACE.atLeast}`,
  for: KEEP_ALIVE_RACE.for,
  keepFiringFor: KEEP_ALIVE_RACE.keepFiringFor,
  severity: 'warning',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) loses requests to {{ $labels.name }} in the keep-alive race',
  description:
    `{{ $value | printf "%.0f" }} requests to {{ $labels.name }} within ${KEEP_ALIVE_RACE.within} were sent on a ` +
    'connection that had served others and that its server was just closing (ECONNRESET, EPIPE, "other side closed"), ' +
    `and it has gone on for ${KEEP_ALIVE_RACE.for}. Its idle timeout is shorter than ours, or not known here.`,
};

const late = LATE_REQUESTS;

/**
 * The same race from the other side, where it can only be inferred: Node never sees a request that comes too late. Three
 * things together: idle connections closed by the server's own timer, a timer shorter than what usually stands in front
 * of it, and RSTs, which is how the kernel answers such a request.
 */
export const lateRequests: AlertRule = {
  alert: 'FinwaitLateRequests',
  expr: [
    `increase(${select('idle_closes_total', { side: 'server', cause: 'keep_alive_timeout' })}[${late.within}]) >= ${late.atLeast}`,
    'and ignoring (cause)',
    `  ${lastKnown(select('keep_alive_timeout_seconds', { side: 'server' }))} <= ${late.usualFrontSeconds}`,
    'and ignoring (side, name, cause)',
    `  increase(${select('netns_resets_sent_total')}[${late.within}]) >= ${late.resetsFrom}`,
  ].join('\n'),
  for: late.for,
  keepFiringFor: late.keepFiringFor,
  severity: 'warning',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) closes idle connections of {{ $labels.name }} too soon',
  description:
    `{{ $value | printf "%.0f" }} idle connections of {{ $labels.name }} were closed within ${late.within} by its ` +
    `keepAliveTimeout, which is not above ${late.usualFrontSeconds} s, while the kernel sent RSTs: a request that arrives ` +
    'just then is reset, Node never sees it, and a balancer in front says 502. Where clients come directly, and count no ' +
    'errors, nothing needs to change.',
};
