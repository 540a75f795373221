import { percent } from '../wording.ts';
import { seen } from './evidence.ts';
import type { Evidence } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { LoadSample, ProcessSample } from './load-sample.ts';
import { finite, hasConnections, mean, median, steadyLoad } from './load-window.ts';

/** Always something to do, less what is lost between the looks. */
export const BUSY_THREAD = 0.9;
/** And one that has nothing to do now and then. */
export const FREE_THREAD = 0.8;
/** From here on it is the host that is short of processors. */
export const CROWDED = 0.15;
/** What to do about a crowded host. */
export const GIVE_PROCESSOR =
  'Give the server a processor of its own: stop what else runs on this host, raise the limit of its container, and load from another machine.';
/** What any thread waits on a host that is used. */
const LITTLE = 0.05;
/** Of all processors. */
const ALL_USED = 0.92;
/** Fewer looks at a load that is on say nothing. */
const LEAST_LOOKS = 4;

/** Of the busiest thread, as shares of the time: what half of the looks found more than, so that the begin of a load does not count. */
export interface ThreadUse {
  readonly ran: number;
  /** Ready to run, while others had all processors. */
  readonly waited: number;
  /** Both together: at 1 it always had something to do. */
  readonly wanted: number;
}

/** How much of the processors the two ends used while connections were open. */
export interface ProcessorUse {
  /** Undefined where it is not known. */
  readonly target: ThreadUse | undefined;
  readonly generator: ThreadUse | undefined;
  /** Of all their threads, in cores: the mean. */
  readonly targetCores: number | undefined;
  readonly generatorCores: number | undefined;
  /** Whether the two of them used up all processors of the host. */
  readonly isHostFull: boolean;
  readonly looks: readonly LoadSample[];
}

/** Undefined for a load too short to say. */
export function processorUse(run: LoadRun): ProcessorUse | undefined {
  const { seen } = steadyLoad(run);
  const looks = seen.filter((sample) => sample.table === undefined || hasConnections(sample));
  if (looks.length < LEAST_LOOKS) return undefined;
  const targetCores = mean(looks, ({ target }) => target?.cpuCores);
  const generatorCores = mean(looks, ({ generator }) => generator?.cpuCores);
  const processors = finite(run.settings.processors);
  return {
    target: threadUse(looks, ({ target }) => target),
    generator: threadUse(looks, ({ generator }) => generator),
    targetCores,
    generatorCores,
    isHostFull:
      processors !== undefined &&
      processors > 0 &&
      targetCores !== undefined &&
      generatorCores !== undefined &&
      targetCores + generatorCores >= processors * ALL_USED,
    looks,
  };
}

function threadUse(
  looks: readonly LoadSample[],
  of: (sample: LoadSample) => ProcessSample | undefined,
): ThreadUse | undefined {
  const ran = median(looks, (sample) => of(sample)?.busiestThread);
  const wanted = median(looks, (sample) => wantedShare(of(sample)));
  if (ran === undefined || wanted === undefined) return undefined;
  return { ran, waited: median(looks, (sample) => of(sample)?.waitedForProcessor) ?? 0, wanted };
}

/**
 * How much of the time the busiest thread had something to do, whether it had a processor for it or not; undefined where
 * it is not known.
 */
export function wantedShare(process: ProcessSample | undefined): number | undefined {
  const ran = finite(process?.busiestThread);
  return ran === undefined ? undefined : Math.min(1, ran + (finite(process?.waitedForProcessor) ?? 0));
}

/** How much a thread ran, and how much it waited for a processor if that is worth a word. */
export function threadEvidence(
  whose: string,
  use: ThreadUse | undefined,
  scope: Evidence['scope'],
): readonly Evidence[] {
  return [
    ...seen(`busiest thread of ${whose}`, use?.ran, scope, percent),
    ...(use === undefined || use.waited < LITTLE
      ? []
      : seen(`waited for a processor, of the time of that thread`, use.waited, scope, percent)),
  ];
}
