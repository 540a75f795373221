import type { ConnectFailure } from '../sockets/connect-failure.ts';
import type { IdleClose } from '../sockets/requests.ts';

/** What a client name did lately, in events a second. */
export interface UpstreamChurn {
  readonly openedPerSecond: number;
  /** Closed by this process first: each leaves a TIME_WAIT here. */
  readonly closedLocallyPerSecond: number;
  readonly requestsPerSecond: number;
  /** Connects that found no local port, over the whole time. */
  readonly portExhaustions: number;
  /** Over how long: a minute at most. */
  readonly windowMs: number;
}

/** The newest connection that was lost in the keep-alive race: a request was sent on it while the peer closed it. */
export interface UpstreamRace {
  /** How many were lost. */
  readonly count: number;
  /** How long since the newest one. */
  readonly ageMs: number;
  /** How long that connection had been idle, by the time of the failure; undefined where it is not known. */
  readonly idleMs: number | undefined;
  /** The shortest of all. */
  readonly shortestIdleMs: number | undefined;
}

/** The local ports towards the worst destination of a name. Undefined is unknown. */
export interface UpstreamPorts {
  readonly used: number | undefined;
  readonly limit: number | undefined;
  /** Milliseconds until none is left, at the present churn; undefined while no end is in sight. */
  readonly exhaustionMs: number | undefined;
  /** The program binds its sockets (`localAddress`): ports are then taken from all destinations together. */
  readonly isBound: boolean;
}

/** What a client name connects to, and how: all that is counted since it was first seen, unless it says otherwise. */
export interface UpstreamSnapshot {
  readonly name: string;
  readonly open: number;
  readonly opened: number;
  readonly closed: number;
  /** How many of those this process closed first, in whatever way. */
  readonly closedLocally: number;
  /** Connections of ours in TIME_WAIT, by the kernel; undefined without a recent table. */
  readonly timeWait: number | undefined;
  readonly churn: UpstreamChurn;
  /** HTTP requests; 0 where another protocol is spoken. */
  readonly requests: number;
  /** The share of the requests that had a connection already; undefined without requests. */
  readonly reuseShare: number | undefined;
  /** Connect operations: started = succeeded + failed + pending. */
  readonly connects: {
    readonly started: number;
    readonly succeeded: number;
    readonly pending: number;
    readonly failed: { readonly [reason in ConnectFailure]: number };
  };
  readonly ports: UpstreamPorts;
  /** What the server says in `Keep-Alive: timeout=`; undefined where it never did. */
  readonly keepAliveSeconds: number | undefined;
  /** Connections that were closed between two requests. */
  readonly idleCloses: { readonly [cause in IdleClose]: number };
  readonly race: UpstreamRace | undefined;
  /** What the connection pools hold now; undefined where none is known. */
  readonly pool: { readonly active: number; readonly idle: number; readonly pending: number } | undefined;
}

/**
 * The share of the newest requests that had a connection already; undefined where there were too few to say.
 *
 * @example recentReuseShare({ openedPerSecond: 1, requestsPerSecond: 10, windowMs: 60_000, ... }) // 0.9
 */
export function recentReuseShare({ openedPerSecond, requestsPerSecond, windowMs }: UpstreamChurn): number | undefined {
  if (requestsPerSecond * (windowMs / 1000) < LEAST_REQUESTS) return undefined;
  return Math.max(0, 1 - openedPerSecond / requestsPerSecond);
}

/** Of fewer, a share says nothing: the first request of each connection of a pool finds none. */
const LEAST_REQUESTS = 20;
