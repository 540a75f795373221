import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CATALOGUE, DEFAULT_PREFIX, type MetricName } from '../../src/metrics/catalogue.ts';
import { STATE_LABELS, STATES, stateName } from '../../src/tcp/state.ts';
import { readSource } from '../support/script.ts';

const PAGES = [
  'README.md',
  ...readdirSync(new URL('../../docs', import.meta.url))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

describe('the documentation', () => {
  it.each(PAGES)('%s names metrics of the catalogue only', (page) => {
    // What stands behind a colon is the name of a recording rule.
    const named = readSource(page).match(new RegExp(`(?<![:\\w])${DEFAULT_PREFIX}[a-z0-9_]+`, 'g')) ?? [];
    const unknown = named.filter((name) => !isExposed(name.slice(DEFAULT_PREFIX.length)));
    expect(unknown).toEqual([]);
  });

  it.each(PAGES)('%s names states by their label values', (page) => {
    for (const [, state] of readSource(page).matchAll(/\b(?:state|from|to)="([a-z0-9_]+)"/g)) {
      expect(STATE_LABELS).toContain(state);
    }
  });

  it('docs/tcp-states.md has all 11 states in order, each with the metric that shows it', () => {
    const page = readSource('docs/tcp-states.md');
    const [, ...sections] = page.slice(page.indexOf('## State by state'), page.indexOf('## Seeing')).split('\n### ');
    expect(sections.map((section) => section.split('\n')[0])).toEqual(STATES.map(stateName));
    for (const section of sections) {
      for (const part of ['\n- Get there: ', '\n- Normal: ', ' Bad: ', '\n- Metric: `nodejs_tcp_']) {
        expect(section).toContain(part);
      }
    }
  });
});

/** Whether the exposition has a series of that name; a histogram has three. */
function isExposed(name: string): boolean {
  if (Object.hasOwn(CATALOGUE, name)) return true;
  const base = name.replace(/_(bucket|sum|count)$/, '');
  return Object.hasOwn(CATALOGUE, base) && CATALOGUE[base as MetricName].type === 'histogram';
}
