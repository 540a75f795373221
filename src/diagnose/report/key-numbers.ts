import type { LoadRun } from '../../detect/load-test/load-run.ts';
import type { LoadSample } from '../../detect/load-test/load-sample.ts';
import type { StateCounts } from '../../tcp/state.ts';
import { duringPhase, levelOf, meanOf, peakOf, type Reading, rateOf } from './track.ts';
import { inUnit } from './unit.ts';

/** A number that says what kind of load test it was. */
export interface KeyNumber {
  readonly label: string;
  readonly value: string;
  /** What it is of, or when. */
  readonly note: string;
}

/** A handful of numbers of a run, for the eye: those that are not known are left out. */
export function keyNumbers(run: LoadRun): KeyNumber[] {
  const { samples } = run;
  const peak = (reading: Reading): number | undefined => peakOf(duringPhase(levelOf(samples, reading), run, 'load'));
  const mean = (reading: Reading): number | undefined => meanOf(duringPhase(rateOf(samples, reading), run, 'load'));
  const open = peak(
    ({ table }) => table && Math.max(table.server.established, table.callers.established, table.outbound.established),
  );
  const opened = mean(({ counters }) => counters.passiveOpens);
  const requests = mean(({ inside }) => inside?.requests);
  const queue = peak(({ table }) => table?.acceptQueue?.connections);
  const queueLimit = peak(({ table }) => table?.acceptQueue?.limit);
  const ports = samples
    .flatMap(({ table }) => table?.ports ?? [])
    .reduce<{ used: number; limit?: number | undefined }>(
      (most, { used, limit }) => (used > most.used ? { used, limit } : most),
      { used: 0 },
    );
  const target = peak((sample) => sample.target?.busiestThread);
  const generator = peak((sample) => sample.generator?.busiestThread);
  const left = leftOver(samples);
  return [
    ...said('Open at once', open, 'count', 'established, at the peak'),
    ...said('Requests', requests, 'per_second', 'mean, counted inside'),
    ...said('Opened', opened, 'per_second', 'mean, whole namespace'),
    ...said(
      'Accept queue',
      queue,
      'count',
      queueLimit === undefined ? 'at the peak' : `at the peak, limit ${inUnit(queueLimit, 'count')}`,
    ),
    ...(ports.used === 0
      ? []
      : said(
          'Local ports',
          ports.used,
          'count',
          ports.limit === undefined ? 'used at the peak' : `used, of ${inUnit(ports.limit, 'count')}`,
        )),
    ...share('Target', target),
    ...share('Load generator', generator),
    ...said('Left at the end', left, 'count', 'more than before, at the server'),
  ];
}

/** Connections at the server's end that the load left behind; TIME_WAIT goes by itself. */
function leftOver(samples: readonly LoadSample[]): number | undefined {
  const tables = samples.flatMap(({ table }) => (table === undefined ? [] : [table.server]));
  const [first] = tables;
  const last = tables.at(-1);
  return first === undefined || last === undefined ? undefined : Math.max(0, heldIn(last) - heldIn(first));
}

function heldIn(states: StateCounts): number {
  const { listen, time_wait, closed, ...held } = states;
  return Object.values(held).reduce((sum, each) => sum + each, 0);
}

function said(label: string, value: number | undefined, unit: 'count' | 'per_second', note: string): KeyNumber[] {
  return value === undefined ? [] : [{ label, value: inUnit(value, unit), note }];
}

function share(label: string, value: number | undefined): KeyNumber[] {
  return value === undefined
    ? []
    : [{ label, value: `${Math.round(value * 100)}%`, note: 'of a core, its busiest thread, at the peak' }];
}
