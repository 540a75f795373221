import { expect, it } from 'vitest';
import { duringPhase, rateOf } from '../../../src/diagnose/report/track.ts';
import { healthy } from '../../support/sample-diagnoses.ts';

const samples = [
  [0, 100],
  [500, 150],
  [1_000, undefined],
  [2_000, 300],
  [2_500, 10],
  [3_000, 20],
].map(([atMs, activeOpens]) => ({
  atMs: atMs as number,
  tookMs: 1,
  counters: activeOpens === undefined ? {} : { activeOpens },
}));

it('a rate is what was counted since the look before that had it; none where it was counted anew', () => {
  const rates = rateOf(samples, ({ counters }) => counters.activeOpens);
  expect(rates).toEqual([undefined, 100, undefined, 100, undefined, 20]);
});

it('each look is in one phase', () => {
  const { run } = healthy();
  const track = run.samples.map(({ atMs }) => atMs);
  const phases = (['before', 'load', 'after'] as const).flatMap((phase) => duringPhase(track, run, phase));
  expect(phases).toEqual(track);
});
