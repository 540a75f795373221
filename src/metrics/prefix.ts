/** What every metric's name may begin with, for an error message. */
export const PREFIX_RULE: string = "letters, digits, '_' and ':', not beginning with a digit";

/** Whether names of metrics may begin with this: Prometheus' own rule. */
export function isMetricPrefix(prefix: unknown): prefix is string {
  return typeof prefix === 'string' && /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(prefix);
}
