// One named function a question about connections that this program opens; of them all, not of the side chosen.
import { bucketUpTo } from './promql.ts';
import { quantile, rate, shown, sum } from './series.ts';
import { CONNECTS_SLOW } from './thresholds.ts';

const CLIENT = { side: 'client' } as const;
/** A connect that the program itself gave up tells nothing of its upstream. */
const REAL_FAILURE = { reason: { not: 'aborted' } } as const;

/** How many connects are begun, to whom? */
export function connectsPerSecondByName(): string {
  return sum(rate(shown('connects_total')), ['name']);
}

/** What share of them fails? Empty where nobody connects. */
export function connectFailureShareByName(): string {
  const failures = sum(rate(shown('connect_failures_total', REAL_FAILURE)), ['name']);
  // A failure belongs to a connect that may have begun an interval earlier. And 0 of 0 is NaN, which is no number >= 0.
  return `clamp_max(${failures} / ${connectsPerSecondByName()}, 1) >= 0`;
}

/** And of the upstream where most fail? */
export function connectFailureShareWorst(): string {
  return `max(${connectFailureShareByName()})`;
}

/** Why do they fail? */
export function connectFailuresPerSecondByReason(): string {
  return sum(rate(shown('connect_failures_total')), ['reason']);
}

/** Which process cannot reach whom, and why? */
export function connectFailuresWorst(): string {
  const failures = rate(shown('connect_failures_total'));
  return `topk(20, sum by (job, instance, name, reason) (${failures}) > 0)`;
}

/** How many are under way? */
export function pendingConnects(): string {
  return sum(shown('pending_connects'));
}

/** To whom? */
export function pendingConnectsByName(): string {
  return sum(shown('pending_connects'), ['name']);
}

/** How long do the phases of a connect take? */
export function connectDuration(q: number): string {
  return quantile(q, 'connect_duration_seconds', {}, ['phase']);
}

/** What share of TCP handshakes takes so long that a SYN must have been lost? */
export function slowHandshakeShareByInstance(): string {
  const within = shown('connect_duration_seconds', { phase: 'tcp' }, 'bucket', [bucketUpTo(CONNECTS_SLOW.above)]);
  const all = shown('connect_duration_seconds', { phase: 'tcp' }, 'count');
  return `1 - sum by (instance) (${rate(within)}) / (sum by (instance) (${rate(all)}) > 0)`;
}

/** How do attempts at single addresses end? */
export function attemptsPerSecond(): string {
  return sum(rate(shown('connect_attempts_total')), ['family', 'result']);
}

/** What do the pools hold? */
export function poolConnectionsByName(): string {
  return sum(shown('pool_connections'), ['name', 'pool_state']);
}

/** How many requests wait for a connection? */
export function poolPending(): string {
  return sum(shown('pool_pending_requests'));
}

/** Of which pool? */
export function poolPendingByName(): string {
  return sum(shown('pool_pending_requests'), ['name']);
}

/** How many requests are made, to whom? */
export function requestsPerSecondByName(): string {
  return sum(rate(shown('requests_total', CLIENT)), ['name']);
}

/** What share of requests found a connection? Only where requests are counted: HTTP/1. */
export function reuseShareByName(): string {
  return `clamp_min(1 - ${openedByName()} / (${requestsPerSecondByName()} > 0), 0)`;
}

/** And of all of them? What opens connections for other protocols is left out. */
export function reuseShare(): string {
  const requests = requestsPerSecondByName();
  return `clamp_min(1 - sum(${openedByName()} and ${requests} > 0) / sum(${requests} > 0), 0)`;
}

/** How long do connections live? */
export function connectionDuration(q: number): string {
  return quantile(q, 'connection_duration_seconds', CLIENT);
}

/** How do they end, and who ends them? */
export function closesPerSecond(): string {
  return sum(rate(shown('connections_closed_total', CLIENT)), ['initiator', 'outcome']);
}

/** How many end in the middle of a request? */
export function activeClosesPerSecond(): string {
  return sum(rate(shown('closed_with_active_request_total', CLIENT)), ['name', 'initiator']);
}

/** How many are reset, by whom? */
export function upstreamResetsPerSecond(): string {
  return sum(rate(shown('resets_total', CLIENT)), ['name', 'direction']);
}

/** How many requests are lost in the keep-alive race? */
export function racesPerSecond(): string {
  return sum(rate(shown('reused_connection_errors_total')));
}

/** With which upstream? */
export function racesPerSecondByName(): string {
  return sum(rate(shown('reused_connection_errors_total')), ['name']);
}

/** Who closes idle connections? */
export function upstreamIdleClosesPerSecond(): string {
  return sum(rate(shown('idle_closes_total', CLIENT)), ['name', 'cause']);
}

/** After how long does each upstream say it closes them? Where its servers differ, the first to do so. */
export function upstreamKeepAliveTimeouts(): string {
  return `min by (name) (${shown('keep_alive_timeout_seconds', CLIENT)})`;
}

/** How many local ports do connections keep that we have closed? */
export function upstreamTimeWaitByName(): string {
  return sum(shown('sockets', { ...CLIENT, state: 'time_wait' }), ['name']);
}

/** When will there be no local port left? Empty while no such end is in sight. */
export function portsLeftByName(): string {
  return `min by (name) (${shown('ephemeral_ports_exhaustion_seconds')})`;
}

/** And of the upstream that is first? */
export function portsLeftSoonest(): string {
  return `min(${shown('ephemeral_ports_exhaustion_seconds')})`;
}

/** How many requests does a connection see? */
export function requestsPerConnection(q: number): string {
  return quantile(q, 'requests_per_connection', CLIENT, ['name']);
}

/** How long had connections been idle when they closed? */
export function idleAtClose(q: number): string {
  return quantile(q, 'idle_at_close_seconds', CLIENT, ['name']);
}

/** How long does it take to connect to each? */
export function connectDurationByName(q: number): string {
  return quantile(q, 'connect_duration_by_name_seconds', {}, ['name', 'phase']);
}

function openedByName(): string {
  return sum(rate(shown('connections_opened_total', CLIENT)), ['name']);
}
