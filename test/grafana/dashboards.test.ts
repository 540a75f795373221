import { describe, expect, test } from 'vitest';
import { CAUSE_COLOURS, STATE_COLOURS } from '../../grafana/colours.ts';
import { ALERTS } from '../../grafana/generate.ts';
import { UIDS } from '../../grafana/links.ts';
import { CAUSES } from '../../grafana/parts/causes.ts';
import { PROJECT } from '../../grafana/project.ts';
import { CLOSE_WAIT_CAUSES } from '../../src/detect/leaks/leak.ts';
import { CATALOGUE, DEFAULT_PREFIX, LABEL_VALUES, METRICS } from '../../src/metrics/catalogue.ts';
import { type DashboardJson, dashboards, dataPanels, expressions, metricsIn, namesOfCatalogue } from './queries.ts';

/** What each lets one choose. A fleet has no names to choose from, upstreams are of one side. */
const VARIABLES: { readonly [uid: string]: readonly string[] } = {
  [UIDS.fleet]: ['datasource', 'job', 'instance'],
  [UIDS.upstreams]: ['datasource', 'job', 'instance', 'name'],
  [UIDS.lifecycle]: ['datasource', 'job', 'instance', 'side', 'name'],
  [UIDS.closeWait]: ['datasource', 'job', 'instance', 'side', 'name'],
  [UIDS.load]: ['datasource', 'job', 'instance', 'side', 'name'],
};

/** Metrics that no panel and no rule uses, each with its reason. */
const UNUSED: { readonly [name: string]: string } = {};

/** Grafana's own variables that a query or a link may name. */
const BUILT_IN = ['__rate_interval', '__url_time_range', '__data'];

