import { dropsIdle } from './pool-size.ts';
import { recentReuseShare, type UpstreamSnapshot } from './upstream.ts';
import type { Verdict } from './verdict.ts';
import { grouped, known, percent } from './wording.ts';

/** Below this, what it costs to connect is not worth a change. */
const LEAST_OPENED_PER_SECOND = 1;
/** Without requests that could be counted, only churn tells: many clients of other protocols connect now and then. */
const LEAST_CLOSES_PER_SECOND = 10;
/** Of requests, fewer than this found a connection. */
const LOW_REUSE = 0.5;
/** TIME_WAITs that will stand at a time, as a share of the ports: from here on it is more than a waste. */
const PORT_SHARE = 0.1;
/** Of Linux, as far as nothing else is known: 32768 to 60999. */
const DEFAULT_PORTS = 28_232;
const TIME_WAIT_SECONDS = 60;
/** What was opened over a shorter time may be a pool that fills, or a server that was restarted. */
const LEAST_WINDOW_MS = 5_000;
/** Of what this process closed first, the kernel has at least this share in TIME_WAIT, unless RSTs end it. */
const HELD_SHARE = 0.5;

/** Connections that are opened for one request each, and who closes them. */
export function checkConnectionReuse(upstream: UpstreamSnapshot): Verdict | undefined {
  const { name, churn, ports } = upstream;
  const { openedPerSecond, closedLocallyPerSecond, requestsPerSecond } = churn;
  if (churn.windowMs < LEAST_WINDOW_MS) return undefined;
  if (openedPerSecond < LEAST_OPENED_PER_SECOND || dropsIdle(upstream)) return undefined;
  const reuse = recentReuseShare(churn);
  const isWasted =
    reuse === undefined
      ? requestsPerSecond === 0 && closedLocallyPerSecond >= LEAST_CLOSES_PER_SECOND
      : reuse < LOW_REUSE;
  if (!isWasted) return undefined;
  const isOurs = closedLocallyPerSecond >= openedPerSecond / 2;
  const timeWaits = holdsPorts(upstream) ? closedLocallyPerSecond * TIME_WAIT_SECONDS : 0;
  const purpose =
    reuse === undefined
      ? ''
      : ` for ${grouped(requestsPerSecond)} requests a second, of which ${percent(reuse)} found one open`;
  const held =
    timeWaits > 0
      ? `, and each holds a local port for ${TIME_WAIT_SECONDS} s more: ${grouped(timeWaits)} at a time`
      : '';
  const end = isOurs ? `this process closes them first${held}` : 'the upstream closes them';
  return {
    kind: 'connections_not_reused',
    name,
    side: 'client',
    severity: timeWaits >= PORT_SHARE * (ports.limit ?? DEFAULT_PORTS) ? 'warning' : 'info',
    sentence: `\`${name}\` gets ${grouped(openedPerSecond)} new connections a second${purpose}; ${end}.`,
    advice: reuse === undefined ? [POOL] : isOurs ? REUSE : SERVER,
    evidence: known({ openedPerSecond, closedLocallyPerSecond, requestsPerSecond, reuseShare: reuse }),
  };
}

/**
 * Whether what this process closes first is left in TIME_WAIT. On TLS the peer's FIN or an RST over unread bytes may be
 * faster than ours. Without a table it is taken to be so.
 */
function holdsPorts({ churn, timeWait }: UpstreamSnapshot): boolean {
  if (timeWait === undefined) return true;
  const seconds = Math.min(churn.windowMs / 1000, TIME_WAIT_SECONDS);
  return timeWait >= churn.closedLocallyPerSecond * seconds * HELD_SHARE;
}

/** What makes HTTP clients use connections again. */
export const REUSE: readonly string[] = [
  'Use connections again: one `new http.Agent({ keepAlive: true })` for all requests, not one a request.',
  'With undici and fetch: read each body to its end or cancel it (`await response.body.cancel()`), and use one dispatcher for all requests.',
  'Do not send `Connection: close`.',
];

const SERVER: readonly string[] = [
  'Let the upstream keep connections: no `Connection: close` in its answers, a `keepAliveTimeout` above 0, no low limit of requests a connection (`maxRequestsPerSocket`, `keepalive_requests` of nginx).',
  'Check that this client asks for it: `keepAlive: true` on http.Agent.',
];

const POOL = 'Keep connections in a pool and use them again, instead of one for each operation.';
