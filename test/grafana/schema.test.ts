import { expect, test } from 'vitest';
import { type Schema, violations } from '../support/json-schema.ts';
import { DASHBOARD, PANELS } from './grafana-schema.ts';
import { type DashboardJson, dashboards, type PanelJson } from './queries.ts';

test.each(dashboards.map((dashboard) => [dashboard.title, dashboard] as const))(
  '%s is as Grafana documents it',
  (_, dashboard) => {
    expect(violationsOf(dashboard)).toEqual([]);
  },
);

test('every type of panel in the schema is used, and every one that is used is in it', () => {
  const used = new Set(dashboards.flatMap(({ panels }) => panels.map(({ type }) => type)));
  expect([...used].sort()).toEqual(Object.keys(PANELS).sort());
});

/** A text of the lifecycle dashboard's JSON, what takes its place, and what is then said. */
const BREAKS: readonly (readonly [string, RegExp, string, string])[] = [
  ['a key that is misspelled', /"legendFormat"/, '"legendFomat"', 'unknown key legendFomat'],
  ['a position that is text', /"x":12/, '"x":"12"', 'gridPos.x: is string, not integer'],
  ['a panel wider than the grid', /"w":24/, '"w":25', 'gridPos.w: 25 is not from 1 to 24'],
  ['a colour by a name', /"fixedColor":"#[0-9a-f]+"/, '"fixedColor":"semi-dark-red"', 'does not match'],
  ['a threshold without a colour', /\{"color":"#[0-9a-f]+","value":null\}/, '{"value":null}', 'no color'],
  ['a panel without a description', /"description":"[^"]+","fieldConfig"/, '"fieldConfig"', 'no description'],
  ['an unknown mode of a tooltip', /"mode":"multi"/, '"mode":"all"', 'tooltip.mode: "all" is none of'],
  ['a newer schema', /"schemaVersion":39/, '"schemaVersion":42', 'schemaVersion: 42 is not from 36 to 39'],
  ['a refresh that is no text', /"refresh":"30s"/, '"refresh":false', 'refresh: is boolean, not string'],
  ['an arrow to nowhere', /"targetName":"listen"/, '"targetName":""', 'targetName'],
  ['an option of another panel', /"graphMode":"none"/, '"graphMode":"none","pieType":"pie"', 'unknown key pieType'],
];

test.each(BREAKS)('%s is found', (_, pattern, instead, said) => {
  const whole = JSON.stringify(dashboards.find(({ uid }) => uid === 'finwait-tcp-lifecycle'));
  const broken = whole.replace(pattern, instead);
  expect(broken).not.toBe(whole);
  expect(violationsOf(JSON.parse(broken) as DashboardJson).join('\n')).toContain(said);
});

test.each<readonly [Schema, unknown, boolean]>([
  [{ type: 'integer' }, 1.5, false],
  [{ type: ['number', 'null'] }, null, true],
  [{ type: 'object' }, [], false],
  [{ type: 'array', minItems: 1 }, [], false],
  [{ type: 'object', properties: { a: {} }, required: ['a'] }, {}, false],
  [{ type: 'object', properties: { a: {} } }, { b: 1 }, false],
  [{ type: 'object', additionalProperties: { type: 'number' } }, { b: '1' }, false],
  [{ type: 'object' }, { anything: 1 }, true],
  [{ anyOf: [{ type: 'string' }, { type: 'number', maximum: 1 }] }, 2, false],
  [{ anyOf: [{ type: 'string' }, { type: 'number', maximum: 1 }] }, 1, true],
  [{ enum: [] }, 1, false],
])('%j of %j: %s', (schema, value, fits) => {
  expect(violations(schema, value).length === 0).toBe(fits);
});

function violationsOf(dashboard: DashboardJson): string[] {
  const inside = dashboard.panels.flatMap((panel: PanelJson) =>
    violations(PANELS[panel.type] ?? { enum: [] }, panel, `${panel.type} "${panel.title}"`),
  );
  return [...violations(DASHBOARD, dashboard), ...inside];
}
