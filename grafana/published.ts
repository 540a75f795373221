import { readFileSync } from 'node:fs';
import { generate } from './generate.ts';

/** Where the files of `grafana/out` go in the package; every other one of them is a dashboard. */
const PLACES: { readonly [file: string]: string } = {
  'alerts.yml': 'prometheus/finwait-alerts.yml',
  'recording.yml': 'prometheus/finwait-recording.yml',
  'prometheus-rule.yaml': 'kubernetes/prometheus-rule.yaml',
  'tcp-fleet-recorded.json': 'dashboards-recorded/tcp-fleet.json',
};

/** What is written by hand, by its path in the package. */
const WRITTEN: { readonly [path: string]: string } = {
  'runbook.md': 'runbook.md',
  'compose.yaml': 'provisioning/compose.yaml',
  'prometheus/prometheus.yml': 'provisioning/prometheus.yml',
  'provisioning/dashboards/finwait.yaml': 'provisioning/dashboards/finwait.yaml',
  'provisioning/datasources/prometheus.yaml': 'provisioning/datasources/prometheus.yaml',
};

/** Everything that the package carries for Grafana and Prometheus, by its path there: `npx finwait dashboards` copies it. */
export function published(): ReadonlyMap<string, string> {
  return new Map([
    ...[...generate()].map(([file, text]) => [PLACES[file] ?? `dashboards/${file}`, text] as const),
    ...Object.entries(WRITTEN).map(
      ([path, file]) => [path, readFileSync(new URL(file, import.meta.url), 'utf8')] as const,
    ),
  ]);
}
