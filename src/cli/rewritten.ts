import { DEFAULT_PREFIX } from '../metrics/catalogue.ts';

/** The label that Prometheus gives to all targets of a scrape configuration. */
export const DEFAULT_JOB_LABEL = 'job';

/** Where the alerts of the package find the runbook. */
const PACKAGED_RUNBOOK = 'grafana/runbook.md';

/** What a user's Prometheus calls things. */
export interface UsersNames {
  readonly prefix: string;
  readonly jobLabel: string;
  /** Where runbook.md can be read; undefined: beside the rules. */
  readonly runbookUrl?: string;
}

/** The files under the names of this user: metrics with their prefix, the label of a service, links to the runbook. */
export function rewritten(files: ReadonlyMap<string, string>, names: UsersNames): ReadonlyMap<string, string> {
  return new Map([...files].map(([path, text]) => [path, rewrittenFile(path, text, names)]));
}

function rewrittenFile(path: string, text: string, { prefix, jobLabel, runbookUrl }: UsersNames): string {
  const named = text
    .replaceAll(DEFAULT_PREFIX, prefix)
    .replaceAll(`${PACKAGED_RUNBOOK}#`, `${runbookUrl ?? 'runbook.md'}#`);
  if (jobLabel === DEFAULT_JOB_LABEL) return named;
  if (!path.endsWith('.json')) return withLabel(named, jobLabel);
  return `${JSON.stringify(inDashboard(JSON.parse(named), jobLabel), undefined, 2)}\n`;
}

/** In a query: as a matcher, in a list of labels, as what label_values gives. `$job` is a variable and stays. */
const MATCHER = /\bjob(?=\s*(?:=~|!~|!=|=)\s*")/g;
const LIST = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)/g;
const LABEL_VALUES = /(?<=\blabel_values\(.*,\s*)job(?=\s*\))/g;
/** In a template: of an alert, of a legend, of a link in a panel. */
const TEMPLATE = /(?<=\$labels\.|\{\{\s*|__field\.labels\.|__data\.fields\.)job\b/g;

function withLabel(text: string, label: string): string {
  return text
    .replace(MATCHER, label)
    .replace(LIST, (list) => list.replace(/\bjob\b/g, label))
    .replace(LABEL_VALUES, label)
    .replace(TEMPLATE, label);
}

/** Keys whose value is a name that the dashboard itself gives: that of its variable stays, for links carry it. */
const OWN_NAMES: ReadonlySet<string> = new Set(['name', 'refId', 'title', 'label']);

/** The columns of a table are called after labels, as keys and as values. */
function inDashboard(value: unknown, label: string, key = ''): unknown {
  if (typeof value === 'string') {
    if (value === DEFAULT_JOB_LABEL) return OWN_NAMES.has(key) ? value : label;
    return withLabel(value, label);
  }
  if (Array.isArray(value)) return value.map((item) => inDashboard(item, label, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [
      name === DEFAULT_JOB_LABEL ? label : name,
      inDashboard(child, label, name),
    ]),
  );
}
