import { DASHBOARDS } from '../../grafana/generate.ts';
import { DEFAULT_PREFIX, METRICS } from '../../src/metrics/catalogue.ts';

/** What the tests read of a panel. */
export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title?: string;
  readonly description?: string;
  readonly datasource?: { readonly type?: string; readonly uid?: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat?: string }[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string };
    readonly overrides: readonly {
      readonly matcher: { readonly id: string; readonly options?: unknown };
      readonly properties: readonly { readonly id: string; readonly value?: unknown }[];
    }[];
  };
  readonly options?: { readonly content?: string; readonly root?: { readonly elements: readonly unknown[] } };
}

/** What the tests read of a template variable. */
interface VariableJson {
  readonly name: string;
  readonly label?: string;
  readonly type: string;
  readonly refresh?: number;
  readonly multi?: boolean;
  readonly allValue?: string;
  readonly definition?: string;
  readonly query?: unknown;
  readonly datasource?: { readonly uid?: string };
}

/** What the tests read of a dashboard. */
export interface DashboardJson {
  readonly id: unknown;
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly editable: boolean;
  readonly panels: readonly PanelJson[];
  readonly templating: { readonly list: readonly VariableJson[] };
  readonly tags: readonly string[];
  readonly links: readonly object[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

/** Every dashboard as it is written. */
export const dashboards: readonly DashboardJson[] = Object.values(DASHBOARDS).map(
  (dashboard) => dashboard() as unknown as DashboardJson,
);

/** The panels that show data: neither headings nor words. */
export function dataPanels({ panels }: DashboardJson): PanelJson[] {
  return panels.filter(({ type }) => type !== 'row' && type !== 'text');
}

/** The expressions of a dashboard's panels. */
export function expressions(dashboard: DashboardJson): string[] {
  return dataPanels(dashboard).flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

/** The names in front of a selector or a range, and all that begin like ours; label names and functions left out. */
export function metricsIn(expr: string): string[] {
  const names = new RegExp(`\\b(?:${DEFAULT_PREFIX}\\w+|[a-zA-Z_:][\\w:]*(?=\\s*[{[]))`, 'g');
  return expr.match(names) ?? [];
}

/** Every name that an exposition can show: a histogram shows three. */
export function namesOfCatalogue(prefix: string): ReadonlySet<string> {
  return new Set(
    METRICS.flatMap(({ name, type }) =>
      type === 'histogram' ? ['bucket', 'sum', 'count'].map((series) => `${prefix}${name}_${series}`) : [prefix + name],
    ),
  );
}
