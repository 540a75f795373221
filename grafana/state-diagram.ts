import {
  type CanvasElementOptions,
  ConnectionPath,
  type Constraint,
  HorizontalConstraint,
  PanelBuilder,
  type Placement,
  VerticalConstraint,
} from '@grafana/grafana-foundation-sdk/canvas';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { STATE_COLOURS } from './colours.ts';
import type { PanelSpec } from './panels.ts';
import { DATASOURCE } from './variables.ts';

type StateLabel = keyof typeof STATE_COLOURS;

/** A box: where its middle is, in percent of the panel. `shows` is the series whose number it holds. */
interface Box {
  readonly shows: StateLabel;
  readonly x: number;
  readonly y: number;
}

/**
 * Figure 5 of RFC 9293 (section 3.3.2), laid from left to right so that it fits a wide panel. Like the RFC's, it has CLOSED
 * twice: where a connection begins, and where it ends.
 */
const BOXES = {
  closed: { shows: 'closed', x: 6.5, y: 50 },
  listen: { shows: 'listen', x: 22, y: 20 },
  syn_sent: { shows: 'syn_sent', x: 22, y: 80 },
  syn_received: { shows: 'syn_received', x: 38, y: 20 },
  established: { shows: 'established', x: 46, y: 54 },
  fin_wait_1: { shows: 'fin_wait_1', x: 62, y: 20 },
  close_wait: { shows: 'close_wait', x: 62, y: 84 },
  fin_wait_2: { shows: 'fin_wait_2', x: 78, y: 9 },
  closing: { shows: 'closing', x: 78, y: 46 },
  last_ack: { shows: 'last_ack', x: 78, y: 84 },
  time_wait: { shows: 'time_wait', x: 93.5, y: 28 },
  closed_again: { shows: 'closed', x: 93.5, y: 84 },
} as const satisfies { readonly [name: string]: Box };

type BoxName = keyof typeof BOXES;

/** The sides and corners that an arrow leaves from and arrives at: -1 to 1 from the middle, upwards is positive. */
type Anchor = readonly [x: number, y: number];

const RIGHT: Anchor = [1, 0];
const LEFT: Anchor = [-1, 0];
const TOP: Anchor = [0, 1];
const BOTTOM: Anchor = [0, -1];

/** An arrow of the figure, and what is written on it: `at` is where, in percent of the panel. */
interface Arrow {
  readonly from: BoxName;
  readonly leaves: Anchor;
  readonly to: BoxName;
  readonly arrives: Anchor;
  readonly says?: { readonly words: string; readonly at: readonly [x: number, y: number] };
}

// biome-ignore format: a figure is read by the line
const ARROWS: readonly Arrow[] = [
  { from: 'closed', leaves: [0.4, 1], to: 'listen', arrives: LEFT, says: { words: 'passive OPEN', at: [10.5, 25] } },
  { from: 'closed', leaves: [0.4, -1], to: 'syn_sent', arrives: LEFT, says: { words: 'active OPEN', at: [10.5, 75] } },
  { from: 'listen', leaves: [-0.5, -1], to: 'closed', arrives: [1, 0.4], says: { words: 'CLOSE', at: [17.5, 42] } },
  { from: 'syn_sent', leaves: [-0.5, 1], to: 'closed', arrives: [1, -0.4], says: { words: 'CLOSE', at: [17.5, 60] } },
  { from: 'listen', leaves: [1, 0.5], to: 'syn_received', arrives: [-1, 0.5], says: { words: 'SYN', at: [30, 10] } },
  { from: 'syn_received', leaves: [-1, -0.5], to: 'listen', arrives: [1, -0.5], says: { words: 'RST', at: [30, 30] } },
  { from: 'listen', leaves: BOTTOM, to: 'syn_sent', arrives: TOP, says: { words: 'SEND', at: [24.5, 50] } },
  { from: 'syn_sent', leaves: [0.7, 1], to: 'syn_received', arrives: [-0.7, -1], says: { words: 'SYN', at: [32.5, 54] } },
  { from: 'syn_sent', leaves: RIGHT, to: 'established', arrives: [-1, -0.4], says: { words: 'SYN, ACK', at: [34.5, 77] } },
  { from: 'syn_received', leaves: BOTTOM, to: 'established', arrives: [-0.4, 1], says: { words: 'ACK', at: [38.7, 38] } },
  { from: 'syn_received', leaves: RIGHT, to: 'fin_wait_1', arrives: LEFT, says: { words: 'CLOSE', at: [50, 15] } },
  { from: 'established', leaves: [0.6, 1], to: 'fin_wait_1', arrives: [-0.6, -1], says: { words: 'CLOSE: we end first', at: [58, 39] } },
  { from: 'established', leaves: [0.6, -1], to: 'close_wait', arrives: LEFT, says: { words: 'FIN: the peer ends first', at: [45.5, 73] } },
  { from: 'fin_wait_1', leaves: [1, 0.5], to: 'fin_wait_2', arrives: LEFT, says: { words: 'ACK', at: [69, 8] } },
  { from: 'fin_wait_1', leaves: [1, -0.5], to: 'closing', arrives: LEFT, says: { words: 'FIN', at: [68.5, 40] } },
  { from: 'fin_wait_1', leaves: RIGHT, to: 'time_wait', arrives: LEFT, says: { words: 'FIN, ACK', at: [76, 26.5] } },
  { from: 'fin_wait_2', leaves: RIGHT, to: 'time_wait', arrives: [-0.5, 1], says: { words: 'FIN', at: [88.5, 9] } },
  { from: 'closing', leaves: RIGHT, to: 'time_wait', arrives: [-0.5, -1], says: { words: 'ACK', at: [87.5, 46] } },
  { from: 'close_wait', leaves: RIGHT, to: 'last_ack', arrives: LEFT, says: { words: 'CLOSE', at: [70, 79] } },
  { from: 'last_ack', leaves: RIGHT, to: 'closed_again', arrives: LEFT, says: { words: 'ACK', at: [86, 79] } },
  { from: 'time_wait', leaves: BOTTOM, to: 'closed_again', arrives: TOP, says: { words: '60 s', at: [90.5, 57] } },
];

