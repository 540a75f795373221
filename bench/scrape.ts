import type { Build } from './build.ts';
import type { Machine } from './machine.ts';
import type { ScrapeResult } from './programs/scrape.ts';
import { runProgram } from './run-program.ts';
import { quantile, spreadOf } from './statistics.ts';
import { type Finding, judge } from './verdict.ts';

const GOALS = [
  { names: 2, atMost: 1 },
  { names: 50, atMost: 6 },
] as const;

/** How long `registry.metrics()` takes, 95th percentile. */
export async function* measureScrape(build: Build, machine: Machine, quick: boolean): AsyncGenerator<Finding> {
  for (const { names, atMost } of GOALS) {
    const results: ScrapeResult[] = [];
    for (let process = 0; process < (quick ? 1 : 3); process++) {
      const core = machine.pins ? 0 : undefined;
      results.push(await runProgram<ScrapeResult>(build.program('scrape'), [String(names)], { core }));
    }
    const measured = spreadOf(results.map(({ ms }) => quantile(ms, 0.95)));
    const all = results.flatMap(({ ms }) => ms);
    const series = results[0]?.series ?? 0;
    yield {
      goal: 'G10',
      what: `a scrape, ${names} names, p95`,
      measured,
      unit: 'ms',
      atMost,
      verdict: judge(measured, atMost),
      note: `${series} series, p50 ${quantile(all, 0.5).toFixed(2)} ms, max ${Math.max(...all).toFixed(2)} ms`,
    };
  }
}
