import { grouped, percent } from '../wording.ts';
import { cores, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { spanOf, steadyLoad, tablePeak } from './load-window.ts';
import { CROWDED, FREE_THREAD, processorUse, threadEvidence } from './processor-use.ts';

/** One that keeps to a rate has most of its time left; one that does not still waits for answers now and then. */
const BUSY_GENERATOR = 0.85;
/** On a host that others use both wait, for each other too: then it is the one that wants much more than the other. */
const STARVED = 0.3;
const NEARLY_BUSY = 0.75;
/** A server that keeps connections waiting is not waiting for the generator. */
const MOST_QUEUED = 0.5;

/** A load generator that could make no more load, while the server had time left. */
export function checkGeneratorLimited(run: LoadRun): Finding | undefined {
  const use = processorUse(run);
  if (use === undefined || use.target === undefined || use.generator === undefined) return undefined;
  const isStarved =
    use.generator.waited >= STARVED &&
    use.generator.wanted >= NEARLY_BUSY &&
    use.generator.wanted - use.target.wanted >= STARVED;
  const isThreadBusy = use.generator.wanted >= BUSY_GENERATOR || isStarved;
  // Without a thread of its own to wait for, the server had less than it could use because the generator had the rest.
  const isCrowded = use.isHostFull && (use.generatorCores ?? 0) > (use.targetCores ?? 0);
  if (use.target.wanted > FREE_THREAD || (!isThreadBusy && !isCrowded)) return undefined;
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
      ? `The busiest thread of the load generator ${use.generator.waited >= CROWDED ? `had something to do all the time, and a processor for ${percent(use.generator.ran)} of it` : `used ${percent(use.generator.ran)} of a core`}, that of the server used ${percent(use.target.ran)}: the generator could make no more load.`
      : `The load generator and the server used all ${grouped(processors)} processors of this host, the generator ${cores(use.generatorCores ?? 0)} of them: it takes from the server what it measures.`,
    evidence: [
      ...threadEvidence('the load generator', use.generator, 'generator'),
      ...seen('processor time of the load generator', use.generatorCores, 'generator', cores),
      ...threadEvidence('the server', use.target, 'target'),
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
