import { counted, duration, grouped } from '../wording.ts';
import { grew, impactOf, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { counterGrowth, finite, growth, type LoadWindow, movedSpan, steadyLoad } from './load-window.ts';
import { resetsOf } from './reset-count.ts';
import { closedByServer, meanLifeMs } from './short-connections.ts';

/** One or two may be anybody's. */
const LEAST_RESETS = 3;
const LEAST_CLOSED = 5;
/** A connection that dies sooner than its timeout lets it, by this share, has not died of being idle. */
const LEAST_LIFE_SHARE = 0.5;
/** Where the server announces no timeout: nobody means to keep connections for less. */
const LEAST_LIFE_MS = 500;

/**
 * Requests that came just when the server closed their connection for being idle: the kernel answers them with an RST,
 * and Node never sees them. RFC 9112 section 9.5: either side may close an idle connection at any time.
 */
export function checkKeepAliveRace(run: LoadRun): Finding | undefined {
  if (run.probe?.keepsConnection === false) return undefined;
  const window = steadyLoad(run);
  const resets = resetsOf(window);
  if (resets === undefined || resets.sent < LEAST_RESETS) return undefined;
  const idle = growth(window.counted, ({ inside }) => inside?.idleCloses.keep_alive_timeout);
  const closed = closedByServer(run, window) ?? 0;
  const seconds = timeoutOf(run, window);
  const lifeMs = meanLifeMs(window);
  const isInside = idle !== undefined && idle >= LEAST_CLOSED;
  const leastMs = seconds === undefined ? LEAST_LIFE_MS : Math.max(1, seconds * 1_000 * LEAST_LIFE_SHARE);
  const isOutside = closed >= LEAST_CLOSED && lifeMs !== undefined && lifeMs >= leastMs;
  // What is known from inside settles it: connections that no timeout has closed have not raced one.
  if (!isInside && (idle === 0 || !isOutside)) return undefined;
  const requests = growth(window.counted, ({ inside }) => inside?.requests);
  const opened = counterGrowth(window, 'passiveOpens') ?? 0;
  const span = movedSpan(window.counted, ({ counters }) => counters.resetsSent);
  const after = seconds === undefined ? '' : ` after ${duration(seconds * 1_000)}`;
  return {
    kind: 'keep_alive_race',
    impact: impactOf(resets.sent / Math.max(1, opened, resets.sent), 0.4, 0.7),
    confidence: isInside || seconds !== undefined ? 'likely' : 'possible',
    sentence: `${counted(resets.sent, 'RST')} ${resets.sent === 1 ? 'was' : 'were'} sent while the server closed idle connections${after}: requests came on connections that it had just closed.`,
    evidence: [
      ...grew('OutRsts, without refused connects', resets.sent, window.seconds, 'namespace'),
      ...grew('idle connections closed by the keep-alive timeout', idle, window.seconds, 'target'),
      ...seen('connections that the server closed first, in the table at a time', closed, 'target'),
      ...seen('mean life of a connection', lifeMs, 'namespace', duration),
      ...seen('keep-alive timeout of the server', seconds, 'target', (value) => duration(value * 1_000)),
      ...grew('TCPAbortOnClose: closed with a request unread', resets.onClose, window.seconds, 'namespace'),
      ...grew('requests', requests, window.seconds, 'target'),
      ...grew(
        'connections closed with a request under way',
        growth(window.counted, ({ inside }) => inside?.closedWithActiveRequest),
        window.seconds,
        'target',
      ),
    ],
    advice: [
      `Make \`server.keepAliveTimeout\` longer than clients keep an idle connection${seconds === undefined ? '' : `, now ${grouped(seconds * 1_000)} ms`}: 65000 behind a proxy that keeps them for 60 s (AWS ALB, nginx).`,
      'Or let clients close first: `timeout` on http.Agent, `keepAliveTimeout` on undici, a second below what the server announces in `Keep-Alive: timeout=`.',
      'Send idempotent requests again, once: with http when `request.reusedSocket` is true and the code is ECONNRESET, with `RetryAgent` of undici.',
    ],
    ...(span === undefined ? {} : { seen: span }),
    explains: ['server_closes_first', 'connections_not_reused'],
  };
}

function timeoutOf(run: LoadRun, { seen: looks }: LoadWindow): number | undefined {
  const inside = looks.findLast(({ inside }) => inside?.keepAliveTimeoutSeconds !== undefined)?.inside;
  return finite(inside?.keepAliveTimeoutSeconds) ?? finite(run.probe?.keepAliveSeconds);
}
