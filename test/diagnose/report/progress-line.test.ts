import { describe, expect, it } from 'vitest';
import { progressLine } from '../../../src/diagnose/report/progress-line.ts';
import { LEAST } from '../../support/complete-diagnosis.ts';
import { acceptQueueOverflow, closeWaitLeak, portsExhausted } from '../../support/sample-diagnoses.ts';

/** The line of the look that stands so many seconds into the recording. */
function lineAt(sample: typeof closeWaitLeak, seconds: number, width?: number): string {
  const { samples } = sample().run;
  const index = samples.findIndex(({ atMs }) => atMs >= seconds * 1_000);
  const [previous, now] = [samples[index - 1], samples[index]];
  if (now === undefined) throw new Error('no such moment');
  return progressLine(now, previous, 'load', width);
}

describe('the line of progress', () => {
  it('says what is open and what goes wrong', () => {
    expect(lineAt(acceptQueueOverflow, 5)).toMatch(
      /^load 5 s \| \d+ open, \+\d+\/s \| queue 9 of 8 \| \+\d+ overflows \| /,
    );
  });

  it('says what is left', () => {
    expect(lineAt(closeWaitLeak, 10)).toMatch(/ \| 36\d CLOSE_WAIT \| /);
  });

  it('says when ports run out', () => {
    expect(lineAt(portsExhausted, 8)).toMatch(/\| ports 2,000 of 2,000$/);
  });

  it.each([40, 60, 79])('is no longer than %i characters', (width) => {
    for (const seconds of [0.5, 2, 5, 9, 11]) {
      const line = lineAt(acceptQueueOverflow, seconds, width);
      expect(line.length).toBeLessThanOrEqual(width);
      expect(line).toMatch(/^load [\d.]+ s \| .*[^ |]$/);
    }
  });

  it('needs neither a table nor a look before', () => {
    const [sample] = LEAST.run.samples;
    expect(sample && progressLine(sample, undefined, 'before')).toBe('before 0 s | no table');
  });
});
