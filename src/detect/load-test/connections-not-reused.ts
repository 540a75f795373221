import { REUSE } from '../connection-reuse.ts';
import { churnEvidence, churnImpact, sizeOfChurn } from './churn.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { isServersDoing } from './server-closes-first.ts';
import { shortConnections } from './short-connections.ts';

const HALF = 0.5;

/** Short connections that the clients want so: one for each request. */
export function checkConnectionsNotReused(run: LoadRun): Finding | undefined {
  const short = shortConnections(run);
  if (short === undefined || isServersDoing(run, short)) return undefined;
  const { serverShare } = short;
  const why =
    serverShare === undefined
      ? 'and no TIME_WAIT of them is here: the clients closed them first'
      : serverShare >= HALF
        ? 'the server would keep them: it was the clients that asked for their end'
        : 'the clients closed them first';
  return {
    kind: 'connections_not_reused',
    impact: churnImpact(short),
    confidence: serverShare === undefined ? 'possible' : 'likely',
    sentence: `${sizeOfChurn(short)}: ${why}.`,
    evidence: churnEvidence(run, short),
    advice: [
      'Let the load generator keep its connections, if the real clients do: no `Connection: close` header, `ab -k`, keep-alive agents. Else it measures connecting.',
      ...REUSE,
    ],
    explains: ['resets', 'ports_running_out'],
  };
}
