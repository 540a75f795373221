import type { Json } from './finalize.ts';
import { PROJECT } from './project.ts';

/** Groups of rules by the end of their name, as the document that Prometheus loads. */
export function ruleFile(groups: { readonly [name: string]: readonly Json[] }): { readonly groups: Json } {
  return { groups: Object.entries(groups).map(([name, rules]) => ({ name: `${PROJECT}-${name}`, rules })) };
}

/** The same as an object of the Prometheus operator. */
export function prometheusRule(groups: { readonly [name: string]: readonly Json[] }): Json {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: PROJECT, labels: { 'app.kubernetes.io/name': PROJECT } },
    spec: { ...ruleFile(groups) },
  };
}
