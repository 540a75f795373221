// The subset of Grafana's dashboard JSON that we write, by hand after the documented fields: grafana.com/docs/grafana/
// latest/dashboards/build-dashboards/view-dashboard-json-model, and kinds/dashboard/dashboard_kind.cue and the
// panelcfg.cue of each panel in grafana/grafana. What is not here is refused, so that a typing error is found; a field that
// came after Grafana 10 is here only where an older one passes it over.
import type { Schema } from '../support/json-schema.ts';

const STRING: Schema = { type: 'string' };
const TEXT: Schema = { type: 'string', pattern: '\\S' };
const NUMBER: Schema = { type: 'number' };
const COUNT: Schema = { type: 'integer', minimum: 0 };
const BOOLEAN: Schema = { type: 'boolean' };
/** What Grafana resolves itself: a hex colour, or transparent. Names of colours differ between themes. */
const COLOUR: Schema = { type: 'string', pattern: '^(#[0-9a-f]{6}|transparent|rgba\\(.+\\))$' };

/** An object that has all these keys, and may have those. */
function object(
  properties: { readonly [key: string]: Schema },
  optional: { readonly [key: string]: Schema } = {},
): Schema {
  return { type: 'object', properties: { ...properties, ...optional }, required: Object.keys(properties) };
}

function listOf(items: Schema, minItems = 0): Schema {
  return { type: 'array', items, minItems };
}

function oneOf(...values: readonly unknown[]): Schema {
  return { enum: values };
}

const DATASOURCE: Schema = object({ type: oneOf('prometheus'), uid: oneOf(`\${datasource}`) });
const GRID: Schema = object({
  x: { type: 'integer', minimum: 0, maximum: 23 },
  y: COUNT,
  w: { type: 'integer', minimum: 1, maximum: 24 },
  h: { type: 'integer', minimum: 1, maximum: 40 },
});

const THRESHOLDS: Schema = object({
  mode: oneOf('absolute', 'percentage'),
  // The first has no lower end.
  steps: listOf(object({ color: COLOUR, value: { type: ['number', 'null'] } }), 1),
});
const COLOUR_MODE: Schema = object(
  { mode: oneOf('fixed', 'thresholds', 'palette-classic', 'palette-classic-by-name') },
  { fixedColor: COLOUR, seriesBy: oneOf('last', 'min', 'max') },
);
const LINKS: Schema = listOf(object({ title: TEXT, url: TEXT, targetBlank: BOOLEAN }), 1);

/** What an override sets, by its id. */
const PROPERTY: Schema = {
  anyOf: [
    object({ id: oneOf('color'), value: COLOUR_MODE }),
    object({ id: oneOf('unit'), value: TEXT }),
    object({ id: oneOf('links'), value: LINKS }),
    object({ id: oneOf('thresholds'), value: THRESHOLDS }),
    object({
      id: oneOf('custom.cellOptions'),
      value: object({ type: oneOf('color-background', 'color-text', 'auto'), mode: oneOf('basic', 'gradient') }),
    }),
  ],
};

function fieldConfig(custom: Schema): Schema {
  return object({
    defaults: object(
      { unit: TEXT },
      {
        custom,
        min: NUMBER,
        max: NUMBER,
        decimals: COUNT,
        noValue: STRING,
        color: COLOUR_MODE,
        thresholds: THRESHOLDS,
      },
    ),
    overrides: listOf(
      object({ matcher: object({ id: oneOf('byName'), options: TEXT }), properties: listOf(PROPERTY, 1) }),
    ),
  });
}

const TARGET: Schema = object(
  { refId: { type: 'string', pattern: '^[A-Z]$' }, expr: TEXT, instant: BOOLEAN, range: BOOLEAN },
  { legendFormat: STRING, format: oneOf('time_series', 'table', 'heatmap') },
);

const TRANSFORMATION: Schema = {
  anyOf: [
    object({ id: oneOf('merge'), options: object({}) }),
    object({
      id: oneOf('organize'),
      options: object({
        excludeByName: { type: 'object', additionalProperties: BOOLEAN },
        indexByName: { type: 'object', additionalProperties: COUNT },
        renameByName: { type: 'object', additionalProperties: STRING },
      }),
    }),
  ],
};

const REDUCE: Schema = object({ calcs: listOf(oneOf('lastNotNull'), 1), values: BOOLEAN }, { fields: STRING });
const LEGEND: Schema = object(
  {
    showLegend: BOOLEAN,
    displayMode: oneOf('list', 'table', 'hidden'),
    placement: oneOf('bottom', 'right'),
    calcs: listOf(STRING),
  },
  { sortBy: STRING, sortDesc: BOOLEAN },
);
const TOOLTIP: Schema = object({ mode: oneOf('single', 'multi', 'none') }, { sort: oneOf('asc', 'desc', 'none') });
const ORIENTATION: Schema = oneOf('auto', 'horizontal', 'vertical');
const NONE: Schema = { type: 'object', properties: {} };