describe.each(dashboards.map((dashboard) => [dashboard.title, dashboard] as const))('%s', (_, dashboard) => {
  const { panels, templating } = dashboard;

  test('can be imported by Grafana 10 to 13 and provisioned from a file', () => {
    expect(dashboard.schemaVersion).toBe(39);
    expect(dashboard.id).toBeNull();
    expect(dashboard.uid).toMatch(new RegExp(`^${PROJECT}-[a-z0-9-]{1,32}$`));
    expect(Object.values(UIDS)).toContain(dashboard.uid);
    expect(JSON.stringify(dashboard)).not.toMatch(/__inputs|__requires|DS_PROMETHEUS|inControlsMenu|pluginVersion/);
  });

  test('the first row answers: six numbers, each with a colour or a verdict', () => {
    const answers = panels.slice(0, 6);
    expect(answers.map(({ type }) => type)).toEqual(new Array(6).fill('stat'));
    expect(answers.every(({ gridPos }) => gridPos.y === 0 && gridPos.w === 4)).toBe(true);
    expect(panels[6]?.type).toBe('row');
  });

  test('every panel says what bad looks like', () => {
    for (const { type, title, description } of panels.filter((panel) => panel.type !== 'row')) {
      expect(description, title).toMatch(type === 'row' ? /^$/ : /\bBad\b/);
      expect(description?.length, title).toBeGreaterThan(80);
    }
  });

  test('titles, ids and the letters of queries are unique', () => {
    expect(duplicates(panels.map(({ title }) => title))).toEqual([]);
    expect(duplicates(panels.map(({ id }) => id))).toEqual([]);
    expect(panels.every(({ id }) => id > 0)).toBe(true);
    for (const { title, targets = [] } of dataPanels(dashboard)) {
      expect(duplicates(targets.map(({ refId }) => refId)), title).toEqual([]);
      for (const { refId } of targets) expect(refId, title).toMatch(/^[A-Z]$/);
    }
  });

  test('every line of the grid is full, and no panel lies on another', () => {
    const cells = new Map<string, number>();
    for (const { id, gridPos } of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.get(`${x},${y}`), `panels ${id} and ${cells.get(`${x},${y}`)}`).toBeUndefined();
          cells.set(`${x},${y}`, id);
        }
      }
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
    const height = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
    expect(cells.size).toBe(24 * height);
  });

  test('has the variables that apply, each narrowed by those before it', () => {
    const names = templating.list.map(({ name }) => name);
    expect(names).toEqual(VARIABLES[dashboard.uid]);
    for (const [index, { type, definition = '' }] of templating.list.entries()) {
      if (type !== 'query') continue;
      for (const before of names.slice(1, index)) expect(definition).toContain(`${before}=~"$${before}"`);
    }
  });

  test('what nobody stands for can be chosen', () => {
    const side = templating.list.find(({ name }) => name === 'side');
    if (side === undefined) return;
    expect(side.query).toBe([...(LABEL_VALUES.side ?? []), 'unknown'].join(','));
    // A metric of Node's column, which is always there, and one that has rows for _untracked.
    const name = templating.list.find((variable) => variable.name === 'name');
    expect(name?.definition).toContain('open_connections|');
    expect(name?.definition).toContain('oldest_socket_age_seconds"');
    expect(CATALOGUE.oldest_socket_age_seconds.values?.side).toContain('unknown');
  });

  test('alerts and starts of processes are marked', () => {
    const [alerts, starts, ...others] = dashboard.annotations.list.map(({ expr }) => expr);
    expect(others).toEqual([]);
    expect(metricsIn(alerts ?? '')).toEqual(['ALERTS']);
    expect(metricsIn(starts ?? '').map(withoutPrefix)).toEqual(['collector_duration_seconds_count', 'info', 'info']);
  });

  test('the others are one click away, with variables and time', () => {
    expect(dashboard.links).toMatchObject([
      { type: 'dashboards', tags: [PROJECT], includeVars: true, keepTime: true, asDropdown: true },
    ]);
    expect(dashboard.tags).toContain(PROJECT);
  });

  test('a link of a row leads to a dashboard that there is, and sets variables that it has', () => {
    for (const url of linksOf(dashboard)) {
      const [, uid = '', search = ''] = /^\/d\/([^?]+)\?(.+)$/.exec(url) ?? [];
      const { templating: target } = dashboards.find((other) => other.uid === uid) as DashboardJson;
      const known = target.list.map(({ name }) => name);
      const set = [...search.matchAll(/var-(\w+)=\$\{__data\.fields\.(\w+)\}/g)];
      expect(set.length, url).toBeGreaterThan(0);
      for (const [, variable, field] of set) {
        expect(known, url).toContain(variable);
        expect(field).toBe(variable);
      }
      expect(search, url).toMatch(/^\$\{datasource:queryparam\}&.+&\$\{__url_time_range\}$/);
    }
  });

  test('every name in a query is one that the catalogue exports', () => {
    const known = namesOfCatalogue(DEFAULT_PREFIX);
    const definitions = templating.list.flatMap(({ definition }) => definition?.match(/\bnodejs_tcp_\w+/g) ?? []);
    const used = [...definitions, ...expressions(dashboard).flatMap(metricsIn)];
    expect(used.length).toBeGreaterThan(expressions(dashboard).length);
    // Prometheus' own series of alerts, the one name that is not ours.
    expect(used.filter((name) => !known.has(name) && name !== 'ALERTS')).toEqual([]);
  });

  test('every $ is a variable', () => {
    const declared = [...templating.list.map(({ name }) => name), ...BUILT_IN];
    const texts = [...expressions(dashboard), ...dashboard.annotations.list.map(({ expr }) => expr)];
    const used = [...texts, ...linksOf(dashboard), ...templating.list.map(({ definition = '' }) => definition)];
    for (const text of used) {
      for (const [, variable] of text.matchAll(/\$\{?(\w+)/g)) expect(declared, text).toContain(variable);
    }
  });

  test('counters and histograms appear as rates over the interval that Grafana computes, and gauges do not', () => {
    for (const expr of expressions(dashboard)) {
      const counters = expr.match(/\w+_(total|bucket|sum|count)\{/g) ?? [];
      const rates = expr.match(/rate\(\w+_(total|bucket|sum|count)\{[^}]*\}\[\$__rate_interval\]\)/g) ?? [];
      expect(rates.length, expr).toBe(counters.length);
      expect(expr.match(/rate\(/g)?.length ?? 0, expr).toBe(rates.length);
    }
  });

  test('what all processes of a network namespace see alike is never summed over them', () => {
    for (const expr of expressions(dashboard).filter((text) => text.includes(`${DEFAULT_PREFIX}netns_`))) {
      expect(expr).toMatch(/^sum( by \([^)]*\) )?\(max by \(netns(, [^)]*)?\) \((rate\()?nodejs_tcp_netns_\w+\{/);
    }
  });

  test('what several processes count of the same rows is never summed over them', () => {
    const alike = METRICS.filter(({ aggregate }) => aggregate === 'max' || aggregate === 'min').map(
      ({ name }) => `${DEFAULT_PREFIX}${name}{`,
    );
    for (const expr of expressions(dashboard).filter((text) => alike.some((name) => text.includes(name)))) {
      expect(expr).toMatch(/^(topk\(\d+, )?(max|min|sum( by \([^)]*\) )?\(max by \(netns)\b/);
    }
  });

  test('a state, and a cause of CLOSE_WAIT, has its one colour wherever it is a line, a layer or a bar', () => {
    const fixed: { readonly [legend: string]: string } = { ...STATE_COLOURS, ...CAUSE_COLOURS };
    for (const { title, type, targets = [], fieldConfig } of dataPanels(dashboard)) {
      const colours = new Map(
        fieldConfig?.overrides.flatMap(({ matcher, properties }) =>
          properties.filter(({ id }) => id === 'color').map(({ value }) => [matcher.options as string, value] as const),
        ),
      );
      for (const [legend, colour] of Object.entries(fixed)) {
        if (colours.has(legend)) expect(colours.get(legend), title).toEqual({ mode: 'fixed', fixedColor: colour });
      }
      if (type === 'canvas') continue;
      for (const { expr, legendFormat } of targets) {
        const wanted = byWhat(legendFormat, expr);
        expect([...colours.keys()], title).toEqual(expect.arrayContaining(Object.keys(wanted)));
      }
    }
  });
});

test('every TCP state and every cause of CLOSE_WAIT has a colour of its own', () => {
  expect(Object.keys(STATE_COLOURS).sort()).toEqual([...(LABEL_VALUES.state ?? [])].sort());
  expect(duplicates(Object.values(STATE_COLOURS))).toEqual([]);
  expect(Object.keys(CAUSE_COLOURS).sort()).toEqual([...CLOSE_WAIT_CAUSES].sort());
  expect(duplicates([...Object.values(CAUSE_COLOURS), ...Object.values(STATE_COLOURS)])).toEqual([]);
});

test('the CLOSE_WAIT dashboard says of every cause what it means and what to change', () => {
  const { panels } = dashboards.find(({ uid }) => uid === UIDS.closeWait) as DashboardJson;
  const words = panels.find(({ type }) => type === 'text')?.options?.content;
  expect(Object.keys(CAUSES).sort()).toEqual([...CLOSE_WAIT_CAUSES].sort());
  for (const [cause, { means, do: change }] of Object.entries(CAUSES)) {
    expect(words).toContain(`| **${cause}** | ${means} | ${change} |`);
    expect(`${means}${change}`, 'a cell of Markdown').not.toContain('|');
  }
});

test('every metric of the catalogue is in a panel or a rule, or its reason not to be is written down', () => {
  const texts = [...dashboards.flatMap(expressions), ...ALERTS.map(({ expr }) => expr)];
  const used = new Set(texts.flatMap(metricsIn).map((name) => withoutPrefix(name)));
  const unused = METRICS.filter(({ name, type }) => {
    const series = type === 'histogram' ? ['bucket', 'sum', 'count'].map((each) => `${name}_${each}`) : [name];
    return !series.some((each) => used.has(each));
  });
  expect(unused.map(({ name }) => name)).toEqual(Object.keys(UNUSED));
});

test('uids and titles of dashboards are unique, and no uid is without its dashboard', () => {
  expect(dashboards.map(({ uid }) => uid).sort()).toEqual(Object.values(UIDS).sort());
  expect(duplicates(dashboards.map(({ uid }) => uid))).toEqual([]);
  expect(duplicates(dashboards.map(({ title }) => title))).toEqual([]);
});

/** The colours that a series by this legend has to have. */
function byWhat(legend: string | undefined, expr: string): object {
  if (legend === '{{state}}') return expr.includes('sockets{') ? STATE_COLOURS : {};
  return legend === '{{cause}}' && expr.includes('close_wait_sockets{') ? CAUSE_COLOURS : {};
}

/** Where clicks on cells lead. */
function linksOf(dashboard: DashboardJson): string[] {
  const properties = dataPanels(dashboard)
    .flatMap(({ fieldConfig }) => fieldConfig?.overrides ?? [])
    .flatMap((override) => override.properties);
  return properties
    .filter(({ id }) => id === 'links')
    .flatMap(({ value }) => (value as readonly { readonly url: string }[]).map(({ url }) => url));
}

function withoutPrefix(name: string): string {
  return name.startsWith(DEFAULT_PREFIX) ? name.slice(DEFAULT_PREFIX.length) : name;
}

function duplicates<T>(values: readonly T[]): T[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}
