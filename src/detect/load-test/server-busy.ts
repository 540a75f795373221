import { grouped, percent } from '../wording.ts';
import { cores, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { spanOf } from './load-window.ts';
import { BUSY_THREAD, CROWDED, processorUse, threadEvidence } from './processor-use.ts';

/** One that has less to do than this is not what limits a load. */
const SOME = 0.2;
/** Of the time, ready to run and without a processor: the answers come later by so much, whoever uses the host. */
const STARVED = 0.3;
/** And idle for the rest, as a server is that waits for its clients to be answered. */
const MOSTLY = 0.6;

/** A server whose JavaScript ran all the time: the answer that an honest load test ends with. */
export function checkServerBusy(run: LoadRun): Finding | undefined {
  const use = processorUse(run);
  if (use?.target === undefined) return undefined;
  const isBusy = use.target.wanted >= BUSY_THREAD;
  const isStarved = use.target.ran >= SOME && use.target.waited >= STARVED && use.target.wanted >= MOSTLY;
  if (!isBusy && !isStarved) return undefined;
  const span = spanOf(use.looks);
  const { processors } = run.settings;
  const { ran, waited } = use.target;
  const isCrowded = waited >= CROWDED;
  const isBoth = use.generator !== undefined && use.generator.wanted >= BUSY_THREAD;
  return {
    kind: 'server_busy',
    impact: 0.1,
    confidence: isBusy ? 'likely' : 'possible',
    sentence: !isBusy
      ? `The busiest thread of the server was ready to run for ${percent(waited)} of the time and had no processor: this host had no more to give.`
      : isCrowded
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
