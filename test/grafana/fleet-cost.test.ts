import { expect, test } from 'vitest';
import { UIDS } from '../../grafana/links.ts';
import { LEAK_STATES } from '../../src/detect/leaks/leak.ts';
import {
  CATALOGUE,
  DEFAULT_PREFIX,
  LABEL_VALUES,
  type LabelName,
  type MetricName,
} from '../../src/metrics/catalogue.ts';
import { CONNECT_FAILURES } from '../../src/sockets/connect-failure.ts';
import { type DashboardJson, dashboards, dataPanels } from './queries.ts';

const PROCESSES = 10_000;
const MOST_SERIES = 100_000;

/** One server and three upstreams, as the budget of series has it; and `_untracked`, where there is such a row. */
const NAMES = { server: 1, client: 3, unknown: 1 } as const;

const fleet = dashboards.find(({ uid }) => uid === UIDS.fleet) as DashboardJson;
const ASKED = [
  ...dataPanels(fleet).flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [`${title}`, expr] as const)),
  ...fleet.annotations.list.map(({ name, expr }) => [name, expr] as const),
];

/** What a large fleet has to ask of recorded series, with the reason why raw ones are too many. */
const TO_BE_RECORDED: { readonly [panel: string]: string } = {
  'Failed connects, worst service':
    'one series for each upstream and reason: 30 of a process, so raw up to 3,000 processes',
  'Which upstream cannot be connected to': 'the same',
};

test.each(ASKED)('what a fleet of 10,000 processes is asked for "%s" is in few series', (asked, expr) => {
  const series = seriesOfProcess(expr);
  if (asked in TO_BE_RECORDED) expect(series * 3_000).toBeLessThan(MOST_SERIES);
  else expect(series * PROCESSES, expr).toBeLessThan(MOST_SERIES);
});

test('what is to be recorded is asked, and is too much', () => {
  for (const panel of Object.keys(TO_BE_RECORDED)) {
    const most = Math.max(...ASKED.filter(([asked]) => asked === panel).map(([, expr]) => seriesOfProcess(expr)));
    expect(most * PROCESSES, panel).toBeGreaterThan(MOST_SERIES);
  }
});

test('series are counted by label', () => {
  expect(seriesOfProcess('count(nodejs_tcp_info{job=~"$job"})')).toBe(1);
  expect(seriesOfProcess('nodejs_tcp_sockets{job=~"$job"}')).toBe(11 * 5);
  expect(seriesOfProcess('nodejs_tcp_sockets{state="close_wait"} / nodejs_tcp_max_fds{job=~"$job"}')).toBe(6);
  expect(seriesOfProcess('nodejs_tcp_connect_failures_total{reason!="aborted"}')).toBe(3 * 9);
  // What is recorded has few series, however many processes there are.
  expect(seriesOfProcess('job_name:nodejs_tcp_connects:rate5m{job=~"$job"}')).toBe(0);
});

/** How many series of one process the selectors of an expression load; each one counts again where it stands again. */
function seriesOfProcess(expr: string): number {
  const selectors = [...expr.matchAll(/(?<![:\w])nodejs_tcp_(\w+)\{([^}]*)\}/g)];
  return selectors.reduce((sum, [, series = '', matchers = '']) => sum + seriesOf(series, matchers), 0);
}

function seriesOf(series: string, matchers: string): number {
  const metric = (series in CATALOGUE ? series : series.replace(/_(sum|count)$/, '')) as MetricName;
  const definition = CATALOGUE[metric];
  expect(definition, `${DEFAULT_PREFIX}${series}`).toBeDefined();
  const { labels, values } = definition;
  const free = labels.filter((label) => !matchers.includes(`${label}="`));
  return free.reduce((product, label) => product * valuesOf(metric, label, values?.[label], matchers), 1);
}

function valuesOf(metric: MetricName, label: LabelName, own: readonly string[] | undefined, matchers: string): number {
  const { labels, values } = CATALOGUE[metric];
  if (label === 'name') {
    if (!labels.includes('side')) return NAMES.client;
    return NAMES.server + NAMES.client + (values?.side?.includes('unknown') ? NAMES.unknown : 0);
  }
  // Each name has one side.
  if (label === 'side') return labels.includes('name') ? 1 : 2;
  if (label === 'state' && metric === 'oldest_socket_age_seconds') return 1;
  if (label === 'state' && metric === 'leaked_sockets') return LEAK_STATES.length;
  const all =
    metric === 'connect_failures_total' && label === 'reason' ? CONNECT_FAILURES : (own ?? LABEL_VALUES[label]);
  // Versions and namespaces: one of a process.
  if (all === undefined) return 1;
  return all.length - (matchers.includes(`${label}!="`) ? 1 : 0);
}
