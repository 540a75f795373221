import type { UpstreamSnapshot } from './upstream.ts';
import type { Verdict } from './verdict.ts';
import { counted, grouped, percent } from './wording.ts';

/** Closing one kept connection now and then is no loss. */
const LEAST_CLOSES_PER_SECOND = 1;
/** From this share of all closes on, it is the pool that closes. */
const DROPPED_SHARE = 0.3;

/**
 * A pool that is too small: as many requests wait as are served, or connections that could be kept are closed because
 * the pool keeps no more idle ones.
 */
export function checkPoolSize(upstream: UpstreamSnapshot): Verdict | undefined {
  return requestsWait(upstream) ?? keptTooFew(upstream);
}

/** Whether the pool closes connections after their answer that might have served another. */
export function dropsIdle({ pool, churn, closed, idleCloses }: UpstreamSnapshot): boolean {
  if (pool === undefined || closed === 0 || churn.closedLocallyPerSecond < LEAST_CLOSES_PER_SECOND) return false;
  return idleCloses.local / closed >= DROPPED_SHARE;
}

function requestsWait({ name, pool, connects }: UpstreamSnapshot): Verdict | undefined {
  // While connections are being opened, waiting for them is the usual thing. A queue as long as the pool costs each
  // request the time of another one.
  if (pool === undefined || pool.active === 0 || connects.pending > 0 || pool.pending < pool.active) return undefined;
  return {
    kind: 'pool_too_small',
    name,
    side: 'client',
    severity: 'warning',
    sentence: `${counted(pool.pending, 'request')} to \`${name}\` ${pool.pending === 1 ? 'waits' : 'wait'} for one of ${counted(pool.active, 'connection')}, all in use: each waits at least as long as an answer takes.`,
    advice: [
      `Raise the pool: \`maxSockets\` of http.Agent, \`connections\` of undici's Pool or Agent, above ${grouped(pool.active + pool.idle)}.`,
      'Where the upstream answers slower than before, that is the cause: a larger pool then only moves the queue there.',
    ],
    evidence: { pending: pool.pending, active: pool.active, idle: pool.idle },
  };
}

function keptTooFew(upstream: UpstreamSnapshot): Verdict | undefined {
  const { name, pool, churn, closed, idleCloses } = upstream;
  // An empty pool was destroyed, or has nothing to do.
  if (pool === undefined || pool.active + pool.idle === 0 || !dropsIdle(upstream)) return undefined;
  const share = idleCloses.local / closed;
  return {
    kind: 'pool_too_small',
    name,
    side: 'client',
    severity: 'warning',
    sentence: `This process closes ${grouped(churn.closedLocallyPerSecond)} connections a second to \`${name}\`, ${percent(share)} of all right after an answer though they could be kept: the pool holds ${grouped(pool.idle)} idle ones and no more.`,
    advice: [
      `Raise \`maxFreeSockets\` of http.Agent (256 by default) to the number of requests at a time, at least ${grouped(pool.active + pool.idle)}.`,
      'Where it is that high already, the program destroys the sockets itself, or asks for `Connection: close`.',
    ],
    evidence: {
      closedLocallyPerSecond: churn.closedLocallyPerSecond,
      closedAfterAnswer: idleCloses.local,
      closed,
      active: pool.active,
      idle: pool.idle,
    },
  };
}
