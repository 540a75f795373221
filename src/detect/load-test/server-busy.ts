import { grouped, percent } from '../wording.ts';
import { cores, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { spanOf } from './load-window.ts';
import { BUSY_THREAD, CROWDED, processorUse, threadEvidence } from './processor-use.ts';

/** A server whose JavaScript ran all the time: the answer that an honest load test ends with. */
export function checkServerBusy(run: LoadRun): Finding | undefined {
  const use = processorUse(run);
  if (use?.target === undefined || use.target.wanted < BUSY_THREAD) return undefined;
  const span = spanOf(use.looks);
  const { processors } = run.settings;
  const { ran, waited } = use.target;
  const isCrowded = waited >= CROWDED;
  const isBoth = use.generator !== undefined && use.generator.wanted >= BUSY_THREAD;
  return {
    kind: 'server_busy',
    impact: 0.1,
    confidence: 'likely',
    sentence: isCrowded
      ? `The busiest thread of the server had something to do all the time, and a processor for ${percent(ran)} of it: this host had no more to give.`
      : `The busiest thread of the server used ${percent(ran)} of a core: it could compute no more${isBoth ? ', and neither could that of the load generator' : ''}.`,
    evidence: [
      ...threadEvidence('the server', use.target, 'target'),
      ...seen('processor time of the server', use.targetCores, 'target', cores),
      ...threadEvidence('the load generator', use.generator, 'generator'),
      ...seen('processor time of the load generator', use.generatorCores, 'generator', cores),
      { what: 'processors', value: grouped(processors), scope: 'namespace' },
    ],
    advice: [
      ...(isCrowded
        ? [
            'Give it a processor of its own: stop what else runs on this host, raise the limit of its container, and load from another machine.',
          ]
        : []),
      'JavaScript runs in one thread: use more of them, by `node:cluster` or several processes behind a balancer.',
      'Find what a request costs: `node --cpu-prof server.js` during the same load.',
    ],
    ...(span === undefined ? {} : { seen: span }),
    explains: [],
  };
}
