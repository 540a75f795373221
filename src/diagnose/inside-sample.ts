import type { InsideSample } from '../detect/load-test/load-sample.ts';
import type { LabelName, MetricName } from '../metrics/catalogue.ts';
import { countsByState, type StateCounts, stateLabel } from '../tcp/state.ts';
import { type ExposedSample, parseExposition } from './parse-exposition.ts';

/**
 * What finwait inside a process says in its /metrics, whatever its prefix; undefined where the text is not finwait's.
 * Sums over all names: which of them the load concerns is not for its labels to tell.
 */
export function insideSample(text: string): InsideSample | undefined {
  const samples = parseExposition(text);
  const prefix = prefixOf(samples);
  if (prefix === undefined) return undefined;
  const byName = new Map<string, ExposedSample[]>();
  for (const sample of samples) {
    const same = byName.get(sample.name);
    if (same === undefined) byName.set(sample.name, [sample]);
    else same.push(sample);
  }
  const all = (metric: MetricName, labels: Labels = {}): readonly ExposedSample[] =>
    (byName.get(prefix + metric) ?? []).filter((sample) =>
      Object.entries(labels).every(([name, value]) => sample.labels.get(name) === value),
    );
  const sum = (metric: MetricName, labels?: Labels): number =>
    all(metric, labels).reduce((total, { value }) => total + (Number.isFinite(value) ? value : 0), 0);
  const statesOf = (side: string): StateCounts =>
    countsByState((state) => sum('node_sockets', { side, state: stateLabel(state) }));
  const by = (metric: MetricName, label: LabelName): { readonly [value: string]: number } => {
    const sums: { [value: string]: number } = {};
    for (const { labels, value } of all(metric)) {
      const key = labels.get(label) ?? '';
      sums[key] = (sums[key] ?? 0) + value;
    }
    return sums;
  };
  const timeouts = all('keep_alive_timeout_seconds', { side: 'server' }).map(({ value }) => value);
  return {
    serverStates: statesOf('server'),
    clientStates: statesOf('client'),
    opened: {
      server: sum('connections_opened_total', { side: 'server' }),
      client: sum('connections_opened_total', { side: 'client' }),
    },
    closedFirst: {
      local: sum('connections_closed_total', { side: 'server', initiator: 'local' }),
      remote: sum('connections_closed_total', { side: 'server', initiator: 'remote' }),
      unknown: sum('connections_closed_total', { side: 'server', initiator: 'unknown' }),
    },
    requests: sum('requests_total', { side: 'server' }),
    resetsReceived: sum('resets_total', { side: 'server', direction: 'received' }),
    resetsSent: sum('resets_total', { side: 'server', direction: 'sent' }),
    closedWithActiveRequest: sum('closed_with_active_request_total', { side: 'server' }),
    idleCloses: {
      keep_alive_timeout: sum('idle_closes_total', { side: 'server', cause: 'keep_alive_timeout' }),
      local: sum('idle_closes_total', { side: 'server', cause: 'local' }),
      remote: sum('idle_closes_total', { side: 'server', cause: 'remote' }),
    },
    ...(timeouts.length === 0 ? {} : { keepAliveTimeoutSeconds: Math.min(...timeouts) }),
    reusedConnectionErrors: sum('reused_connection_errors_total'),
    connectFailures: by('connect_failures_total', 'reason'),
    closeWait: by('close_wait_sockets', 'cause'),
    leaked: sum('leaked_sockets'),
  };
}

type Labels = { readonly [label in LabelName]?: string };

/** The prefix is what stands before `info`, told from others' by its labels. */
function prefixOf(samples: readonly ExposedSample[]): string | undefined {
  const info = samples.find(
    ({ name, labels }) =>
      name.endsWith(INFO) && labels.has('netns') && labels.has('node_version') && labels.has('version'),
  );
  return info?.name.slice(0, -INFO.length);
}

const INFO: MetricName = 'info';
