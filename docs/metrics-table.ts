// Writes the table of metrics in README.md from the catalogue: `npm run readme`. A test holds the two together.
import { readFileSync, writeFileSync } from 'node:fs';
import { DEFAULT_PREFIX, METRICS } from '../src/metrics/catalogue.ts';

const BEGIN = '<!-- metrics: begin (npm run readme) -->';
const END = '<!-- metrics: end -->';

/** The README with its table of metrics as the catalogue has it now. */
export function withMetricsTable(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`README.md has no '${BEGIN}' ... '${END}'`);
  return `${readme.slice(0, begin + BEGIN.length)}\n${metricsTable()}\n${readme.slice(end)}`;
}

/** Every metric as a Markdown table. */
function metricsTable(): string {
  const rows = METRICS.map(({ name, type, labels, help, level }) => {
    const labelled = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${DEFAULT_PREFIX}${name}\` | ${type} | ${labelled} | ${help}${level === 'full' ? ' Level `full`.' : ''} |`;
  });
  return ['', '| metric | type | labels | meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const path = new URL('../README.md', import.meta.url);
  writeFileSync(path, withMetricsTable(readFileSync(path, 'utf8')));
}
