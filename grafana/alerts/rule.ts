import type { Json } from '../finalize.ts';
import { RUNBOOK } from '../project.ts';

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

/** Where the runbook speaks of an alert. */
export function runbookUrl(alert: string): string {
  return `${RUNBOOK}#${alert.toLowerCase()}`;
}

/** The rule as Prometheus loads it, with the link to its heading in the runbook. */
export function ruleOf(rule: AlertRule): Json {
  return {
    alert: rule.alert,
    expr: rule.expr,
    for: rule.for,
    keep_firing_for: rule.keepFiringFor,
    labels: { severity: rule.severity },
    annotations: { summary: rule.summary, description: rule.description, runbook_url: runbookUrl(rule.alert) },
  };
}