/** A panel with data: its options, and what its fields may be drawn like. */
function panel(type: string, options: Schema, custom: Schema = NONE): Schema {
  return object(
    {
      id: { type: 'integer', minimum: 1 },
      type: oneOf(type),
      title: TEXT,
      description: TEXT,
      datasource: DATASOURCE,
      gridPos: GRID,
      fieldConfig: fieldConfig(custom),
      options,
      targets: listOf(TARGET, 1),
      transparent: BOOLEAN,
    },
    { transformations: listOf(TRANSFORMATION), repeatDirection: oneOf('h', 'v') },
  );
}

const POINT: Schema = object({
  x: { type: 'number', minimum: -1, maximum: 1 },
  y: { type: 'number', minimum: -1, maximum: 1 },
});
const FIXED_COLOUR: Schema = object({ fixed: COLOUR });
const ELEMENT: Schema = object({
  name: TEXT,
  type: oneOf('metric-value', 'text'),
  config: object({
    text: object({ mode: oneOf('field', 'fixed'), fixed: STRING }, { field: TEXT }),
    color: FIXED_COLOUR,
    size: NUMBER,
    align: oneOf('left', 'center', 'right'),
    valign: oneOf('top', 'middle', 'bottom'),
  }),
  constraint: object({ horizontal: oneOf('scale', 'left'), vertical: oneOf('scale', 'top') }),
  placement: object({ left: NUMBER, right: NUMBER, top: NUMBER, bottom: NUMBER }),
  background: object({ color: FIXED_COLOUR }),
  border: object({ color: FIXED_COLOUR, width: NUMBER }, { radius: NUMBER }),
  connections: listOf(
    object({
      source: POINT,
      target: POINT,
      targetName: TEXT,
      color: FIXED_COLOUR,
      size: object({ fixed: NUMBER, min: NUMBER, max: NUMBER }),
      path: oneOf('straight'),
    }),
  ),
});

/** Each type of panel that we use. */
export const PANELS: { readonly [type: string]: Schema } = {
  row: object({
    id: { type: 'integer', minimum: 1 },
    type: oneOf('row'),
    title: TEXT,
    collapsed: oneOf(false),
    gridPos: GRID,
    // The panels of a row that is folded; ours never is.
    panels: { type: 'array', items: { enum: [] } },
  }),
  text: object(
    {
      id: { type: 'integer', minimum: 1 },
      type: oneOf('text'),
      title: TEXT,
      description: TEXT,
      gridPos: GRID,
      options: object({ mode: oneOf('markdown'), content: TEXT }),
      transparent: BOOLEAN,
    },
    { repeatDirection: oneOf('h', 'v'), fieldConfig: {} },
  ),
  stat: panel(
    'stat',
    object(
      {
        reduceOptions: REDUCE,
        colorMode: oneOf('none', 'value', 'background'),
        graphMode: oneOf('none', 'area'),
        justifyMode: oneOf('auto', 'center'),
        textMode: oneOf('auto', 'value', 'name'),
        orientation: ORIENTATION,
      },
      { wideLayout: BOOLEAN, showPercentChange: BOOLEAN, percentChangeColorMode: oneOf('standard') },
    ),
  ),
  bargauge: panel(
    'bargauge',
    object(
      {
        reduceOptions: REDUCE,
        displayMode: oneOf('basic', 'lcd', 'gradient'),
        valueMode: oneOf('color', 'text', 'hidden'),
        showUnfilled: BOOLEAN,
        orientation: ORIENTATION,
      },
      {
        namePlacement: oneOf('auto', 'top', 'left', 'hidden'),
        sizing: oneOf('auto', 'manual'),
        minVizWidth: COUNT,
        minVizHeight: COUNT,
        maxVizHeight: COUNT,
        legend: LEGEND,
      },
    ),
  ),
  timeseries: panel(
    'timeseries',
    object({ legend: LEGEND, tooltip: TOOLTIP }),
    object(
      {
        lineWidth: NUMBER,
        fillOpacity: { type: 'number', minimum: 0, maximum: 100 },
        showPoints: oneOf('never', 'auto'),
        spanNulls: BOOLEAN,
      },
      {
        scaleDistribution: object(
          { type: oneOf('linear', 'log', 'symlog') },
          { log: oneOf(2, 10), linearThreshold: NUMBER },
        ),
        stacking: object({ mode: oneOf('none', 'normal', 'percent'), group: TEXT }),
        thresholdsStyle: object({ mode: oneOf('off', 'line', 'dashed', 'area') }),
      },
    ),
  ),
  table: panel(
    'table',
    object(
      { showHeader: BOOLEAN, cellHeight: oneOf('sm', 'md', 'lg') },
      {
        frameIndex: COUNT,
        showTypeIcons: BOOLEAN,
        sortBy: listOf(object({ displayName: TEXT, desc: BOOLEAN })),
        footer: object({ show: BOOLEAN, countRows: BOOLEAN, reducer: listOf(STRING) }),
      },
    ),
    object({ align: oneOf('auto', 'left', 'right'), filterable: BOOLEAN, inspect: BOOLEAN }),
  ),
  'state-timeline': panel(
    'state-timeline',
    object(
      {
        showValue: oneOf('auto', 'always', 'never'),
        mergeValues: BOOLEAN,
        alignValue: oneOf('left', 'center', 'right'),
        rowHeight: { type: 'number', minimum: 0, maximum: 1 },
        legend: LEGEND,
        tooltip: TOOLTIP,
      },
      { perPage: COUNT },
    ),
    object({}, { fillOpacity: NUMBER, lineWidth: NUMBER }),
  ),
  heatmap: panel(
    'heatmap',
    object(
      {
        calculate: BOOLEAN,
        cellGap: COUNT,
        color: object({
          mode: oneOf('scheme', 'opacity'),
          scheme: TEXT,
          scale: oneOf('linear', 'exponential'),
          exponent: NUMBER,
          steps: COUNT,
          fill: STRING,
          reverse: BOOLEAN,
        }),
        yAxis: object({ unit: TEXT, axisPlacement: oneOf('left', 'right', 'auto') }),
        legend: object({ show: BOOLEAN }),
        tooltip: object({ mode: oneOf('single', 'multi', 'none') }),
        showValue: oneOf('auto', 'always', 'never'),
        exemplars: object({ color: COLOUR }),
        filterValues: object({ le: NUMBER }),
      },
      { selectionMode: oneOf('x', 'y', 'xy') },
    ),
    object({}),
  ),
  canvas: panel(
    'canvas',
    object({
      inlineEditing: BOOLEAN,
      showAdvancedTypes: BOOLEAN,
      panZoom: BOOLEAN,
      infinitePan: BOOLEAN,
      root: object({ name: TEXT, type: oneOf('frame'), elements: listOf(ELEMENT, 1) }),
    }),
  ),
};

