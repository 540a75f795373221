import type { ReaderName, Readings, SamplingResult } from './programs/sampling.ts';
import { mean, median, ratioSpreadOf, type Spread, spreadOf } from './statistics.ts';
import { type Finding, judge, type Verdict } from './verdict.ts';

/** In a small table the start of a process is most of the cost, whatever reads it: goals are for tables from here on. */
const MIN_ROWS = 20_000;
/** Event-loop delays grow with the table: their goals are for tables up to this size. */
const MAX_DELAY_ROWS = 50_000;
/** The join has its goal where so many rows are the process's own. */
const MIN_OWN_ROWS = 50_000;
const MAX_DELAY_MS = 10;
const MIN_ROWS_A_SECOND = 350_000;
const DEFAULT_INTERVAL_MS = 15_000;

/** What reading one table says of each goal. */
export function findingsOf(result: SamplingResult): Finding[] {
  const { rows, readings } = result;
  const { finwait, ss } = readings;
  if (finwait === undefined || ss === undefined) throw new Error('finwait and ss always have their turns');
  const large = rows >= MIN_ROWS;
  const rounds = `${finwait.wallMs.length} rounds`;

  const findings: Finding[] = [
    found('G17', 'wall / bare ss', ratioSpreadOf(finwait.wallMs, ss.wallMs), 'x', 1.2, large, {
      note: `${ms(median(finwait.wallMs))} to ${ms(median(ss.wallMs))}, ${rounds}; CPU of ss ${ms(mean(ss.cpuMs))}`,
    }),
  ];
  for (const { goal, name, atMost } of CPU_GOALS) {
    const other = readings[name];
    if (other !== undefined) findings.push(cpuFinding(goal, name, atMost, large, finwait, other));
  }
  findings.push(
    found('G13', 'CPU a row, process', perRow(finwait.ownCpuMs, rows), 'ns', 700, result.ownRows >= MIN_OWN_ROWS, {
      note: `${result.ownRows} own rows; all threads of the process, its children are not in it`,
    }),
    found('G13', 'wall a row', perRow(finwait.wallMs, rows), 'ns', Math.round(1e9 / MIN_ROWS_A_SECOND), large, {
      note: `${(rows / median(finwait.wallMs)).toFixed(0)} thousand rows a second, at least 350`,
    }),
    ...delayFindings(result, large),
  );
  const atDefault = spreadOf(
    finwait.cpuMs.map((cpu) => (cpu / DEFAULT_INTERVAL_MS) * 100),
    mean,
  );
  findings.push(
    found('G16', 'share of a core, every 15 s', atDefault, '%', 1, false, {
      note: 'computed for the default interval; above the goal finwait samples less often',
    }),
  );
  if (result.dutyPercent.length > 0) {
    findings.push(
      found('G16', 'share of a core, unbridled', spreadOf(result.dutyPercent, mean), '%', 1, true, {
        note: `of a process that asks for a sample every 100 ms and does nothing else; ${result.dutyPercent.length} stretches`,
      }),
    );
  }
  return findings;
}

const CPU_GOALS: readonly { readonly goal: string; readonly name: ReaderName; readonly atMost: number }[] = [
  { goal: 'G11', name: 'node_exporter', atMost: 1.2 },
  { goal: 'G12', name: 'netstat', atMost: 0.5 },
  { goal: 'G12', name: 'systeminformation', atMost: 0.2 },
];

function cpuFinding(
  goal: string,
  name: ReaderName,
  atMost: number,
  large: boolean,
  finwait: Readings,
  other: Readings,
): Finding {
  // The mean: what children used is counted in ticks.
  const measured = ratioSpreadOf(finwait.cpuMs, other.cpuMs, mean);
  const own = ms(mean(finwait.ownCpuMs));
  const note = `${ms(mean(finwait.cpuMs))}, of it ${own} in the process, to ${ms(mean(other.cpuMs))}`;
  return found(goal, `CPU / ${name}`, measured, 'x', atMost, large, { note });
}

function delayFindings({ rows, delaysMs, heldMs }: SamplingResult, large: boolean): Finding[] {
  const measured = spreadOf(delaysMs.sample);
  const idle = spreadOf(delaysMs.nothing);
  const set = large && rows <= MAX_DELAY_ROWS;
  const note =
    `the worst of each sample, ${delaysMs.sample.length} of them; ` +
    `without a sample ${ms(idle.median)}, at most ${ms(idle.max)}`;
  // A machine that delays a loop with nothing to do cannot tell what a sample does.
  const middle = idle.median > 5 ? 'INCONCLUSIVE' : judge(measured, 5);
  const findings: Finding[] = [
    found('G14', 'event-loop delay, median', measured, 'ms', 5, set, { verdict: middle, note }),
    found('G14', 'event-loop delay, worst', measured, 'ms', MAX_DELAY_MS, set, {
      verdict: judgeWorst(measured, idle),
      note: `worst ${ms(measured.max)}; a failure only if the median is above the limit`,
    }),
  ];
  if (heldMs !== undefined) {
    findings.push(
      found('G15', 'delay / spawn, 1 GB held', ratioSpreadOf(heldMs.sample, heldMs.spawn), 'x', 0.1, set, {
        note:
          `${ms(median(heldMs.sample))}, at most ${ms(Math.max(...heldMs.sample))}, ` +
          `to ${ms(median(heldMs.spawn))} where the process itself spawns ss`,
      }),
    );
  }
  return findings;
}

/** One stall among many samples may be a neighbour's: only what the median shows is proven. */
function judgeWorst(measured: Spread, idle: Spread): Verdict {
  if (measured.max <= MAX_DELAY_MS) return 'PASS';
  if (idle.max > MAX_DELAY_MS) return 'INCONCLUSIVE';
  return measured.low > MAX_DELAY_MS ? 'FAIL' : 'WITHIN NOISE';
}

function found(
  goal: string,
  what: string,
  measured: Spread,
  unit: Finding['unit'],
  atMost: number,
  isSet: boolean,
  { note, verdict }: { readonly note: string; readonly verdict?: Verdict },
): Finding {
  const judged = verdict ?? judge(measured, atMost);
  return { goal, what, measured, unit, atMost, verdict: isSet ? judged : 'NO GOAL', note };
}

function perRow(perReadingMs: readonly number[], rows: number): Spread {
  return spreadOf(perReadingMs.map((one) => (one * 1e6) / rows));
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
