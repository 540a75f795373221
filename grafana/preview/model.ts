/** What the preview reads of a dashboard's JSON. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly label?: string }[] };
  readonly annotations: {
    readonly list: readonly { readonly name: string; readonly expr: string; readonly iconColor: string }[];
  };
}

/** One panel; `options` are those of its type. */
export interface Panel {
  readonly type: string;
  readonly title?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
  readonly fieldConfig?: { readonly defaults: FieldConfig; readonly overrides: readonly Override[] };
  readonly transformations?: readonly { readonly id: string; readonly options: Organize }[];
  readonly options?: PanelOptions;
}

/** One query. */
export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat?: string;
  readonly instant?: boolean;
  readonly format?: string;
}

/** How values are shown. */
export interface FieldConfig {
  readonly unit?: string;
  readonly noValue?: string;
  readonly thresholds?: { readonly steps: readonly Step[] };
  readonly custom?: {
    readonly stacking?: { readonly mode: string };
    readonly scaleDistribution?: { readonly type: string };
    readonly thresholdsStyle?: { readonly mode: string };
    readonly fillOpacity?: number;
  };
}

/** A colour from a value on; `null` is from the beginning. */
export interface Step {
  readonly value: number | null;
  readonly color: string;
}

/** What is different for the field of a name. */
export interface Override {
  readonly matcher: { readonly options?: unknown };
  readonly properties: readonly { readonly id: string; readonly value?: unknown }[];
}

/** The options of the transformation `organize`. */
export interface Organize {
  readonly excludeByName?: Readonly<Record<string, boolean>>;
  readonly indexByName?: Readonly<Record<string, number>>;
  readonly renameByName?: Readonly<Record<string, string>>;
}

/** Of whichever type. */
export interface PanelOptions {
  readonly colorMode?: string;
  readonly content?: string;
  readonly sortBy?: readonly { readonly displayName: string; readonly desc?: boolean }[];
  readonly yAxis?: { readonly unit?: string };
  readonly root?: { readonly elements: readonly CanvasElement[] };
}

/** A box of a canvas, in percent of its panel from each edge. */
export interface CanvasElement {
  readonly name: string;
  readonly type: string;
  readonly placement: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
  readonly background?: { readonly color?: { readonly fixed?: string } };
  readonly border?: { readonly color?: { readonly fixed?: string }; readonly width?: number };
  readonly config?: {
    readonly text?: { readonly mode?: string; readonly field?: string; readonly fixed?: string };
    readonly color?: { readonly fixed?: string };
    readonly size?: number;
    readonly align?: string;
    readonly valign?: string;
  };
  readonly connections?: readonly {
    readonly targetName: string;
    /** -1 to 1 from the middle of the box; y is up. */
    readonly source: { readonly x: number; readonly y: number };
    readonly target: { readonly x: number; readonly y: number };
    readonly color?: { readonly fixed?: string };
  }[];
}

/** One series that a panel shows. */
export interface ShownSeries {
  readonly name: string;
  readonly refId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds and values; one point of an instant query. */
  readonly points: readonly (readonly [number, number])[];
}

/** What a panel is drawn from. */
export interface Drawing {
  readonly panel: Panel;
  readonly series: readonly ShownSeries[];
  readonly marks: readonly Mark[];
  /** Seconds. */
  readonly start: number;
  readonly end: number;
  /** Pixels within the panel, below its title. */
  readonly width: number;
  readonly height: number;
}

/** When an annotation begins. */
export interface Mark {
  readonly at: number;
  readonly colour: string;
}

/** The colour that a threshold gives a value. */
export function thresholdColour(steps: readonly Step[] = [], value: number): string {
  return steps.filter((step) => step.value === null || value >= step.value).at(-1)?.color ?? TEXT;
}

/** A property that overrides the defaults for a name. */
export function overrideOf(panel: Panel, name: string, id: string): unknown {
  const found = panel.fieldConfig?.overrides.filter(({ matcher }) => matcher.options === name) ?? [];
  return found.flatMap(({ properties }) => properties).findLast((property) => property.id === id)?.value;
}

/** The colour of each name, the first names first: its fixed one, that of its place in the palette, or one that is free. */
export function coloursOf(panel: Panel, names: readonly string[]): ReadonlyMap<string, string> {
  const colours = new Map<string, string>();
  for (const name of names) {
    const fixed = overrideOf(panel, name, 'color') as { readonly fixedColor?: string } | undefined;
    const free = PALETTE.filter((colour) => ![...colours.values()].includes(colour));
    const wanted = PALETTE[hashOf(name) % PALETTE.length] ?? TEXT;
    const one = free.length === 0 || free.includes(wanted) ? wanted : free[hashOf(name) % free.length];
    colours.set(name, fixed?.fixedColor ?? one ?? TEXT);
  }
  return colours;
}

function hashOf(name: string): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return hash;
}

/** For HTML and SVG. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** The colour of words. */
export const TEXT = '#ccccdc';

const PALETTE = [
  '#73bf69',
  '#f2cc0c',
  '#8ab8ff',
  '#ff780a',
  '#f2495c',
  '#5794f2',
  '#b877d9',
  '#37b5c8',
  '#ffa6b0',
  '#c0d8ff',
  '#fade2a',
  '#96d98d',
  '#ca95e5',
  '#ffcb7d',
  '#7ee0c9',
  '#e58fb1',
];
