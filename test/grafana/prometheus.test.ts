// Dashboards and alerts on a real Prometheus that scrapes real processes: one in health, one that leaks, and those at their
// limits. A minute of the rules is a second here; thresholds are as they are.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALERTS, generate } from '../../grafana/generate.ts';
import { type Prometheus, type RuleHealth, type Series, startPrometheus } from '../support/prometheus.ts';
import { FLEET_TOOLS, type Fleet, type FleetMember, startFleet } from '../support/prometheus-fleet.ts';
import { hurried, type RuleFile } from '../support/prometheus-pace.ts';
import { ALL_RULES } from '../support/prometheus-rules.ts';
import { type Chosen, filled, type Intervals } from '../support/prometheus-variables.ts';
import { run } from '../support/tools.ts';
import { until } from '../support/wait.ts';
import { type DashboardJson, dataPanels } from './queries.ts';

const HEALTHY = { kind: 'healthy', job: 'healthy', instances: ['shop-1'] } as const;
const RESTARTED = 'seldom-1';
const FLEET: readonly FleetMember[] = [
  HEALTHY,
  { kind: 'leaking', job: 'leaking', instances: ['shop-2'] },
  { kind: 'limits', job: 'limits', instances: ['caller-1', 'door-1'] },
  { kind: 'descriptors', job: 'limits', instances: ['files-1'] },
  { kind: 'blind', job: 'blind', instances: ['blind-1'] },
  { kind: 'remedied', job: 'leaking', instances: ['forgetful-1'] },
  { kind: 'seldom', job: 'blind', instances: [RESTARTED] },
];

/** Thresholds that are themselves a time: they hurry like everything that is one. */
const AGES: Readonly<Record<string, { readonly from: string; readonly to: string; readonly reason: string }>> = {
  FinwaitCloseWaitOld: {
    from: '>= 1800',
    to: '>= 30',
    reason: 'no socket here is half an hour old; half a minute is the same at this pace',
  },
  FinwaitCollectorStale: {
    from: '> 300',
    to: '> 5',
    reason: 'no table here is five minutes old; five seconds are the same at this pace',
  },
};

/** Alerts whose condition takes more than a test has, each with its reason. */
const NOT_MADE_TRUE: Readonly<Record<string, string>> = {};

/** What shows nothing in a healthy service, and why that is right. Every entry must be in use. */
const EMPTY_IN_HEALTH: readonly { readonly query: RegExp; readonly reason: string }[] = [
  { query: /^topk\(\d+, .* > 0\)$/s, reason: 'a ranking of those in trouble: nobody is' },
  { query: /ephemeral_ports_exhaustion_seconds/, reason: 'absent while no end of the ports is in sight' },
  { query: /ALERTS\{/, reason: 'no alert fires' },
  { query: /oldest_socket_age_seconds\{[^}]*\}\) > 0$/, reason: 'a table of what is in CLOSE_WAIT: nothing is' },
  { query: /deriv\(nodejs_tcp_open_fds/, reason: 'a forecast: absent while descriptors become no more' },
  {
    query: /remedied_sockets_total/,
    reason: 'absent unless remedyAfterMs asks for it, as it does of one of the fleet',
  },
];

/** All that are shipped, the one over recorded series too. */
const DASHBOARDS = [...generate()]
  .filter(([file]) => file.endsWith('.json'))
  .map(([file, text]) => ({ file, dashboard: JSON.parse(text) as DashboardJson }));

/** A query of a panel, as far as it is asked here. */
interface PanelQuery {
  readonly title: string;
  readonly expr: string;
  /** As of now, not over a range. */
  readonly isInstant: boolean;
}

interface Target {
  readonly expr: string;
  readonly instant?: boolean;
}

const RATE_INTERVAL_SECONDS = 8;
/** From the first scrape to the last alert: windows of half an hour, and what waits behind them. */
const LAST_ALERT_MS = 70_000;
const IS_POSSIBLE =
  process.env['FINWAIT_REQUIRE_TOOLS'] === '1' ||
  run('sh', ['-c', `command -v prometheus && command -v ${FLEET_TOOLS}`], '').status === 0;

let fleet: Fleet;
let prometheus: Prometheus;
let startedAt = 0;

