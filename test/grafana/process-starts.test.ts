import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { processStarts } from '../../grafana/queries.ts';
import { toYaml } from '../../grafana/yaml.ts';
import { run, testWith } from '../support/tools.ts';

/** What of each process was scraped every 15 s, in promtool's notation: info, and the number of its samples. */
const PROCESSES = {
  steady: ['1x60', '5+1x60'],
  missed: ['1x20 stale _x2 1x37', '5+1x20 stale _x2 29+1x37'],
  restarted: ['1x60', '5+1x20 1+1x39'],
  fresh: ['_x40 1x20', '_x40 1+1x20'],
} as const;

const STEADY_TIME = '5m';
const AFTER_RESTART_AND_GAP = '6m15s';
const AFTER_FRESH = '10m30s';
const LATER = '13m';

testWith('promtool', 'a start and a restart are marked for a minute or two, a scrape that was missed is not', () => {
  const restarted = { labels: '{job="j", instance="restarted"}', value: 1 };
  const fresh = { labels: 'nodejs_tcp_info{job="j", instance="fresh"}', value: 1 };
  const asked = [
    [STEADY_TIME, []],
    [AFTER_RESTART_AND_GAP, [restarted]],
    [AFTER_FRESH, [fresh]],
    [LATER, []],
  ] as const;
  const { status, output } = tested(asked.map(([time, samples]) => test(time, samples)));
  expect(output).toContain('SUCCESS');
  expect(status, output).toBe(0);
});

testWith('promtool', 'the test of it can fail', () => {
  expect(tested([test(AFTER_FRESH, [])]).status).not.toBe(0);
});

type Samples = readonly { readonly labels: string; readonly value: number }[];

function test(eval_time: string, exp_samples: Samples): { expr: string; eval_time: string; exp_samples: Samples } {
  return { expr: processStarts().replace(/\$(job|instance)/g, '.+'), eval_time, exp_samples };
}

function tested(promql_expr_test: readonly ReturnType<typeof test>[]): { status: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-starts-'));
  try {
    const input_series = Object.entries(PROCESSES).flatMap(([instance, [info, samples]]) => [
      { series: `nodejs_tcp_info{job="j", instance="${instance}"}`, values: info },
      { series: `nodejs_tcp_collector_duration_seconds_count{job="j", instance="${instance}"}`, values: samples },
    ]);
    const file = join(folder, 'starts.test.yml');
    writeFileSync(file, toYaml({ rule_files: [], tests: [{ interval: '15s', input_series, promql_expr_test }] }));
    return run('promtool', ['test', 'rules', file], '');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
