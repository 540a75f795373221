import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Finding, LIMIT_KINDS, type LimitKind } from '../../../src/detect/load-test/finding.ts';
import { allNodes, type FindingNode, findingTree } from '../../../src/diagnose/report/finding-tree.ts';

function finding(kind: LimitKind, explains: readonly LimitKind[] = []): Finding {
  return { kind, impact: 0.5, confidence: 'likely', sentence: kind, evidence: [], advice: [], explains };
}

const shapeOf = (nodes: readonly FindingNode[]): unknown =>
  nodes.map(({ number, finding: { kind }, consequences }) => [number, kind, shapeOf(consequences)]);

it('a finding stands below the one that explains it, and is numbered as it is told', () => {
  const tree = findingTree([
    finding('loop_blocked', ['accept_queue_full']),
    finding('packets_lost'),
    finding('accept_queue_full', ['syn_dropped']),
    finding('syn_dropped'),
  ]);
  expect(shapeOf(tree)).toEqual([
    [1, 'loop_blocked', [[2, 'accept_queue_full', [[3, 'syn_dropped', []]]]]],
    [4, 'packets_lost', []],
  ]);
});

it('one that stands before its cause stands on its own', () => {
  expect(shapeOf(findingTree([finding('resets'), finding('leak', ['resets'])]))).toEqual([
    [1, 'resets', []],
    [2, 'leak', []],
  ]);
});

it('every finding is told once, whatever explains what', () => {
  const kind = fc.constantFrom(...LIMIT_KINDS);
  const findings = fc.array(fc.tuple(kind, fc.array(kind, { maxLength: 4 })), { maxLength: 12 });
  fc.assert(
    fc.property(findings, (drawn) => {
      const all = drawn.map(([one, explains]) => finding(one, explains));
      const nodes = allNodes(findingTree(all));
      expect(nodes.map(({ number }) => number)).toEqual(all.map((_, index) => index + 1));
      expect(new Set(nodes.map((node) => node.finding))).toEqual(new Set(all));
    }),
  );
});
