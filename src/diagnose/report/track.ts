import type { LoadRun, Phase, Span } from '../../detect/load-test/load-run.ts';
import type { LoadSample } from '../../detect/load-test/load-sample.ts';

/** One number for each sample of a run, in their order; undefined where it was not looked at. */
export type Track = readonly (number | undefined)[];

/** Reads one number off a sample. */
export type Reading = (sample: LoadSample) => number | undefined;

/** What a number is at each look. */
export function levelOf(samples: readonly LoadSample[], reading: Reading): Track {
  return samples.map(reading);
}

/**
 * By how much a number that only grows has grown each second, since the look before that had it. Undefined in the first,
 * and where it fell: then it was counted anew.
 */
export function rateOf(samples: readonly LoadSample[], reading: Reading): Track {
  let before: { readonly atMs: number; readonly count: number } | undefined;
  return samples.map((sample) => {
    const count = reading(sample);
    if (count === undefined) return undefined;
    const since = before;
    before = { atMs: sample.atMs, count };
    if (since === undefined || count < since.count || sample.atMs <= since.atMs) return undefined;
    return ((count - since.count) * 1_000) / (sample.atMs - since.atMs);
  });
}

/** The largest number of a track; undefined where there is none. */
export function peakOf(track: Track): number | undefined {
  return track.reduce<number | undefined>(
    (peak, value) => (value === undefined || (peak !== undefined && peak >= value) ? peak : value),
    undefined,
  );
}

/** The newest number of a track. */
export function lastOf(track: Track): number | undefined {
  return track.findLast((value) => value !== undefined);
}

/** The mean over all looks that have a number. */
export function meanOf(track: Track): number | undefined {
  const values = track.filter((value) => value !== undefined);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** What a track is during a phase: the numbers of the looks that began in it. */
export function duringPhase(track: Track, { phases, samples }: LoadRun, phase: Phase): Track {
  const { fromMs, toMs } = phases[phase];
  return track.filter((_, index) => {
    const atMs = samples[index]?.atMs ?? Number.NaN;
    // The last look stands at the very end of the last phase.
    return atMs >= fromMs && (phase === 'after' ? atMs <= Math.max(toMs, samples.at(-1)?.atMs ?? 0) : atMs < toMs);
  });
}

/** What a level is at the end: its newest number since the load ended, and none of a program that has gone by then. */
export function endOf(track: Track, run: LoadRun): number | undefined {
  const after = duringPhase(track, run, 'after');
  return lastOf(after.length === 0 ? track : after);
}

/** From the first to the last moment of a recording. */
export function spanOf({ phases, samples }: LoadRun): Span {
  const ends = [phases.before.toMs, phases.load.toMs, phases.after.toMs, samples.at(-1)?.atMs ?? 0];
  return { fromMs: Math.min(0, samples[0]?.atMs ?? 0), toMs: Math.max(1, ...ends) };
}
