import { counted, grouped, percent } from '../wording.ts';
import { seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { growth, spanOf, wholeLoad } from './load-window.ts';
import { type PortUse, portEvidence, portOwner, portRemedies, portUse, worstUse } from './port-use.ts';

/** A table takes a while, and a port that is free when it is read is taken when the row is. */
const NEARLY = 0.98;

/** Connects that found no local port: EADDRNOTAVAIL. */
export function checkPortsExhausted(run: LoadRun): Finding | undefined {
  const uses = portUse(run);
  const full = uses.filter(isFull);
  const failed = growth(wholeLoad(run).counted, ({ inside }) => inside?.connectFailures['port_exhausted']) ?? 0;
  const worst = worstUse(
    full.length > 0 ? full : failed > 0 ? uses.filter(({ port }) => port.whose === 'outbound') : [],
  );
  if (worst === undefined) return undefined;
  const { port, limit } = worst;
  const span = spanOf(full.map(({ sample }) => sample));
  const share = full.length / Math.max(1, uses.length);
  const isAll = port.used >= limit;
  const waiting = port.timeWait > 0 ? `, ${grouped(port.timeWait)} of them in TIME_WAIT` : '';
  const lost = failed > 0 ? `; ${counted(failed, 'connect')} of the server failed for that` : '';
  return {
    kind: 'ports_exhausted',
    impact: 0.9,
    confidence: isAll || failed > 0 ? 'proven' : 'likely',
    sentence: `${isAll ? 'No' : 'Hardly a'} local port was left to ${portOwner(port)} towards ${port.destination}: ${grouped(port.used)} of ${grouped(limit)} in use${waiting}${lost}. Its connects failed with EADDRNOTAVAIL.`,
    evidence: [
      ...portEvidence(worst, run),
      {
        what: 'looks that found none left',
        value: percent(share),
        scope: port.whose === 'callers' ? 'generator' : 'target',
      },
      ...(failed === 0 ? [] : seen('connects that failed with EADDRNOTAVAIL', failed, 'target')),
    ],
    advice: portRemedies(worst, run),
    ...(span === undefined ? {} : { seen: span }),
    explains: ['connections_not_reused', 'server_closes_first', 'generator_limited', 'syn_dropped'],
  };
}

function isFull({ port, limit }: PortUse): boolean {
  return port.used >= limit * NEARLY;
}
