import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import type { LoadRun } from '../../../src/detect/load-test/load-run.ts';
import type { Diagnosis } from '../../../src/diagnose/diagnosis.ts';
import { htmlReport } from '../../../src/diagnose/report/html-report.ts';
import { progressLine } from '../../../src/diagnose/report/progress-line.ts';
import { textReport } from '../../../src/diagnose/report/text-report.ts';
import { anyLoadRun } from '../../support/any-load-run.ts';
import { LEAST } from '../../support/complete-diagnosis.ts';

const NO_NUMBER = /.{0,40}(?:NaN|Infinity|undefined|\[object).{0,20}/;

function diagnosisOf(run: LoadRun): Diagnosis {
  return { ...LEAST, findings: findingsOf(run), run };
}

it('whatever was recorded, there is a text of it', () => {
  fc.assert(
    fc.property(anyLoadRun, (run) => {
      const text = textReport(diagnosisOf(run));
      expect(NO_NUMBER.exec(text)?.[0]).toBe(undefined);
      expect(text).toMatch(/^(?:Limit|Nothing found): /);
    }),
  );
});

it('and a page', () => {
  fc.assert(
    fc.property(anyLoadRun, (run) => {
      const page = htmlReport(diagnosisOf(run)).replace(/<script>[\s\S]*?<\/script>/, '');
      expect(NO_NUMBER.exec(page)?.[0]).toBe(undefined);
      // Nothing is drawn outside of its place.
      const shares = [...page.matchAll(/(?:left|width|bottom):(-?[\d.]+)%/g)].map(([, share]) => Number(share));
      expect(Math.min(0, ...shares)).toBe(0);
      expect(Math.max(0, ...shares)).toBeLessThanOrEqual(100);
    }),
  );
});

it('and a line of progress', () => {
  fc.assert(
    fc.property(anyLoadRun, ({ samples }) => {
      samples.forEach((sample, index) => {
        const line = progressLine(sample, samples[index - 1], 'load');
        expect(line).toMatch(/^load .{1,74}$/);
        expect(NO_NUMBER.exec(line)?.[0]).toBe(undefined);
      });
    }),
  );
});
