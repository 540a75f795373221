import { grouped, percent } from '../wording.ts';
import { cores, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { spanOf } from './load-window.ts';
import { BUSY_THREAD, processorUse } from './processor-use.ts';

/** A server whose JavaScript ran all the time: the answer that an honest load test ends with. */
export function checkServerBusy(run: LoadRun): Finding | undefined {
  const use = processorUse(run);
  if (use?.target === undefined || use.target < BUSY_THREAD) return undefined;
  const span = spanOf(use.looks);
  const { processors } = run.settings;
  return {
    kind: 'server_busy',
    impact: 0.1,
    confidence: 'likely',
    sentence: `The busiest thread of the server used ${percent(use.target)} of a core: it could compute no more${use.generator !== undefined && use.generator >= BUSY_THREAD ? ', and neither could that of the load generator' : ''}.`,
    evidence: [
      ...seen('busiest thread of the server', use.target, 'target', percent),
      ...seen('processor time of the server', use.targetCores, 'target', cores),
      ...seen('busiest thread of the load generator', use.generator, 'generator', percent),
      { what: 'processors', value: grouped(processors), scope: 'namespace' },
    ],
    advice: [
      'JavaScript runs in one thread: use more of them, by `node:cluster` or several processes behind a balancer.',
      'Find what a request costs: `node --cpu-prof server.js` during the same load.',
    ],
    ...(span === undefined ? {} : { seen: span }),
    explains: [],
  };
}
