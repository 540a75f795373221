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

/** When the kernel's column is missing for good. */
export const COLLECTOR_DOWN = {
  for: '10m',
  keepFiringFor: '5m',
} as const;
