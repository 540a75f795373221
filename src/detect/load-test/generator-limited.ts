import { grouped, percent } from '../wording.ts';
import { cores, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { spanOf, steadyLoad, tablePeak } from './load-window.ts';
import { BUSY_THREAD, FREE_THREAD, processorUse } from './processor-use.ts';

/** A server that keeps connections waiting is not waiting for the generator. */
const MOST_QUEUED = 0.5;

/** A load generator that could make no more load, while the server had time left. */
export function checkGeneratorLimited(run: LoadRun): Finding | undefined {
  const use = processorUse(run);
  if (use === undefined || use.target === undefined || use.generator === undefined) return undefined;
  const isThreadBusy = use.generator >= BUSY_THREAD;
  // Without a thread of its own to wait for, the server had less than it could use because the generator had the rest.
  const isCrowded = use.isHostFull && (use.generatorCores ?? 0) > (use.targetCores ?? 0);
  if (use.target > FREE_THREAD || (!isThreadBusy && !isCrowded)) return undefined;
  const queued = tablePeak(steadyLoad(run).seen, ({ acceptQueue }) =>
    acceptQueue?.limit === undefined ? undefined : acceptQueue.connections / Math.max(1, acceptQueue.limit),
  );
  if ((queued ?? 0) > MOST_QUEUED) return undefined;
  const span = spanOf(use.looks);
  const { processors } = run.settings;
  return {
    kind: 'generator_limited',
    impact: 0.15,
    confidence: isThreadBusy ? 'likely' : 'possible',
    sentence: isThreadBusy
      ? `The busiest thread of the load generator used ${percent(use.generator)} of a core, that of the server ${percent(use.target)}: the generator could make no more load.`
      : `The load generator and the server used all ${grouped(processors)} processors of this host, the generator ${cores(use.generatorCores ?? 0)} of them: it takes from the server what it measures.`,
    evidence: [
      ...seen('busiest thread of the load generator', use.generator, 'generator', percent),
      ...seen('processor time of the load generator', use.generatorCores, 'generator', cores),
      ...seen('busiest thread of the server', use.target, 'target', percent),
      ...seen('processor time of the server', use.targetCores, 'target', cores),
      { what: 'processors', value: grouped(processors), scope: 'namespace' },
    ],
    advice: [
      'Load with more threads or processes: `autocannon --workers 4`, `wrk -t 4`, or several generators at once.',
      'Or from another machine, so that the two do not share processors.',
      'A cheaper generator makes more load from the same processor: wrk or oha, where autocannon is at its end.',
    ],
    ...(span === undefined ? {} : { seen: span }),
    explains: [],
  };
}
