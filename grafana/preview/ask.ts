import type { Prometheus, Series } from '../../test/support/prometheus.ts';
import { filled } from '../../test/support/prometheus-variables.ts';
import type { Dashboard, Mark, Panel, ShownSeries, Target } from './model.ts';
import type { PageData } from './page.ts';

/** Four scrapes of a second, as Grafana takes four of whatever the scrape interval is, and the picture is smoother for more. */
const RATE_INTERVAL_SECONDS = 15;
const POINTS = 240;

/** Asks all that a dashboard shows, with everything chosen. */
export async function askFor(
  dashboard: Dashboard,
  prometheus: Prometheus,
  start: number,
  end: number,
): Promise<PageData> {
  const step = Math.max(1, Math.round((end - start) / POINTS));
  const intervals = { rateIntervalSeconds: RATE_INTERVAL_SECONDS, rangeSeconds: end - start, intervalSeconds: step };

  async function ask({ expr, instant = false, legendFormat = '', refId }: Target): Promise<readonly ShownSeries[]> {
    const query = filled(expr, {}, intervals);
    const found = instant
      ? await prometheus.query(query, end)
      : await prometheus.queryRange(query, { start, end, step });
    return found.map((one) => ({
      name: nameOf(one, legendFormat, expr),
      refId,
      labels: one.metric,
      points: one.points,
    }));
  }

  const series = new Map<Panel, readonly ShownSeries[]>();
  for (const panel of dashboard.panels) {
    series.set(panel, (await Promise.all((panel.targets ?? []).map(ask))).flat());
  }
  const marks: Mark[] = [];
  for (const { expr, iconColor } of dashboard.annotations.list) {
    for (const { points } of await prometheus.queryRange(filled(expr, {}, intervals), { start, end, step })) {
      const [first] = points;
      if (first !== undefined && first[0] > start + step) marks.push({ at: first[0], colour: iconColor });
    }
  }
  return { dashboard, series, marks: onceAMoment(marks, (end - start) / 40), start, end };
}

/** The words of a legend, filled from labels; where Grafana is given none, all labels, or the query. */
function nameOf({ metric }: Series, legendFormat: string, expr: string): string {
  if (legendFormat !== '')
    return legendFormat.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => metric[label] ?? '').trim();
  const { __name__ = '', ...labels } = metric;
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length === 0 ? __name__ || expr : `${__name__}{${pairs.join(', ')}}`;
}

/** What begins together is one line. */
function onceAMoment(marks: readonly Mark[], seconds: number): readonly Mark[] {
  const kept: Mark[] = [];
  for (const mark of [...marks].sort((one, other) => one.at - other.at)) {
    if (!kept.some(({ at, colour }) => colour === mark.colour && mark.at - at < seconds)) kept.push(mark);
  }
  return kept;
}
