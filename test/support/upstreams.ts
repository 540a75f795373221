import type { UpstreamChurn, UpstreamPorts, UpstreamSnapshot } from 'finwait';
import { CONNECT_FAILURES, type ConnectFailure } from '../../src/sockets/connect-failure.ts';

/** What may be given of an upstream: parts of its parts too. */
export interface UpstreamFacts extends Omit<Partial<UpstreamSnapshot>, 'churn' | 'ports' | 'connects'> {
  readonly churn?: Partial<UpstreamChurn>;
  readonly ports?: Partial<UpstreamPorts>;
  readonly failed?: { readonly [reason in ConnectFailure]?: number };
  readonly pendingConnects?: number;
}

/** An upstream at which nothing has happened but what is given. */
export function upstreamOf({
  churn,
  ports,
  failed = {},
  pendingConnects = 0,
  ...given
}: UpstreamFacts = {}): UpstreamSnapshot {
  return {
    name: 'billing',
    open: 0,
    opened: 0,
    closed: 0,
    closedLocally: 0,
    timeWait: undefined,
    churn: {
      openedPerSecond: 0,
      closedLocallyPerSecond: 0,
      requestsPerSecond: 0,
      portExhaustions: 0,
      windowMs: 60_000,
      ...churn,
    },
    requests: 0,
    reuseShare: undefined,
    connects: {
      started: 0,
      succeeded: 0,
      pending: pendingConnects,
      failed: Object.fromEntries(
        CONNECT_FAILURES.map((reason) => [reason, failed[reason] ?? 0]),
      ) as UpstreamSnapshot['connects']['failed'],
    },
    ports: { used: undefined, limit: undefined, exhaustionMs: undefined, isBound: false, ...ports },
    keepAliveSeconds: undefined,
    idleCloses: { keep_alive_timeout: 0, local: 0, remote: 0 },
    race: undefined,
    pool: undefined,
    ...given,
  };
}
