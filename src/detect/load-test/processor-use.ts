import type { LoadRun } from './load-run.ts';
import type { LoadSample } from './load-sample.ts';
import { finite, hasConnections, mean, steadyLoad } from './load-window.ts';

/** A thread that computes all the time shows a little less: its time is counted in hundredths of a second. */
export const BUSY_THREAD = 0.92;
/** And one that waits now and then. */
export const FREE_THREAD = 0.8;
/** Of all processors. */
const ALL_USED = 0.92;
/** Fewer looks at a load that is on say nothing. */
const LEAST_LOOKS = 4;

/** How much of the processors the two ends used while connections were open: the mean over the load. */
export interface ProcessorUse {
  /** Of the busiest thread, 0 to 1; undefined where it is not known. */
  readonly target: number | undefined;
  readonly generator: number | undefined;
  /** Of all their threads, in cores. */
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
    target: mean(looks, ({ target }) => target?.busiestThread),
    generator: mean(looks, ({ generator }) => generator?.busiestThread),
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
