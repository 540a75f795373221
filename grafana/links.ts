// Links from a row of a table into another dashboard.

/** The uid of each dashboard; what links to one names it here. At most 40 characters, never changed after a release. */
export const UIDS = {
  fleet: 'finwait-tcp-fleet',
  lifecycle: 'finwait-tcp-lifecycle',
  closeWait: 'finwait-tcp-close-wait',
  load: 'finwait-tcp-load',
  upstreams: 'finwait-tcp-upstreams',
} as const;

/** One entry of the menu that a click on a cell opens. */
export interface RowLink {
  readonly title: string;
  readonly to: keyof typeof UIDS;
  /** The variables that are set to what the row says; the dashboard linked to has them. */
  readonly labels: readonly ('job' | 'instance' | 'side' | 'name')[];
}

/** The links as Grafana keeps them. Time range and data source stay; values are encoded by Grafana. */
export function rowLinks(links: readonly RowLink[]): { title: string; url: string; targetBlank: boolean }[] {
  return links.map(({ title, to, labels }) => ({
    title,
    url: `/d/${UIDS[to]}?${[
      `\${datasource:queryparam}`,
      ...labels.map((label) => `var-${label}=\${__data.fields.${label}}`),
      `\${__url_time_range}`,
    ].join('&')}`,
    targetBlank: false,
  }));
}
