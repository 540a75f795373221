import { CATALOGUE, type MetricName } from '../src/metrics/catalogue.ts';
import { select } from './promql.ts';
import { LAST_KNOWN_WITHIN } from './thresholds.ts';

/** The labels of a target that differ between processes which share a network namespace. */
export const PER_PROCESS: readonly string[] = ['instance', 'pod', 'container', 'endpoint'];

/**
 * What all processes of a network namespace see alike, once: without the labels of the process, with that of the
 * namespace. Matching is by all labels but ours, so that any others that a Prometheus gives its targets take part.
 *
 * @param metric whose series `expr` has
 * @example oncePerNamespace('max', 'netns_listen_overflows_total', 'increase(nodejs_tcp_netns_listen_overflows_total[5m])')
 */
export function oncePerNamespace(aggregation: 'max' | 'min', metric: MetricName, expr: string): string {
  const ours = CATALOGUE.info.labels.join(', ');
  // After a restart, the windows hold two of a target; which one is taken does not matter, that it is one does.
  const netns = `topk without (${ours}) (1, last_over_time(${select('info')}[${LAST_KNOWN_WITHIN}]))`;
  return [
    `${aggregation} without (${PER_PROCESS.join(', ')}) (`,
    `    ${expr}`,
    `  * ignoring (${[...CATALOGUE[metric].labels, ours].join(', ')}) group_left (netns)`,
    `    ${netns}`,
    ')',
  ].join('\n');
}

/** A template of an annotation: the instances of the namespace that an alert is about, each after a blank. */
export const ITS_INSTANCES: string =
  `{{ range printf "${select('info')}{netns=%q}" $labels.netns | query | sortByLabel "instance" }}` +
  ' {{ .Labels.instance }}{{ end }}';
