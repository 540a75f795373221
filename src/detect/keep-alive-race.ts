import type { UpstreamSnapshot } from './upstream.ts';
import type { Verdict } from './verdict.ts';
import { counted, duration, known } from './wording.ts';

/** A server closes at what it announces or a little later (Node: a second), and the request came a little before. */
const NEAR_MS = 1_000;
/** What http.Agent leaves between its own timeout and the announced one. */
const MARGIN_MS = 1_000;
/** Nobody means to keep connections for less: what is closed sooner is closed for another reason than being idle. */
const LEAST_KEPT_MS = 500;
/** Timeouts below the shortest idle time that failed, by this share, are safe from the same. */
const SAFE_SHARE = 0.8;
/** A race of long ago is worth knowing, and no more. */
const RECENT_MS = 3_600_000;

/**
 * Requests that were lost on kept connections, and whose timeout to change: by how long the connection had been idle
 * and what the server announces. RFC 9112 section 9.5: either side may close an idle connection at any time.
 */
export function checkKeepAliveRace(upstream: UpstreamSnapshot): Verdict | undefined {
  const { name, race, keepAliveSeconds } = upstream;
  if (race === undefined) return undefined;
  const wentAway = serverWentAway(upstream, race.idleMs);
  const { sentence, advice } = wentAway ?? explain(upstream, race.idleMs, race.shortestIdleMs);
  return {
    kind: 'keep_alive_race',
    name,
    side: 'client',
    severity: wentAway !== undefined || race.ageMs > RECENT_MS ? 'info' : 'warning',
    sentence,
    advice: [...advice, RETRY],
    evidence: known({
      races: race.count,
      idleMs: race.idleMs,
      shortestIdleMs: race.shortestIdleMs,
      keepAliveSeconds,
      ageMs: race.ageMs,
    }),
  };
}

interface Explanation {
  readonly sentence: string;
  readonly advice: readonly string[];
}

/** A server that ends takes its connections with it, and refuses new ones until it is back: no timeout would help. */
function serverWentAway(
  { name, race, keepAliveSeconds, connects }: UpstreamSnapshot,
  idleMs: number | undefined,
): Explanation | undefined {
  const { refused } = connects.failed;
  if (refused === 0 || idleMs === undefined || idleMs >= wellBelow(keepAliveSeconds)) return undefined;
  return {
    sentence: `${counted(race?.count ?? 0, 'request')} to \`${name}\` failed on a kept connection, the last after ${duration(idleMs)} idle, and ${counted(refused, 'connect')} ${refused === 1 ? 'was' : 'were'} refused: the server went away, and not for a connection being idle.`,
    advice: [
      'Let the server end in peace: stop sending it requests first, then `server.close()`, which closes idle connections and waits for the others.',
    ],
  };
}

/** Milliseconds below which nobody closes a connection for being idle. */
function wellBelow(keepAliveSeconds: number | undefined): number {
  return keepAliveSeconds === undefined ? NEAR_MS : Math.max((keepAliveSeconds * 1_000) / 2, NEAR_MS);
}

function explain(
  { name, race, keepAliveSeconds }: UpstreamSnapshot,
  idleMs: number | undefined,
  shortestIdleMs: number | undefined,
): Explanation {
  const lost = `${counted(race?.count ?? 0, 'request')} to \`${name}\` failed on a kept connection that the other end had closed`;
  if (idleMs === undefined || shortestIdleMs === undefined) {
    return { sentence: `${lost}; how long it had been idle is not known.`, advice: [findCloser(undefined)] };
  }
  const isOne = race?.count === 1;
  const idle = `${isOne ? '' : 'the last '}after ${duration(idleMs)} idle${isOne ? '' : `, the shortest after ${duration(shortestIdleMs)}`}`;
  if (keepAliveSeconds === undefined) {
    return {
      sentence: `${lost}, ${idle}; the server announces no keep-alive timeout.`,
      advice: [shortenBelow(shortestIdleMs), ANNOUNCE],
    };
  }
  const announcedMs = keepAliveSeconds * 1_000;
  const announced = `the server announces ${duration(announcedMs)}`;
  if (idleMs >= announcedMs - NEAR_MS) {
    return {
      sentence: `${lost}, ${idle}; ${announced}, and closed as announced while this client kept the connection longer.`,
      advice: [
        shortenTo(Math.min(announcedMs - MARGIN_MS, shortestIdleMs * SAFE_SHARE), announcedMs),
        `Or lengthen the server's: \`server.keepAliveTimeout\` above ${duration(Math.max(idleMs, announcedMs))} (now ${duration(announcedMs)}).`,
        'Where the client has such a timeout already, its event loop was blocked when it was due: look for what blocked it.',
      ],
    };
  }
  return {
    sentence: `${lost}, ${idle}; ${announced}, so it or something in between closed earlier than announced.`,
    advice: [findCloser(shortestIdleMs), shortenBelow(shortestIdleMs)],
  };
}

/** What to set on the client where the server keeps its word. */
function shortenTo(timeoutMs: number, announcedMs: number): string {
  if (timeoutMs < LEAST_KEPT_MS) {
    return `Do not keep connections to a server that closes them after ${duration(announcedMs)}: \`keepAlive: false\` on http.Agent, \`pipelining: 0\` on undici.`;
  }
  return `Close idle connections first: ${settings(timeoutMs)}. An http.Agent with any \`timeout\` stays a second below what the server announces, one without keeps connections for ever.`;
}

/** What to set on the client where only experience says how long connections last. */
function shortenBelow(shortestIdleMs: number): string {
  const timeoutMs = shortestIdleMs * SAFE_SHARE;
  if (timeoutMs < LEAST_KEPT_MS) {
    return 'Closed so soon after an answer, it was hardly for being idle: look for restarts and for a limit of requests a connection (`maxRequestsPerSocket` of a Node server, `keepalive_requests` of nginx).';
  }
  return `Keep idle connections for less than ${duration(shortestIdleMs)}: ${settings(timeoutMs)}.`;
}

/** The same timeout in the words of each client, in whole tenths of a second. */
function settings(timeoutMs: number): string {
  const ms = Math.floor(timeoutMs / 100) * 100;
  return `\`timeout: ${ms}\` on http.Agent, \`freeSocketTimeout: ${ms}\` on agentkeepalive, \`keepAliveTimeout: ${ms}\` and \`keepAliveMaxTimeout: ${ms}\` on undici`;
}

function findCloser(shortestIdleMs: number | undefined): string {
  const below = shortestIdleMs === undefined ? '' : ` of ${duration(shortestIdleMs)} or less`;
  return `Look for what closes on the way: an idle timeout${below} of a load balancer, a proxy or a NAT, or a server that was restarted, and make it longer than the client's.`;
}

const ANNOUNCE =
  "Or let the server announce it: Node's does (`Keep-Alive: timeout=5` by default), nginx with a second number in `keepalive_timeout 60s 60s`.";

const RETRY =
  'Send idempotent requests again, once: with http when `request.reusedSocket` is true and the code is ECONNRESET, with `RetryAgent` of undici.';
