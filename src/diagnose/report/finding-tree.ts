import type { Finding } from '../../detect/load-test/finding.ts';

/** A finding with those that it brings about. */
export interface FindingNode {
  /** From 1, in the order they are told. */
  readonly number: number;
  readonly finding: Finding;
  readonly consequences: readonly FindingNode[];
}

/**
 * Findings in the order they are told: each behind the one that brings it about, if that one comes before it in the list,
 * else on its own. Every finding is there once.
 */
export function findingTree(findings: readonly Finding[]): FindingNode[] {
  const children = new Map<number, number[]>();
  findings.forEach((finding, index) => {
    const cause = findings.findIndex((other, at) => at < index && other.explains.includes(finding.kind));
    children.set(cause, [...(children.get(cause) ?? []), index]);
  });
  let number = 0;
  const nodesUnder = (cause: number): FindingNode[] =>
    (children.get(cause) ?? []).map((index) => {
      number++;
      return { number, finding: findings[index] as Finding, consequences: nodesUnder(index) };
    });
  return nodesUnder(NOBODY);
}

/** All nodes of a tree, as they are numbered. */
export function allNodes(tree: readonly FindingNode[]): FindingNode[] {
  return tree.flatMap((node) => [node, ...allNodes(node.consequences)]);
}

const NOBODY = -1;
