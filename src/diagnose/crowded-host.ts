import type { LoadRun } from '../detect/load-test/load-run.ts';
import type { LoadSample, ProcessSample } from '../detect/load-test/load-sample.ts';
import { percent } from '../detect/wording.ts';

/** From here on what is measured is the host. */
const CROWDED = 0.3;

/** What to tell of a host whose processors were not enough for what wanted them during the load; undefined else. */
export function crowdedHost({ samples, phases }: Pick<LoadRun, 'samples' | 'phases'>): string | undefined {
  const { fromMs, toMs } = phases.load;
  const during = samples.filter(({ atMs }) => atMs > fromMs && atMs <= toMs);
  const target = meanWait(during, ({ target }) => target);
  const generator = meanWait(during, ({ generator }) => generator);
  if (Math.max(target ?? 0, generator ?? 0) < CROWDED) return undefined;
  const ends = [
    ...(target === undefined ? [] : [`the server for ${percent(target)} of the time`]),
    ...(generator === undefined ? [] : [`the load generator for ${percent(generator)}`]),
  ];
  return `The host was crowded: a thread was ready and had no processor, ${ends.join(', ')}. What was measured is the host as much as the server.`;
}

function meanWait(
  samples: readonly LoadSample[],
  of: (sample: LoadSample) => ProcessSample | undefined,
): number | undefined {
  const waits = samples.map((sample) => of(sample)?.waitedForProcessor).filter((wait) => wait !== undefined);
  return waits.length === 0 ? undefined : waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
}
