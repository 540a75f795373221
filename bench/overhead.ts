// What finwait costs, side by side with the same program without it.
//
//   npm run bench                    everything, about 3 minutes on a machine that does nothing else
//   npm run bench -- --quick         everything, coarsely, in well under a minute
//   npm run bench -- --only memory   one part: churn, micro, memory or scrape
import { parseArgs } from 'node:util';
import { type Build, build } from './build.ts';
import { measureChurn } from './churn.ts';
import { lookAtMachine, type Machine } from './machine.ts';
import { measureMemory } from './memory.ts';
import { measureMicro } from './micro.ts';
import { measureScrape } from './scrape.ts';
import type { Spread } from './statistics.ts';
import type { Finding } from './verdict.ts';

const PARTS: {
  readonly [part: string]: (build: Build, machine: Machine, quick: boolean) => AsyncGenerator<Finding>;
} = {
  micro: measureMicro,
  memory: (build, _, quick) => measureMemory(build, quick),
  scrape: measureScrape,
  churn: measureChurn,
};

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const parts = values.only === undefined ? Object.keys(PARTS) : [values.only];
if (values.only !== undefined && PARTS[values.only] === undefined) {
  console.error(`--only takes ${Object.keys(PARTS).join(', ')}; received '${values.only}'`);
  process.exit(2);
}

const machine = lookAtMachine();
describe(machine);
const findings: Finding[] = [];
const built = build();
try {
  for (const part of parts) {
    for await (const finding of PARTS[part]?.(built, machine, values.quick) ?? []) {
      findings.push(finding);
      console.log(line(finding));
    }
  }
} finally {
  built.remove();
}
console.log('G6, G7 are not measured: @opentelemetry/instrumentation-net and express-prom-bundle are not installed.');
console.log(JSON.stringify({ machine, quick: values.quick, findings }));
// Only a proven miss fails: what lies within the noise, or under a control that was off, is for a person to judge.
if (findings.some(({ verdict }) => verdict === 'FAIL')) process.exitCode = 1;

function describe({ node, cpu, cores, loadAverage, pins, namespaces }: Machine): void {
  console.log(`Node ${node}, ${cpu}, ${cores} cores, load average ${loadAverage.toFixed(2)}`);
  if (loadAverage > 1) console.log('Something else is running: ratios of CPU time will be noisy.');
  if (!pins) console.log('Not pinned: taskset is missing, or there is one core.');
  if (!namespaces) console.log('No network namespace: TIME_WAIT rows of one part stay for the next (unshare, ip).');
  console.log('goal | what | measured [95% interval], middle half, range | at most | control | verdict | details');
}

function line({ goal, what, measured, unit, atMost, verdict, control, note }: Finding): string {
  return [
    goal.padEnd(3),
    what.padEnd(27),
    text(measured, unit),
    `<= ${atMost} ${unit}`,
    control === undefined
      ? '-'
      : `${control.median.toFixed(3)} [${control.low.toFixed(3)}, ${control.high.toFixed(3)}]`,
    verdict,
    note,
  ].join(' | ');
}

function text({ median, low, high, p25, p75, min, max }: Spread, unit: Finding['unit']): string {
  const digits = { x: 3, ns: 1, B: 0, ms: 2 }[unit];
  const show = (value: number): string => value.toFixed(digits);
  return `${show(median)} [${show(low)}, ${show(high)}], ${show(p25)}-${show(p75)}, ${show(min)}-${show(max)}`;
}
