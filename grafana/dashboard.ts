import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { VERDICT_COLOURS } from './colours.ts';
import { finalize, type Json } from './finalize.ts';
import { row } from './panels.ts';
import { PROJECT } from './project.ts';
import { firingAlerts, processStarts } from './queries.ts';
import { type Choice, DATASOURCE, variables } from './variables.ts';

/** A dashboard's table of contents. */
export interface DashboardSpec {
  /** At most 40 characters, never changed: links and bookmarks hold it. Also the name of the file. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** What one chooses besides data source, job and instance. @default 'both' */
  readonly choice?: Choice;
  /** How far back it looks, and how often it looks again. @default the last hour, every 30 s */
  readonly window?: { readonly from: string; readonly refresh: string };
  readonly sections: readonly {
    /** The first section answers the dashboard's question and has no heading. */
    readonly title?: string;
    readonly panels: readonly Builder<Panel>[];
  }[];
}

/** The dashboard with everything that all of ours have, ready to be written. */
export function dashboard(spec: DashboardSpec): Json {
  const { choice = 'both', window = { from: 'now-1h', refresh: '30s' } } = spec;
  const builder = new DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags([PROJECT, 'nodejs', 'tcp'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: window.from, to: 'now' })
    .refresh(window.refresh)
    .timezone('browser')
    .version(1)
    .variables(variables(choice))
    .annotation(
      new AnnotationQueryBuilder()
        .name('Firing alerts')
        .datasource(DATASOURCE)
        .enable(true)
        .iconColor(VERDICT_COLOURS.bad)
        .expr(firingAlerts())
        .titleFormat('{{alertname}}')
        .textFormat('{{instance}} {{side}} {{name}}')
        .step('60s'),
    )
    .annotation(
      new AnnotationQueryBuilder()
        .name('Process starts')
        .datasource(DATASOURCE)
        .enable(true)
        .iconColor(VERDICT_COLOURS.neutral)
        .expr(processStarts())
        .titleFormat('started')
        .textFormat('{{job}} {{instance}}')
        .step('60s'),
    )
    .link(
      new DashboardLinkBuilder(`${PROJECT} dashboards`)
        .type(DashboardLinkType.Dashboards)
        .tags([PROJECT])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    );
  for (const { title, panels } of spec.sections) {
    if (title !== undefined) builder.withRow(row(title));
    for (const panel of panels) builder.withPanel(panel);
  }
  return finalize(builder.build());
}
