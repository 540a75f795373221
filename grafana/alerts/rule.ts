import type { Json } from '../finalize.ts';
import { PROJECT, RUNBOOK } from '../project.ts';

/** One alert of Prometheus, as data. Annotations are templates over `$labels` and `$value`. */
export interface AlertRule {
  readonly alert: `Finwait${string}`;
  readonly expr: string;
  readonly for: string;
  readonly keepFiringFor: string;
  /** critical: somebody gets up at night; warning: somebody looks today. */
  readonly severity: 'critical' | 'warning';
  /** One line: who has what. */
  readonly summary: string;
  /** What is seen, what it leads to, where to look first. */
  readonly description: string;
}

/** The rules as the document that Prometheus loads; each gets the link to its heading in the runbook. */
export function ruleFile(rules: readonly AlertRule[]): Json {
  return { groups: [{ name: PROJECT, rules: rules.map(ruleOf) }] };
}

/** Where the runbook speaks of an alert. */
export function runbookUrl(alert: string): string {
  return `${RUNBOOK}#${alert.toLowerCase()}`;
}

function ruleOf(rule: AlertRule): Json {
  return {
    alert: rule.alert,
    expr: rule.expr,
    for: rule.for,
    keep_firing_for: rule.keepFiringFor,
    labels: { severity: rule.severity },
    annotations: { summary: rule.summary, description: rule.description, runbook_url: runbookUrl(rule.alert) },
  };
}
