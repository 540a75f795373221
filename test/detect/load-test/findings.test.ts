import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Finding, LIMIT_KINDS, LIMITS, type LimitKind } from '../../../src/detect/load-test/finding.ts';
import { findingsOf, inOrder } from '../../../src/detect/load-test/findings.ts';
import { anyLoadRun, anyStillRun } from '../../support/any-load-run.ts';
import { loadRunOf } from '../../support/load-runs.ts';

const finding = (kind: LimitKind, impact: number, explains: readonly LimitKind[] = []): Finding => ({
  kind,
  impact,
  confidence: 'likely',
  sentence: '',
  evidence: [],
  advice: [],
  explains,
});

describe('findings are in order', () => {
  test('the greatest impact first, then that of the kinds', () => {
    const findings = [finding('server_busy', 0.1), finding('resets', 0.5), finding('packets_lost', 0.5)];
    expect(inOrder(findings).map(({ kind }) => kind)).toEqual(['packets_lost', 'resets', 'server_busy']);
  });

  test('a cause stands before what it brings about, and counts as much', () => {
    const findings = [
      finding('accept_queue_full', 0.9),
      finding('resets', 0.5),
      finding('loop_blocked', 0.3, ['accept_queue_full']),
    ];
    expect(inOrder(findings).map(({ kind }) => kind)).toEqual(['loop_blocked', 'accept_queue_full', 'resets']);
  });

  test('two that explain each other both come', () => {
    const findings = [finding('resets', 0.5, ['leak']), finding('leak', 0.5, ['resets'])];
    expect(inOrder(findings)).toHaveLength(2);
  });

  test('all come, each after its causes, whatever they explain but one another', () => {
    const any = fc.uniqueArray(
      fc.record({
        kind: fc.constantFrom(...LIMIT_KINDS),
        impact: fc.double({ min: 0, max: 1, noNaN: true }),
        explains: fc.array(fc.constantFrom(...LIMIT_KINDS)),
      }),
      { selector: ({ kind }) => kind },
    );
    fc.assert(
      fc.property(any, (given) => {
        // A cause stands earlier in the list of kinds: then there is no circle.
        const findings = given.map(({ kind, impact, explains }) =>
          finding(
            kind,
            impact,
            explains.filter((other) => LIMIT_KINDS.indexOf(other) > LIMIT_KINDS.indexOf(kind)),
          ),
        );
        const ordered = inOrder(findings);
        expect(new Set(ordered)).toEqual(new Set(findings));
        expect(ordered).toHaveLength(findings.length);
        for (const [place, { explains }] of ordered.entries()) {
          for (const earlier of ordered.slice(0, place)) expect(explains).not.toContain(earlier.kind);
        }
        expect(inOrder([...findings].reverse()).map(({ kind }) => kind)).toEqual(ordered.map(({ kind }) => kind));
      }),
    );
  });
});

describe('any run', () => {
  test('is answered, by sentences without a hole', () => {
    fc.assert(
      fc.property(anyLoadRun, (run) => {
        const findings = findingsOf(run);
        expect(new Set(findings.map(({ kind }) => kind)).size).toBe(findings.length);
        for (const { kind, impact, sentence, evidence, advice, seen } of findings) {
          expect(LIMITS[kind].title.length).toBeGreaterThan(0);
          expect(impact).toBeGreaterThan(0);
          expect(impact).toBeLessThanOrEqual(1);
          const text = [sentence, ...advice, ...evidence.flatMap(({ what, value }) => [what, value])].join(' ');
          expect(text).not.toMatch(/undefined|NaN|Infinity| {2}|\[object/);
          expect((text.match(/`/g) ?? []).length % 2).toBe(0);
          expect(sentence).toMatch(/^[A-Z0-9].*\.$/);
          expect(evidence.length).toBeGreaterThan(0);
          expect(advice.length).toBeGreaterThan(0);
          for (const line of advice) expect(line).toMatch(/^([A-Z`]|net\.ipv4\.).*[.]$/);
          if (seen !== undefined) expect(seen.toMs).toBeGreaterThanOrEqual(seen.fromMs);
        }
        expect(findingsOf(structuredClone(run))).toEqual(findings);
      }),
      { numRuns: 500 },
    );
  });

  test('in which nothing moves is nothing found', () => {
    fc.assert(
      fc.property(anyStillRun, (run) => {
        expect(findingsOf(run).filter(({ kind }) => !OF_A_MOMENT.includes(kind))).toEqual([]);
      }),
    );
  });

  test('with numbers that are none is answered', () => {
    const run = loadRunOf({
      look: () => ({
        counters: { resetsSent: Number.NaN, passiveOpens: Number.POSITIVE_INFINITY },
        acceptQueue: { waitedMs: Number.NaN, limit: Number.NaN },
        target: { busiestThread: Number.NaN, openFds: Number.NaN, fdLimit: Number.NaN },
        ports: [{ whose: 'callers', destination: 'x', used: Number.NaN, timeWait: Number.NaN, limit: Number.NaN }],
      }),
    });
    expect(findingsOf(run)).toEqual([]);
  });
});

/** What one look can show without anything that moves: a thread that computes, a queue, ports, windows. */
const OF_A_MOMENT: readonly LimitKind[] = [
  'descriptors_exhausted',
  'loop_blocked',
  'accept_queue_full',
  'ports_exhausted',
  'ports_running_out',
  'reader_stalled',
  'generator_limited',
  'server_busy',
];
