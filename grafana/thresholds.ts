/**
 * When CLOSE_WAIT is a leak: `leaked_sockets` has counted out already what is young or still moves bytes, so that few are
 * enough.
 */
export const CLOSE_WAIT_LEAK = {
  /** So many of one name in one process. One or two may belong to a client that reads an answer for minutes. */
  atLeast: 5,
  /** For so long the number may not have fallen below that: 40 samples at the usual 15 s. */
  standing: '10m',
  /** And within this window there must have been fewer. Those that no longer grow are found by their age. */
  grownWithin: '20m',
  /** Before it fires: a deployment or a slow upstream may pass. */
  for: '5m',
  /** After the condition ended: a process out of descriptors cannot be scraped, which is not the end of the incident. */
  keepFiringFor: '15m',
} as const;

/** When a socket has been forgotten in CLOSE_WAIT, be it a single one. */
export const CLOSE_WAIT_OLD = {
  /** Half an hour: longer than any answer that a half-closed peer waits for. */
  olderThanSeconds: 1_800,
  for: '10m',
  keepFiringFor: '15m',
} as const;

/** When sockets stay in FIN_WAIT_2: closed on this side, held by a descriptor, and the peer does not end. */
export const FIN_WAIT_2_STUCK = {
  atLeast: 10,
  standing: '5m',
  /** Twice that: in the first minutes of a process its few samples are all there is. */
  for: '10m',
  keepFiringFor: '15m',
} as const;

/** When peers have gone without a word. */
export const HALF_OPEN = {
  /** One or two are laptops that were closed; five of one name are a host, a firewall or a route. */
  atLeast: 5,
  standing: '5m',
  for: '5m',
  keepFiringFor: '15m',
} as const;

/** When Node and the kernel disagree about more and more sockets. */
export const DIVERGENT = {
  atLeast: 5,
  standing: '10m',
  grownWithin: '20m',
  for: '5m',
  keepFiringFor: '15m',
} as const;

/**
 * From when on more is growth: what a process fills while it starts is over then. It must have been seen this long ago,
 * and not have begun anew since the beginning of that window.
 */
export const GROWN_UP = {
  /** Ten minutes more than growth is measured over. */
  age: '30m',
  /** Within this window before that age a sample is enough: one or two may be missing. */
  seenWithin: '10m',
  /** Both together, so that the windows of growth hold one process and not its start. */
  noRestartWithin: '40m',
} as const;

/** How far back the last value of a gauge still holds: one missing sample at a scrape interval of a minute, and more. */
export const LAST_KNOWN_WITHIN = '3m';

/** When an accept queue is filling up: an event loop that comes round takes all that wait at once. */
export const ACCEPT_QUEUE = {
  /** Of what fits in. A burst fills it for one sample; at three quarters all the time, the next burst overflows it. */
  fullFrom: 0.75,
  /** At every sample of this long. */
  standing: '2m',
  for: '1m',
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
  /** How long a forecast holds: it is absent while no end is in sight, and when a sample is missing. */
  lastKnownWithin: '1m',
  /** A burst foretells the end for some seconds. */
  for: '2m',
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

/** When the kernel's column is there and old: finwait samples less often where a table costs much to read. */
export const COLLECTOR_STALE = {
  /** The windows of these alerts are minutes: older tables show them steps instead of lines. */
  olderThanSeconds: 300,
  for: '10m',
  keepFiringFor: '5m',
} as const;

/** When connections of a service are cut off instead of closed. */
export const RESETS = {
  shareFrom: 0.2,
  within: '10m',
  /** So many closed within the window, probes not counted: a share of a few is no share. */
  atLeast: 60,
  for: '15m',
  keepFiringFor: '15m',
} as const;

/** When a server closes idle connections under the hands of its clients: the other side of the race. */
export const LATE_REQUESTS = {
  within: '15m',
  /** So many idle connections were closed by the timer within the window. */
  atLeast: 10,
  /** And so many RSTs left the namespace: that is how the kernel answers a request that came too late. */
  resetsFrom: 5,
  /** As long as the usual balancer or proxy keeps an idle connection (AWS ALB and nginx: 60 s). */
  usualFrontSeconds: 60,
  for: '20m',
  keepFiringFor: '1h',
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
