import type { Machine } from './machine.ts';
import type { Spread } from './statistics.ts';
import type { Finding } from './verdict.ts';

/** Says where the figures come from, what spoils them, and how to read the lines that follow. */
export function printHead({ node, cpu, cores, loadAverage, pins, namespaces }: Machine): void {
  console.log(`Node ${node}, ${cpu}, ${cores} cores, load average ${loadAverage.toFixed(2)}`);
  if (loadAverage > 1) console.log('Something else is running: ratios of CPU time will be noisy.');
  if (!pins) console.log('Not pinned: taskset is missing, or there is one core.');
  if (!namespaces) console.log('No network namespace: TIME_WAIT rows of one part stay for the next (unshare, ip).');
  console.log('goal | what | measured [95% interval], middle half, range | at most | control | verdict | details');
}

/** Prints one finding. */
export function printFinding({ goal, what, measured, unit, atMost, verdict, control, note }: Finding): void {
  const line = [
    goal.padEnd(3),
    what.padEnd(27),
    textOf(measured, unit),
    `<= ${atMost} ${unit}`,
    control === undefined
      ? '-'
      : `${control.median.toFixed(3)} [${control.low.toFixed(3)}, ${control.high.toFixed(3)}]`,
    verdict,
    note,
  ];
  console.log(line.join(' | '));
}

/**
 * Prints everything again as one line of JSON, and sets the exit code. Only a proven miss fails: what lies within the
 * noise, or under a control that was off, is for a person to judge.
 */
export function printEnd(machine: Machine, quick: boolean, findings: readonly Finding[]): void {
  console.log(JSON.stringify({ machine, quick, findings }));
  if (findings.some(({ verdict }) => verdict === 'FAIL')) process.exitCode = 1;
}

const DIGITS: { readonly [unit in Finding['unit']]: number } = { x: 3, ns: 1, B: 0, ms: 2, '%': 2 };

function textOf({ median, low, high, p25, p75, min, max }: Spread, unit: Finding['unit']): string {
  const show = (value: number): string => value.toFixed(DIGITS[unit]);
  return `${show(median)} [${show(low)}, ${show(high)}], ${show(p25)}-${show(p75)}, ${show(min)}-${show(max)}`;
}
