/** About 25 minutes at four a second; a report of more draws no more. */
const MOST_SAMPLES = 6_000;

/**
 * Keeps a recording in bounds, however long it lasts: when it is full every second sample is dropped, the first and the
 * newest apart, so that the older half is coarser and its counters still say all they said.
 */
export function thinned<Sample>(samples: Sample[], most: number = MOST_SAMPLES): Sample[] {
  if (samples.length <= most) return samples;
  const half = samples.length >> 1;
  return samples.filter((_, index) => index >= half || index % 2 === 0);
}