/** The edges of the figure, as states: for whoever holds it against the state machine. */
export const DIAGRAM_EDGES: readonly (readonly [from: StateLabel, to: StateLabel])[] = ARROWS.map(({ from, to }) => [
  BOXES[from].shows,
  BOXES[to].shows,
]);

/** Half of a box, in percent of the panel. */
const HALF = { width: 5.8, height: 7.5 } as const;
/** The upper part of a box, for the name of the state. */
const NAME_HEIGHT = 5.5;
const INK = '#d8d9da';
const FAINT = '#9fa7b3';
const PAPER = '#1f2329';
const CLEAR = { color: { fixed: 'transparent' } } as const;
/** Percent on all four sides: the figure fits whatever the panel's size. */
const SCALE: Constraint = { horizontal: HorizontalConstraint.Scale, vertical: VerticalConstraint.Scale };

/** The figure with a number in each box; `expr` gives one series a state, `{{state}}`. */
export function stateDiagram(spec: PanelSpec & { readonly height: number; readonly expr: string }): PanelBuilder {
  return new PanelBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(DATASOURCE)
    .unit(spec.unit)
    .decimals(0)
    .noValue('no table')
    .span(spec.width)
    .height(spec.height)
    .inlineEditing(false)
    .showAdvancedTypes(false)
    .panZoom(false)
    .infinitePan(false)
    .withTarget(new DataqueryBuilder().expr(spec.expr).legendFormat('{{state}}').instant())
    .root({ name: 'states', type: 'frame', elements: elements() });
}

function elements(): CanvasElementOptions[] {
  const names = Object.keys(BOXES) as BoxName[];
  return [...names.map(numberBox), ...names.map(nameOf), ...ARROWS.flatMap(wordsOf)];
}

/** The box itself, with the number, and the arrows that leave it. */
function numberBox(name: BoxName): CanvasElementOptions {
  const { shows, x, y } = BOXES[name];
  return {
    name,
    type: 'metric-value',
    config: {
      text: { mode: 'field', field: shows, fixed: '' },
      color: { fixed: INK },
      size: 18,
      align: 'center',
      valign: 'bottom',
    },
    constraint: SCALE,
    placement: around(x, y, HALF.width, HALF.height),
    background: { color: { fixed: PAPER } },
    border: { color: { fixed: STATE_COLOURS[shows] }, width: 2, radius: 6 },
    connections: ARROWS.filter(({ from }) => from === name).map(({ leaves, to, arrives }) => ({
      source: { x: leaves[0], y: leaves[1] },
      target: { x: arrives[0], y: arrives[1] },
      targetName: to,
      color: { fixed: STATE_COLOURS[BOXES[to].shows] },
      size: { fixed: 2, min: 1, max: 10 },
      path: ConnectionPath.Straight,
    })),
  };
}

/** The state's name, in the upper part of its box. */
function nameOf(name: BoxName): CanvasElementOptions {
  const { shows, x, y } = BOXES[name];
  const top = y - HALF.height;
  return words(`${name} name`, shows.toUpperCase(), STATE_COLOURS[shows], 12, {
    ...around(x, y, HALF.width, HALF.height),
    top,
    bottom: rounded(100 - top - NAME_HEIGHT),
  });
}

function wordsOf({ from, to, says }: Arrow): CanvasElementOptions[] {
  if (says === undefined) return [];
  return [words(`${from} to ${to}`, says.words, FAINT, 11, around(...says.at, 6, 2.5))];
}

function words(name: string, fixed: string, colour: string, size: number, placement: Placement): CanvasElementOptions {
  return {
    name,
    type: 'text',
    config: { text: { mode: 'fixed', fixed }, color: { fixed: colour }, size, align: 'center', valign: 'middle' },
    constraint: SCALE,
    placement,
    background: CLEAR,
    border: { color: { fixed: 'transparent' }, width: 0 },
    connections: [],
  };
}

function around(x: number, y: number, halfWidth: number, halfHeight: number): Placement {
  return {
    left: rounded(x - halfWidth),
    right: rounded(100 - x - halfWidth),
    top: rounded(y - halfHeight),
    bottom: rounded(100 - y - halfHeight),
  };
}

function rounded(percent: number): number {
  return Math.round(percent * 10) / 10;
}
