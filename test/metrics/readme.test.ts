import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withMetricsTable } from '../../docs/metrics-table.ts';

test('the table of metrics in README.md is the catalogue (npm run readme)', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(readme).toBe(withMetricsTable(readme));
});