const CURRENT: Schema = object({ selected: BOOLEAN, text: listOf(STRING), value: listOf(STRING) });
const CHOSEN = {
  name: { type: 'string', pattern: '^[a-z]+$' },
  label: TEXT,
  multi: BOOLEAN,
  includeAll: BOOLEAN,
  skipUrlSync: BOOLEAN,
} as const satisfies { readonly [key: string]: Schema };
const SHORT: Schema = { type: 'string', pattern: '^\\d+[smhd]$' };

/** A dashboard without its panels' insides, which {@link PANELS} has. */
export const DASHBOARD: Schema = object(
  {
    id: { type: 'null' },
    uid: { type: 'string', pattern: '^[a-zA-Z0-9_-]{1,40}$' },
    title: TEXT,
    description: TEXT,
    tags: listOf(TEXT, 1),
    editable: BOOLEAN,
    graphTooltip: oneOf(0, 1, 2),
    schemaVersion: { type: 'integer', minimum: 36, maximum: 39 },
    version: COUNT,
    timezone: oneOf('browser', 'utc', ''),
    refresh: SHORT,
    time: object({ from: { type: 'string', pattern: '^now-\\d+[smhd]$' }, to: oneOf('now') }),
    panels: listOf({}, 1),
    templating: object({
      list: listOf(
        {
          anyOf: [
            object(
              { ...CHOSEN, type: oneOf('datasource'), query: oneOf('prometheus') },
              { current: {}, regex: STRING, allowCustomValue: BOOLEAN },
            ),
            object(
              { ...CHOSEN, type: oneOf('custom'), query: TEXT, allValue: TEXT, current: CURRENT },
              { description: TEXT, allowCustomValue: BOOLEAN },
            ),
            object(
              {
                ...CHOSEN,
                type: oneOf('query'),
                datasource: DATASOURCE,
                query: object({ query: TEXT, refId: TEXT }),
                definition: TEXT,
                allValue: TEXT,
                refresh: oneOf(0, 1, 2),
                sort: { type: 'integer', minimum: 0, maximum: 8 },
                current: CURRENT,
              },
              { allowCustomValue: BOOLEAN },
            ),
          ],
        },
        1,
      ),
    }),
    annotations: object({
      list: listOf(
        object(
          {
            name: TEXT,
            datasource: DATASOURCE,
            enable: BOOLEAN,
            hide: BOOLEAN,
            iconColor: COLOUR,
            expr: TEXT,
            titleFormat: STRING,
            textFormat: STRING,
            step: SHORT,
          },
          { builtIn: oneOf(0) },
        ),
      ),
    }),
    links: listOf(
      object({
        title: TEXT,
        type: oneOf('dashboards', 'link'),
        tags: listOf(TEXT),
        asDropdown: BOOLEAN,
        includeVars: BOOLEAN,
        keepTime: BOOLEAN,
        targetBlank: BOOLEAN,
        icon: STRING,
        tooltip: STRING,
      }),
    ),
  },
  { fiscalYearStartMonth: oneOf(0) },
);
