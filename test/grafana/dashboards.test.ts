import { describe, expect, test } from 'vitest';
import { STATE_COLOURS } from '../../grafana/colours.ts';
import { PROJECT } from '../../grafana/project.ts';
import { DEFAULT_PREFIX, LABEL_VALUES, METRICS } from '../../src/metrics/catalogue.ts';
import { dashboards, dataPanels, expressions, metricsIn, namesOfCatalogue } from './queries.ts';

const DATASOURCE_UID = /^\$(\{datasource\}|datasource)$/;

describe.each(dashboards.map((dashboard) => [dashboard.title, dashboard] as const))('%s', (_, dashboard) => {
  const { panels, templating } = dashboard;

  test('can be imported by Grafana 10 to 13 and provisioned from a file', () => {
    expect(dashboard.schemaVersion).toBe(39);
    expect(dashboard.id).toBeNull();
    expect(dashboard.editable).toBe(false);
    expect(dashboard.uid).toMatch(new RegExp(`^${PROJECT}-[a-z0-9-]{1,32}$`));
    expect(JSON.stringify(dashboard)).not.toMatch(/__inputs|__requires|DS_PROMETHEUS|inControlsMenu|pluginVersion/);
  });

  test('every panel says what it shows, what bad looks like, in which unit and from which data source', () => {
    for (const panel of dataPanels(dashboard)) {
      const { title, description, fieldConfig, datasource } = panel;
      expect(title, `panel ${panel.id}`).toMatch(/\S/);
      expect(description, title).toMatch(/Bad[: ]/);
      expect(['short', 'cps', 's', 'bytes', 'Bps', 'percentunit'], title).toContain(fieldConfig?.defaults.unit);
      expect(datasource?.type, title).toBe('prometheus');
      expect(datasource?.uid, title).toMatch(DATASOURCE_UID);
    }
  });

  test('titles, ids and the letters of queries are unique', () => {
    expect(duplicates(panels.map(({ title }) => title))).toEqual([]);
    expect(duplicates(panels.map(({ id }) => id))).toEqual([]);
    for (const { title, targets = [] } of dataPanels(dashboard)) {
      expect(targets.length, title).toBeGreaterThan(0);
      expect(duplicates(targets.map(({ refId }) => refId))).toEqual([]);
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

  test('has data source, job, instance and name to choose from, and the side unless it is about one', () => {
    const variables = new Map(templating.list.map((variable) => [variable.name, variable]));
    const isAboutClients = dashboard.uid === 'finwait-tcp-upstreams';
    const chosen = isAboutClients ? ['job', 'instance', 'name'] : ['job', 'instance', 'side', 'name'];
    expect([...variables.keys()]).toEqual(['datasource', ...chosen]);
    expect(variables.get('name')?.definition).toContain(isAboutClients ? 'side="client"' : 'side=~"$side"');
    expect(variables.get('datasource')).toMatchObject({
      type: 'datasource',
      query: 'prometheus',
      label: 'Data source',
    });
    for (const name of chosen) {
      expect(variables.get(name), name).toMatchObject({ multi: true, allValue: '.+' });
      expect(variables.get(name)?.label?.toLowerCase()).toBe(name);
    }
    for (const variable of templating.list.filter(({ type }) => type === 'query')) {
      expect(variable.refresh, variable.name).toBe(2);
      expect(variable.datasource?.uid, variable.name).toMatch(DATASOURCE_UID);
      expect(variable.definition, variable.name).toMatch(/^label_values\(.+, [a-z]+\)$/);
    }
  });

  test('every name in a query is one that the catalogue exports', () => {
    const known = namesOfCatalogue(DEFAULT_PREFIX);
    const definitions = templating.list.flatMap(({ definition }) => definition?.match(/(?<=\()[\w:]+/) ?? []);
    const used = [...definitions, ...expressions(dashboard).flatMap(metricsIn)];
    expect(used.length).toBeGreaterThan(expressions(dashboard).length);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
    // Prometheus' own series of alerts, the one name that is not ours.
    expect(dashboard.annotations.list.flatMap(({ expr }) => metricsIn(expr))).toEqual(['ALERTS']);
  });

  test('every selector follows the job and instance chosen, and every $ is a variable', () => {
    const declared = new Set([...templating.list.map(({ name }) => name), '__rate_interval']);
    for (const expr of expressions(dashboard)) {
      for (const [selector] of expr.matchAll(/\{[^}]*\}/g)) {
        expect(selector).toContain('job=~"$job", instance=~"$instance"');
      }
      for (const [, variable] of expr.matchAll(/\$(\w+)/g)) expect(declared).toContain(variable);
    }
  });

  test('counters appear as rates over the interval that Grafana computes, and gauges do not', () => {
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
      expect(expr).toMatch(/^(max|min|sum( by \([^)]*\) )?\(max by \(netns)\b/);
    }
  });

  test('a panel by state shows each state in its one colour', () => {
    for (const panel of dataPanels(dashboard)) {
      const { targets = [], fieldConfig, title } = panel;
      if (!targets.some(({ legendFormat }) => legendFormat === '{{state}}')) continue;
      const colours = fieldConfig?.overrides.map(({ matcher, properties }) => [matcher.options, properties[0]?.value]);
      expect(Object.fromEntries(colours ?? []), title).toEqual(
        Object.fromEntries(
          Object.entries(STATE_COLOURS).map(([state, fixedColor]) => [state, { mode: 'fixed', fixedColor }]),
        ),
      );
    }
  });
});

test('every TCP state has a colour of its own', () => {
  expect(Object.keys(STATE_COLOURS).sort()).toEqual([...(LABEL_VALUES.state ?? [])].sort());
  expect(duplicates(Object.values(STATE_COLOURS))).toEqual([]);
});

test('uids and titles of dashboards are unique', () => {
  expect(duplicates(dashboards.map(({ uid }) => uid))).toEqual([]);
  expect(duplicates(dashboards.map(({ title }) => title))).toEqual([]);
});

function duplicates<T>(values: readonly T[]): T[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}
