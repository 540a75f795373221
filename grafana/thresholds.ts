/**
 * When CLOSE_WAIT is a leak. A connection that its handler answers leaves the state within milliseconds, and one that
 * is half-closed on purpose within the time of its answer; what counts is what is there at every sample.
 */
export const CLOSE_WAIT_LEAK = {
  /** So many of one name in one process. A handful may belong to slow answers; ten at every sample do not. */
  atLeast: 10,
  /** For so long the number may not have fallen below that: 40 samples at the usual 15 s. */
  standing: '10m',
  /**
   * And within this window there must have been fewer. Old ones that no longer grow are not this alert's. As long as a
   * process is younger than `standing`, both windows hold the same samples, so that a start never looks like growth.
   */
  grownWithin: '1h',
  /** Before it fires: a deployment or a slow upstream may pass. */
  for: '5m',
  /**
   * After the condition ended: a process out of descriptors cannot be scraped, and a leak of one socket an hour grows
   * only now and then. Neither is the end of the incident.
   */
  keepFiringFor: '15m',
} as const;

/** When an accept queue is filling up: an event loop that comes round takes all that wait at once. */
export const ACCEPT_QUEUE = {
  /** Of what fits in. A burst fills it for one sample; at three quarters all the time, the next burst overflows it. */
  fullFrom: 0.75,
  for: '2m',
  keepFiringFor: '10m',
} as const;

/** When packets that an accept queue had no room for are no single burst. */
export const LISTEN_OVERFLOWS = {
  within: '5m',
  /** Longer than the window: what happened once, at a deployment say, has left it by then. */
  for: '10m',
  keepFiringFor: '15m',
} as const;

/** When the local ports towards one destination run low. */
export const EPHEMERAL_PORTS = {
  /** Of all there are. From there it may take a minute: a TIME_WAIT keeps its port that long. */
  lowFrom: 0.8,
  for: '5m',
  keepFiringFor: '15m',
} as const;

/** When they will be gone. The forecast is absent unless it is sure, and looks ahead some ten minutes at most. */
export const EPHEMERAL_PORTS_RUNNING_OUT = {
  withinSeconds: 300,
  /** A burst foretells the end for some seconds. */
  for: '1m',
  keepFiringFor: '10m',
} as const;

/** When descriptors run out. */
export const DESCRIPTORS = {
  /** Somebody gets up: little is left for a burst. */
  criticalFrom: 0.9,
  criticalFor: '5m',
  /** Below that a trend means nothing: a process fills its pools while it starts. */
  warnFrom: 0.5,
  /** The trend of this long, drawn on for that long, passes the limit. */
  trendOf: '30m',
  aheadHours: 4,
  warnFor: '15m',
  keepFiringFor: '15m',
} as const;

/** When they will be gone, as a dashboard tells it: sooner than an alert would, and less surely. */
export const DESCRIPTORS_LEFT = {
  /** The trend of this long: a leak shows within minutes, a burst of a load test goes back. */
  trendOf: '10m',
  /** What is farther off is no end in sight. */
  withinSeconds: 86_400,
  /** Somebody should look now. */
  badBelowSeconds: 14_400,
} as const;

/** When the kernel's column is missing for good. */
export const COLLECTOR_DOWN = {
  for: '10m',
  keepFiringFor: '5m',
} as const;

/** When an upstream cannot be connected to. */
export const CONNECT_FAILURES = {
  /** Of connect operations. One address in ten of a service that is gone already shows. */
  shareFrom: 0.1,
  within: '5m',
  /** So many within the window: one lost handshake in a quiet hour is no trend. */
  atLeast: 3,
  /** An upstream that is deployed anew refuses for a while. */
  for: '5m',
  keepFiringFor: '10m',
} as const;

/** When connects fail because this host, or this process, has run out of something. One is too many. */
export const CONNECTS_OUT_OF = {
  within: '5m',
  for: '0m',
  keepFiringFor: '15m',
} as const;

/** When TCP handshakes lose packets. */
export const CONNECTS_SLOW = {
  /** Seconds, and a bound of the histogram: a SYN without an answer is sent again after 1 s (RFC 6298). */
  above: 1,
  shareFrom: 0.05,
  within: '10m',
  /** So many within the window. */
  atLeast: 5,
  for: '10m',
  keepFiringFor: '15m',
} as const;

/** When requests are lost to connections that the server has just closed. */
export const KEEP_ALIVE_RACE = {
  within: '15m',
  /** So many within the window. One may be the server that was stopped. */
  atLeast: 3,
  /** Longer than the window: the burst of one deployment has left it by then. A wrong timeout stays. */
  for: '20m',
  /** It comes with the pauses in the traffic, and goes with the load. */
  keepFiringFor: '1h',
} as const;

/** When a pool is too small for what is asked of it, or its upstream too slow. */
export const POOL_STARVED = {
  /** At every sample of this long requests waited, and no more connections were in use than before. */
  standing: '5m',
  for: '5m',
  keepFiringFor: '10m',
} as const;

/** When connections beyond maxConnections are no single burst. */
export const CONNECTIONS_DROPPED = {
  within: '5m',
  /** Longer than the window, as above. */
  for: '10m',
  keepFiringFor: '15m',
} as const;
