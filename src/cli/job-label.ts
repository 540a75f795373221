import { METRICS } from '../metrics/catalogue.ts';

/** What the label of a service may be called, for an error message. */
export const JOB_LABEL_RULE: string =
  "A label is letters, digits and '_', not beginning with a digit, and none that finwait's metrics or alerts have.";

const TAKEN: ReadonlySet<string> = new Set([
  ...METRICS.flatMap(({ labels }) => labels),
  'le',
  'instance',
  'alertname',
  'alertstate',
  'severity',
]);

/** Whether a Prometheus can have this as the label of a service, beside those of our metrics. */
export function isJobLabel(label: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) && !label.startsWith('__') && !TAKEN.has(label);
}
