import { expect, test } from 'vitest';
import { hurried, hurriedExpr } from '../support/prometheus-pace.ts';
import { filled } from '../support/prometheus-variables.ts';

test.each([
  ['min_over_time(a[10m]) > 5', 'min_over_time(a[10000ms]) > 5'],
  ['rate(a{b="[x]"}[1h30m])', 'rate(a{b="[x]"}[90000ms])'],
  ['increase(a[30s] offset 5m)', 'increase(a[4000ms] offset 5000ms)'],
  ['max_over_time(a[1h:1m])', 'max_over_time(a[60000ms:4000ms])'],
  ['max_over_time(a[10m:])', 'max_over_time(a[10000ms:])'],
  ['predict_linear(a[30m], 4 * 3600) > 1800', 'predict_linear(a[30000ms], 4 * 3600) > 1800'],
])('%s hurries as %s', (expr, hurrying) => {
  expect(hurriedExpr(expr)).toBe(hurrying);
});

test('a rule keeps its threshold and waits a sixtieth', () => {
  const rule = { alert: 'A', expr: 'a[2h] > 3', for: '10m', keep_firing_for: '1h30m' };
  expect(hurried({ groups: [{ name: 'g', rules: [rule] }] }).groups[0]?.rules).toEqual([
    { alert: 'A', expr: 'a[120000ms] > 3', for: '10000ms', keep_firing_for: '90000ms' },
  ]);
});

test('a query is filled in as Grafana does', () => {
  const intervals = { rateIntervalSeconds: 8, rangeSeconds: 60, intervalSeconds: 1 };
  const expr =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's syntax, not JavaScript's.
    'rate(a{job=~"$job", b="${b:regex}"}[$__rate_interval]) / ${__range_s} or label_replace(a, "x", "$1", "y", "(.+)")';
  expect(filled(expr, { b: 'c|d' }, intervals)).toBe(
    'rate(a{job=~".+", b="c|d"}[8s]) / 60 or label_replace(a, "x", "$1", "y", "(.+)")',
  );
});
