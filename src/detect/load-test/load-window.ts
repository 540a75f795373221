import type { LoadRun } from './load-run.ts';
import type { CounterSample, LoadSample, TableSample } from './load-sample.ts';

/**
 * Load generators take their connections down at the end, print, and go. autocannon destroys its sockets and wrk exits
 * with its own, so that the kernel counts RSTs and FINs which tell nothing of the test.
 */
const TEARDOWN_MS = 500;

/** The looks at a load that tell of it. */
export interface LoadWindow {
  /** Taken while the load ran. */
  readonly seen: readonly LoadSample[];
  /** The same after the newest look before the load: what counters have grown by from the first to the last is the load's. */
  readonly counted: readonly LoadSample[];
  /** From the first to the last of `counted`. */
  readonly seconds: number;
}

/** The load without its last moments. What a crash or a lack of ports makes of it is still in there. */
export function wholeLoad(run: LoadRun): LoadWindow {
  return windowUntil(run, run.phases.load.toMs - TEARDOWN_MS);
}

/** The looks at the load to its last moment, which takes no port and closes no descriptor before its time. */
export function looksAtLoad(run: LoadRun): readonly LoadSample[] {
  return during(run, run.phases.load.toMs);
}

/** The load as long as connections were open: without what follows a crash, and without an early end of the generator. */
export function steadyLoad(run: LoadRun): LoadWindow {
  const all = looksAtLoad(run);
  // Short connections may all be between two looks.
  const last = all.findLastIndex((sample, index) => hasConnections(sample) || hasOpened(all[index - 1], sample));
  const isLast = last < 0 || last >= all.findLastIndex(({ table }) => table !== undefined);
  const whole = wholeLoad(run);
  if (isLast) return whole;
  // The counters are not read at the same instant as the table: those of the last one may have seen the teardown.
  const end = all[last - 1]?.atMs ?? Number.NEGATIVE_INFINITY;
  return windowOf(
    run,
    whole.seen.filter(({ atMs }) => atMs <= end),
  );
}

/** The looks that began in a phase. */
export function samplesBefore(run: LoadRun): readonly LoadSample[] {
  return run.samples.filter(({ atMs }) => atMs < run.phases.load.fromMs);
}

/** The looks that began after the load. */
export function samplesAfter(run: LoadRun): readonly LoadSample[] {
  return run.samples.filter(({ atMs }) => atMs > run.phases.load.toMs);
}

/** Whether somebody talks, or tries to talk, to the target in this look. */
export function hasConnections({ table }: LoadSample): boolean {
  if (table === undefined) return false;
  const { server, callers } = table;
  return server.established + callers.established + server.syn_received + callers.syn_sent > 0;
}

/**
 * Whether those who connect are on this host too: what happens to a connection is then counted at both ends. Undefined
 * without a table that would show them.
 */
export function isCalledFromHere({ seen }: LoadWindow): boolean | undefined {
  const callers = tablePeak(seen, ({ callers: { listen: _, closed: __, ...open } }) =>
    Object.values(open).reduce((sum, count) => sum + count, 0),
  );
  return callers === undefined ? undefined : callers > 0;
}

function hasOpened(before: LoadSample | undefined, { counters }: LoadSample): boolean {
  return (counters.passiveOpens ?? 0) > (before?.counters.passiveOpens ?? Number.POSITIVE_INFINITY);
}

/** The tables of these looks: sound ones, unless most are degraded, then all that there are. */
export function tablesOf(samples: readonly LoadSample[]): readonly LoadSample[] {
  const all = samples.filter(({ table }) => table !== undefined);
  const sound = soundTables(all);
  return sound.length * 2 >= all.length ? sound : all;
}

/** Those of these looks whose table is all that it might be. */
export function soundTables(samples: readonly LoadSample[]): readonly LoadSample[] {
  return samples.filter(({ table }) => table !== undefined && table.degraded.length === 0);
}

