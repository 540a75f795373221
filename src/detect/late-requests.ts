import type { ServerUse } from './server-use.ts';
import type { Verdict } from './verdict.ts';
import { counted, duration, known } from './wording.ts';

/** Fewer say nothing: a browser that goes leaves one each. */
const LEAST_TIMEOUTS = 10;
/** A service, not a try: that many requests were answered. */
const LEAST_REQUESTS = 1_000;
/** As long as the usual load balancer or proxy keeps an idle connection (AWS ALB and nginx: 60 s). */
const USUAL_FRONT_SECONDS = 60;

/**
 * A server that closes idle connections sooner than what usually stands in front of it. A request that was on its way
 * then is answered by the kernel with an RST: Node never sees it, and the load balancer says 502.
 */
export function checkLateRequests({ name, requests, keepAliveSeconds, idleCloses }: ServerUse): Verdict | undefined {
  const timeouts = idleCloses.keep_alive_timeout;
  if (timeouts < LEAST_TIMEOUTS || requests < LEAST_REQUESTS) return undefined;
  if (keepAliveSeconds !== undefined && keepAliveSeconds > USUAL_FRONT_SECONDS) return undefined;
  const after = keepAliveSeconds === undefined ? '' : ` after ${duration(keepAliveSeconds * 1_000)}`;
  return {
    kind: 'late_requests',
    name,
    side: 'server',
    severity: 'info',
    sentence: `\`${name}\` closed ${counted(timeouts, 'idle connection')} by its keep-alive timeout${after}, over ${counted(requests, 'request')}: one that arrives just then is reset by the kernel, and Node never sees it.`,
    advice: [
      `Behind a load balancer or a proxy, make \`server.keepAliveTimeout\` longer than its idle timeout: 65000 for 60 s (AWS ALB, nginx), 620000 for 600 s (Google Cloud).`,
      'Or make its idle timeout shorter than this one. Where clients come directly, nothing needs to change.',
    ],
    evidence: known({
      idleTimeouts: timeouts,
      idleClosesRemote: idleCloses.remote,
      requests,
      keepAliveSeconds,
    }),
  };
}
