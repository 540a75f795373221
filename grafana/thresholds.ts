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
