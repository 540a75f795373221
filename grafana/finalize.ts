import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { refId } from './panels.ts';

/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * The newest schema that Grafana 10 to 13 all read: older numbers are migrated on load, newer ones than a server knows
 * are refused. The builders write 42 and offer no choice.
 */
const SCHEMA_VERSION = 39;

/** Keys that the builders add and that only one of the supported Grafana versions understands, or that say nothing. */
const UNWANTED: { readonly [place in 'annotation' | 'link' | 'variable']: readonly string[] } = {
  // On new versions `inControlsMenu`, their only value, hides both in a menu.
  annotation: ['placement'],
  link: ['placement'],
  // For interval variables, which these are not.
  variable: ['auto', 'auto_min', 'auto_count'],
};

/** Fills in what the builders leave out (ids, letters of queries), takes away what they add, and orders the keys. */
export function finalize(dashboard: Dashboard): Json {
  const panels = (dashboard.panels ?? []).map((panel, index) => {
    const id = index + 1;
    if (!('targets' in panel)) return { ...panel, id };
    const targets = panel.targets?.map((target, position) => ({ ...target, refId: refId(position) }));
    return { ...panel, id, targets };
  });
  const finished = {
    ...dashboard,
    id: null,
    schemaVersion: SCHEMA_VERSION,
    panels,
    annotations: { list: (dashboard.annotations?.list ?? []).map((entry) => without(entry, UNWANTED.annotation)) },
    links: (dashboard.links ?? []).map((link) => without(link, UNWANTED.link)),
    templating: { list: (dashboard.templating?.list ?? []).map((entry) => without(entry, UNWANTED.variable)) },
  };
  // Through text: drops undefined, and shares nothing with the builders.
  return sorted(JSON.parse(JSON.stringify(finished)) as Json);
}

function without(entry: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(entry).filter(([key]) => !keys.includes(key)));
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, child]) => [key, sorted(child)]),
  );
}