/**
 * How much a counter has grown over these looks; undefined where fewer than two of them have it, and where it went back:
 * it then began anew, and nobody knows what it had counted.
 */
export function growth(
  samples: readonly LoadSample[],
  read: (sample: LoadSample) => number | undefined,
): number | undefined {
  const values = valuesOf(samples, read);
  if (values.length < 2) return undefined;
  for (let index = 1; index < values.length; index++) {
    if ((values[index] as number) < (values[index - 1] as number)) return undefined;
  }
  return finite((values.at(-1) as number) - (values[0] as number));
}

/** {@link growth} of a counter of the kernel. */
export function counterGrowth({ counted }: LoadWindow, counter: keyof CounterSample): number | undefined {
  return growth(counted, ({ counters }) => counters[counter]);
}

/** The greatest that a number was in these looks; undefined where none has it. */
export function peak(
  samples: readonly LoadSample[],
  read: (sample: LoadSample) => number | undefined,
): number | undefined {
  return valuesOf(samples, read).reduce<number | undefined>(
    (most, value) => (most === undefined || value > most ? value : most),
    undefined,
  );
}

/** {@link peak} of a number of the table. */
export function tablePeak(
  samples: readonly LoadSample[],
  read: (table: TableSample) => number | undefined,
): number | undefined {
  return peak(tablesOf(samples), ({ table }) => (table === undefined ? undefined : read(table)));
}

/** The mean of a number over these looks; undefined where none has it. */
export function mean(
  samples: readonly LoadSample[],
  read: (sample: LoadSample) => number | undefined,
): number | undefined {
  const values = valuesOf(samples, read);
  return values.length === 0 ? undefined : finite(values.reduce((sum, value) => sum + value, 0) / values.length);
}

/** What half of these looks found more than; undefined where none has the number. */
export function median(
  samples: readonly LoadSample[],
  read: (sample: LoadSample) => number | undefined,
): number | undefined {
  const values = valuesOf(samples, read).sort((one, other) => one - other);
  return values[values.length >> 1];
}

/** The first look at which a counter had moved, and the last one; undefined where it did not. */
export function movedSpan(
  samples: readonly LoadSample[],
  read: (sample: LoadSample) => number | undefined,
): { readonly fromMs: number; readonly toMs: number } | undefined {
  let before: number | undefined;
  const moved: LoadSample[] = [];
  for (const sample of samples) {
    const value = read(sample);
    if (value === undefined) continue;
    if (before !== undefined && value > before) moved.push(sample);
    before = value;
  }
  return spanOf(moved);
}

/** From the begin of the first of these looks to the end of the last; undefined for none. */
export function spanOf(samples: readonly LoadSample[]): { readonly fromMs: number; readonly toMs: number } | undefined {
  const [first] = samples;
  const last = samples.at(-1);
  return first === undefined || last === undefined ? undefined : { fromMs: first.atMs, toMs: last.atMs + last.tookMs };
}

/** The number itself where it is one; `0 / 0` and the like are not known. */
export function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

function valuesOf(samples: readonly LoadSample[], read: (sample: LoadSample) => number | undefined): number[] {
  return samples.map(read).filter((value): value is number => finite(value) !== undefined);
}

function windowUntil(run: LoadRun, endMs: number): LoadWindow {
  return windowOf(
    run,
    during(run, endMs).filter(({ atMs, tookMs }) => atMs + tookMs <= endMs),
  );
}

function during(run: LoadRun, endMs: number): readonly LoadSample[] {
  return run.samples.filter(({ atMs }) => atMs >= run.phases.load.fromMs && atMs <= endMs);
}

function windowOf(run: LoadRun, seen: readonly LoadSample[]): LoadWindow {
  const before = samplesBefore(run).at(-1);
  const counted = before === undefined ? seen : [before, ...seen];
  const [first] = counted;
  const last = counted.at(-1);
  const ms = first === undefined || last === undefined ? 0 : last.atMs - first.atMs;
  return { seen, counted, seconds: Math.max(0, finite(ms) ?? 0) / 1_000 };
}
