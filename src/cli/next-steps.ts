import { join, relative } from 'node:path';
import type { UsersNames } from './rewritten.ts';
import type { WritePlan } from './written-files.ts';

/** What was written, and what to do with it. */
export function nextSteps(
  folder: string,
  files: ReadonlyMap<string, string>,
  { written, unchanged, foreign, left }: WritePlan,
  { runbookUrl }: UsersNames,
): string {
  const count = (folderName: string): number => [...files.keys()].filter((path) => path.startsWith(folderName)).length;
  const shown = relative(process.cwd(), folder) || '.';
  const rules = join(folder, 'prometheus/finwait-*.yml');
  return [
    `${written.length + foreign.length} files written to ${shown}, ${unchanged.length} were there already:`,
    `${count('dashboards/')} dashboards, alerts and recording rules, provisioning, a runbook.`,
    ...(left.length === 0
      ? []
      : ['', 'No longer part of finwait, and left there:', ...left.map((path) => `  ${path}`)]),
    '',
    'Next:',
    `  Prometheus   promtool check rules ${rules}`,
    `               then in prometheus.yml:  rule_files: ['${rules}']`,
    `               ${join(shown, 'prometheus/prometheus.yml')} is a whole configuration`,
    `  Kubernetes   kubectl apply -f ${join(shown, 'kubernetes/prometheus-rule.yaml')}`,
    '               give it the labels that the ruleSelector of your Prometheus asks for',
    `  Grafana      Dashboards > New > Import, each file of ${join(shown, 'dashboards')}`,
    `               or copy ${join(shown, 'provisioning')} to /etc/grafana/provisioning`,
    `               and ${join(shown, 'dashboards')} to /var/lib/grafana/dashboards/finwait`,
    `  All at once  docker compose -f ${join(shown, 'compose.yaml')} up   (Linux: Grafana on http://127.0.0.1:3000)`,
    ...(runbookUrl === undefined
      ? ['', `Alerts link to runbook.md: put it where all can read it, and run this again with --runbook-url.`]
      : []),
    '',
  ].join('\n');
}
