import { expect, test } from 'vitest';
import { UIDS } from '../../grafana/links.ts';
import { DIAGRAM_EDGES } from '../../grafana/state-diagram.ts';
import { LABEL_VALUES } from '../../src/metrics/catalogue.ts';
import { STATE_LABELS, STATES } from '../../src/tcp/state.ts';
import { TRANSITIONS } from '../../src/tcp/transition.ts';
import { type DashboardJson, dashboards } from './queries.ts';

interface Element {
  readonly name: string;
  readonly type: string;
  readonly config: { readonly text: { readonly mode: string; readonly field?: string; readonly fixed: string } };
  readonly placement: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
  readonly connections: readonly {
    readonly targetName: string;
    readonly source: { readonly x: number; readonly y: number };
    readonly target: { readonly x: number; readonly y: number };
  }[];
}

const { panels } = dashboards.find(({ uid }) => uid === UIDS.lifecycle) as DashboardJson;
const canvas = panels.find(({ type }) => type === 'canvas');
const elements = (canvas?.options?.root?.elements ?? []) as readonly Element[];
const boxes = elements.filter(({ type }) => type === 'metric-value');

/** Figure 5 of RFC 9293 with its notes 1 and 2, in the figure's order. */
const FIGURE_5 = [
  'closed listen',
  'closed syn_sent',
  'listen closed',
  'syn_sent closed',
  'listen syn_received',
  'listen syn_sent',
  'syn_received listen',
  'syn_sent syn_received',
  'syn_received established',
  'syn_sent established',
  'syn_received fin_wait_1',
  'established fin_wait_1',
  'established close_wait',
  'fin_wait_1 fin_wait_2',
  'fin_wait_1 closing',
  'fin_wait_1 time_wait',
  'fin_wait_2 time_wait',
  'closing time_wait',
  'close_wait last_ack',
  'last_ack closed',
  'time_wait closed',
];

test('the diagram has the edges of figure 5, and no others', () => {
  expect(DIAGRAM_EDGES.map((edge) => edge.join(' ')).sort()).toEqual([...FIGURE_5].sort());
});

test('every edge that the machine takes from the RFC is on it', () => {
  const label = new Map(STATES.map((state, index) => [state, STATE_LABELS[index]]));
  const drawn = new Set(DIAGRAM_EDGES.map((edge) => edge.join(' ')));
  const taken = TRANSITIONS.filter(({ kind }) => kind === 'rfc').map(
    ({ from, to }) => `${label.get(from)} ${label.get(to)}`,
  );
  expect(taken.length).toBeGreaterThan(5);
  expect(taken.filter((edge) => !drawn.has(edge))).toEqual([]);
});

test('each of the 11 states has a box with its number and its name, CLOSED two', () => {
  const shown = boxes.map(({ config }) => config.text.field ?? '');
  expect([...shown].sort()).toEqual([...(LABEL_VALUES.state ?? []), 'closed'].sort());
  for (const { name, config } of boxes) {
    const words = elements.find((element) => element.name === `${name} name`);
    expect(words?.config.text.fixed, name).toBe(config.text.field?.toUpperCase());
  }
  // By this the query's series find their box.
  expect(canvas?.targets?.map(({ legendFormat }) => legendFormat)).toEqual(['{{state}}']);
});

test('every arrow arrives at a box, and there are as many as edges', () => {
  const arrows = boxes.flatMap(({ connections }) => connections);
  expect(arrows.length).toBe(FIGURE_5.length);
  for (const { targetName, source, target } of arrows) {
    expect(boxes.map(({ name }) => name)).toContain(targetName);
    for (const at of [source.x, source.y, target.x, target.y]) expect(Math.abs(at)).toBeLessThanOrEqual(1);
    // From the rim to the rim, not across a box.
    expect(Math.max(Math.abs(source.x), Math.abs(source.y))).toBe(1);
    expect(Math.max(Math.abs(target.x), Math.abs(target.y))).toBe(1);
  }
});

test('everything is inside the panel, and no box lies on another', () => {
  for (const { name, placement } of elements) {
    for (const gap of Object.values(placement)) expect(gap, name).toBeGreaterThanOrEqual(0);
    expect(placement.left + placement.right, name).toBeLessThan(100);
    expect(placement.top + placement.bottom, name).toBeLessThan(100);
  }
  for (const [index, one] of boxes.entries()) {
    for (const other of boxes.slice(index + 1)) expect(apart(one, other), `${one.name}, ${other.name}`).toBe(true);
  }
});

test('no words lie on a box that is not theirs', () => {
  for (const words of elements.filter(({ name }) => / to /.test(name))) {
    for (const box of boxes) expect(apart(textOf(words), box), `${words.name} on ${box.name}`).toBe(true);
  }
});

/** The text itself, in the middle of its element: some 6 pixels a letter of 1,600, 14 high of 500. */
function textOf(element: Element): Element {
  const half = (element.config.text.fixed.length * 6 * 100) / 1600 / 2;
  const { left, right, top, bottom } = element.placement;
  const x = (left + 100 - right) / 2;
  const y = (top + 100 - bottom) / 2;
  return { ...element, placement: { left: x - half, right: 100 - x - half, top: y - 1.4, bottom: 100 - y - 1.4 } };
}

function apart({ placement: one }: Element, { placement: other }: Element): boolean {
  const beside = one.left >= 100 - other.right || other.left >= 100 - one.right;
  return beside || one.top >= 100 - other.bottom || other.top >= 100 - one.bottom;
}