describe.skipIf(!IS_POSSIBLE)('on a real Prometheus (needs prometheus, ss, ip, unshare, prlimit)', () => {
  beforeAll(async () => {
    startedAt = Date.now() / 1_000;
    fleet = await startFleet(FLEET);
    const rules = hurried(ofSeconds(ALL_RULES));
    const global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
    prometheus = await startPrometheus({ global, scrape_configs: fleet.scrapeConfigs }, rules);
    await until(everyAlertFired, missingAlerts, LAST_ALERT_MS).catch(() => undefined);
    await fleet.restart(RESTARTED);
    const restarts = `resets(nodejs_tcp_collector_duration_seconds_count{instance="${RESTARTED}"}[30s]) > 0`;
    await until(
      async () => (await prometheus.query(restarts)).length > 0,
      () => 'the restart was scraped',
    ).catch(() => undefined);
  }, 150_000);

  afterAll(async () => {
    await prometheus?.stop();
    await fleet?.stop();
  }, 30_000);

  test('every target is scraped', async () => {
    const up = await prometheus.query('up');
    const missed = up.filter(({ points }) => points[0]?.[1] !== 1).map(({ metric }) => metric['instance']);
    expect(missed).toEqual([]);
    expect(up).toHaveLength(FLEET.flatMap(({ instances }) => instances).length);
  });

  test('every rule is evaluated without an error', async () => {
    const rules = await prometheus.rules();
    expect(rules).toHaveLength(ALL_RULES.groups.flatMap((group) => group.rules).length);
    expect(rules.filter(({ health }) => health !== 'ok').map(wordsOf)).toEqual([]);
  });

  test('every alert fires, for something that is really so, and none for the healthy service', async () => {
    const fired = await firedAlerts();
    expect(ALERTS.map(({ alert }) => alert).filter((alert) => !fired.has(alert) && !(alert in NOT_MADE_TRUE))).toEqual(
      [],
    );
    expect(Object.keys(NOT_MADE_TRUE).filter((alert) => fired.has(alert))).toEqual([]);
    const ofHealthy = [...fired].filter(([, jobs]) => jobs.has(HEALTHY.job)).map(([alert]) => alert);
    expect(ofHealthy).toEqual([]);
  });

  test('every threshold that hurries is one of an alert', () => {
    for (const [alert, { from }] of Object.entries(AGES)) {
      expect(ALERTS.find((rule) => rule.alert === alert)?.expr, alert).toContain(from);
    }
  });

  describe.each(DASHBOARDS)('$file', ({ dashboard }) => {
    test('every query of every panel has data, of all services together', async () => {
      const empty: string[] = [];
      for (const { title, expr, isInstant } of queriesOf(dashboard)) {
        if (!(await hasData(expr, {}, isInstant))) empty.push(`${title}: ${expr}`);
      }
      expect(empty).toEqual([]);
    });

    test('and of the healthy one, but for what is rightly empty then', async () => {
      const wrong: string[] = [];
      for (const { title, expr, isInstant } of queriesOf(dashboard)) {
        if (await hasData(expr, { job: HEALTHY.job }, isInstant)) continue;
        if (!EMPTY_IN_HEALTH.some(({ query }) => query.test(expr))) wrong.push(`${title}: ${expr}`);
      }
      expect(wrong).toEqual([]);
    });

    test('every variable that asks Prometheus has values', async () => {
      for (const { name, type, definition = '' } of dashboard.templating.list) {
        if (type !== 'query') continue;
        const [, selector = '', label = ''] = /^label_values\((.+),\s*(\w+)\)$/s.exec(definition) ?? [];
        expect(await prometheus.labelValues(label, filled(selector, {}, intervals())), name).not.toEqual([]);
      }
    });

    test('every annotation has something to mark', async () => {
      for (const { expr } of dashboard.annotations.list) expect(await hasData(expr, {}, false), expr).toBe(true);
    });
  });

  test('every reason for an empty query is one of a query', () => {
    const all = DASHBOARDS.flatMap(({ dashboard }) => queriesOf(dashboard).map(({ expr }) => expr));
    expect(EMPTY_IN_HEALTH.filter(({ query }) => !all.some((expr) => query.test(expr)))).toEqual([]);
  });

  test('Prometheus and the fleet have nothing to complain about', () => {
    expect(prometheus.stderr()).toBe('');
  });
});

function ofSeconds({ groups }: RuleFile): RuleFile {
  return {
    groups: groups.map(({ name, rules }) => ({
      name,
      rules: rules.map((rule) => {
        const age = AGES[rule.alert ?? ''];
        return age === undefined ? rule : { ...rule, expr: rule.expr.replace(age.from, age.to) };
      }),
    })),
  };
}

/** The alerts that have fired so far, with the jobs that they fired for. */
async function firedAlerts(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const series = await prometheus.queryRange('ALERTS{alertstate="firing"}', wholeRun());
  const fired = new Map<string, Set<string>>();
  for (const { metric } of series) {
    const { alertname = '', job = '' } = metric;
    fired.set(alertname, (fired.get(alertname) ?? new Set()).add(job));
  }
  return fired;
}

async function everyAlertFired(): Promise<boolean> {
  const fired = await firedAlerts();
  return ALERTS.every(({ alert }) => fired.has(alert) || alert in NOT_MADE_TRUE);
}

function missingAlerts(): string {
  return 'every alert has fired';
}

/** Over the whole run where a panel shows a range, and as of now where it shows one value. */
async function hasData(expr: string, chosen: Chosen, isInstant: boolean): Promise<boolean> {
  const query = filled(expr, chosen, intervals());
  const series = isInstant ? await prometheus.query(query) : await prometheus.queryRange(query, wholeRun());
  return series.some(hasNumber);
}

function hasNumber({ points }: Series): boolean {
  return points.some(([, value]) => !Number.isNaN(value));
}

function queriesOf(dashboard: DashboardJson): readonly PanelQuery[] {
  return dataPanels(dashboard).flatMap(({ title = '', targets = [] }) =>
    (targets as readonly Target[]).map(({ expr, instant = false }) => ({ title, expr, isInstant: instant })),
  );
}

function wholeRun(): { readonly start: number; readonly end: number; readonly step: number } {
  return { start: startedAt, end: Date.now() / 1_000, step: 1 };
}

function intervals(): Intervals {
  const { start, end, step } = wholeRun();
  return {
    rateIntervalSeconds: RATE_INTERVAL_SECONDS,
    rangeSeconds: Math.round(end - start),
    intervalSeconds: step,
  };
}

function wordsOf({ name, health, lastError = '' }: RuleHealth): string {
  return `${name} is ${health}: ${lastError}`;
}
