import { percent } from '../wording.ts';
import { churnEvidence, churnImpact, sizeOfChurn } from './churn.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { type ShortConnections, shortConnections } from './short-connections.ts';

const HALF = 0.5;
/** With so many requests a connection, the server ends them for their number or their age. */
const SEVERAL_REQUESTS = 1.5;

/** Short connections that the server ends: after each answer, or after a few. */
export function checkServerClosesFirst(run: LoadRun): Finding | undefined {
  const short = shortConnections(run);
  if (short === undefined || !isServersDoing(run, short)) return undefined;
  const { probe } = run;
  const perConnection = short.requests === undefined ? undefined : short.requests / short.opened;
  const isHttp = probe !== undefined && probe.status > 0;
  const isAnnounced = isHttp && !probe.keepsConnection;
  const isFirst = (short.serverShare ?? 0) >= HALF;
  const why = isAnnounced
    ? `${isFirst ? 'the server closed them first' : 'the server wants them closed'}, and says \`Connection: close\` with its answer`
    : `the server closed them first (${percent(short.serverShare ?? 1)} of those whose end is known)`;
  return {
    kind: 'server_closes_first',
    impact: churnImpact(short),
    confidence: isAnnounced ? 'proven' : 'likely',
    sentence: `${sizeOfChurn(short)}: ${why}.`,
    evidence: churnEvidence(run, short),
    advice: [
      ...(perConnection !== undefined && perConnection >= SEVERAL_REQUESTS
        ? ['Raise or remove `server.maxRequestsPerSocket`, and make `server.keepAliveTimeout` longer.']
        : isHttp
          ? [
              'Let the server keep connections: no `Connection: close` in its answers (`res.shouldKeepAlive`), `server.maxRequestsPerSocket` of 0, `server.keepAliveTimeout` above 0.',
            ]
          : [
              'Let a connection serve more than one request: answer without `socket.end()`, and mark where an answer ends.',
            ]),
      'Where connections must be short, let the client close first: the TIME_WAITs, and the work of closing, are then on its side.',
    ],
    explains: ['resets', 'ports_running_out'],
  };
}

/** Whether it is the server that wants its connections short. */
export function isServersDoing({ probe }: LoadRun, { serverShare, requests, opened }: ShortConnections): boolean {
  const isHttp = probe !== undefined && probe.status > 0;
  // Whoever closes first then: Node leaves it to the client where maxRequestsPerSocket is reached, and many clients are faster.
  if (isHttp && !probe.keepsConnection) return true;
  if (serverShare === undefined || serverShare < HALF) return false;
  // A client that sends `Connection: close` has the server close first. A server that keeps a connection of ours would
  // have kept the client's, unless it ends each after some requests.
  return !isHttp || (requests !== undefined && requests >= opened * SEVERAL_REQUESTS);
}
