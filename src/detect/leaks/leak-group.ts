import { headline } from './headline.ts';
import type { LeakedSocket, LeakFacts, LeakGroup } from './leak.ts';
import { LEAK_RULES } from './rules.ts';

/** A group with its words. */
export function groupOf(id: string, facts: LeakFacts, samples: readonly LeakedSocket[]): LeakGroup {
  const rule = LEAK_RULES[facts.cause];
  return { id, ...facts, headline: headline(facts), explanation: rule.explain(facts), fix: rule.fix(facts), samples };
}
