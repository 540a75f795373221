import { duration, grouped } from '../wording.ts';
import { grew, impactOf, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { LoadSample } from './load-sample.ts';
import { growth, peak, samplesBefore, soundTables, spanOf, wholeLoad } from './load-window.ts';

/** A single table may have been made between the end of one listener and the begin of the next. */
const LEAST_LOOKS = 2;

/** Connections that go with one process of several. */
const LEAST_LOST = 5;

/** The server ended, or stopped listening, while the load ran. */
export function checkTargetGone(run: LoadRun): Finding | undefined {
  const { seen: looks } = wholeLoad(run);
  const all = [...samplesBefore(run), ...looks];
  const endedAt = firstRunOf(looks, (sample) => hasEnded(all, sample));
  const unheard = looksWithoutListener(run);
  const unheardAt = firstRunOf(soundTables(looks), (sample) => unheard.includes(sample));
  const fewest = least(samplesBefore(run));
  const workerAt = firstRunOf(looks, (sample) => hasFewer(fewest, sample));
  const from = endedAt ?? unheardAt ?? workerAt;
  if (from === undefined) return undefined;
  const after = looks.filter(({ atMs }) => atMs >= from.atMs);
  const isBack = !isAway(all, fewest, after.at(-1));
  const before = looks.filter(({ atMs }) => atMs < from.atMs).at(-1);
  const since = before === undefined ? after : [before, ...after];
  const refused = growth(since, ({ counters }) => counters.attemptFails);
  // A server that listens again is there still: connections_refused tells of the time between.
  if (endedAt === undefined && unheardAt !== undefined && isBack) return undefined;
  const isWhole = endedAt !== undefined || unheardAt !== undefined;
  // A process that ends takes its connections with it. One that ends without any was no worker.
  const reset = growth(since.slice(0, LEAST_LOOKS + 1), ({ counters }) => counters.resetsSent) ?? 0;
  if (!isWhole && reset < LEAST_LOST) return undefined;
  const away = spanOf(after.filter((sample) => isAway(all, fewest, sample))) ?? { fromMs: from.atMs, toMs: from.atMs };
  const what =
    endedAt !== undefined
      ? 'The server process ended'
      : unheardAt !== undefined
        ? 'The server stopped listening'
        : 'A process of the server ended';
  const loadMs = run.phases.load.toMs - run.phases.load.fromMs;
  return {
    kind: 'target_gone',
    impact: isWhole ? impactOf((away.toMs - away.fromMs) / loadMs || 0, 0.7, 1) : 0.5,
    confidence: isWhole ? 'proven' : 'likely',
    sentence: `${what} ${duration(from.atMs - run.phases.load.fromMs)} into the load${isBack ? ', and came back' : ''}${refused === undefined || refused === 0 ? '' : `; ${grouped(refused)} connects were refused from then on`}.`,
    evidence: [
      ...seen(
        'processes of the server, before',
        peak(all, ({ target }) => target?.processes),
        'target',
      ),
      ...seen('processes of the server, at least', least(after), 'target'),
      ...seen(
        'LISTEN rows, at least',
        peak(after, ({ table }) => (table === undefined ? undefined : -table.server.listen)),
        'target',
        (value) => grouped(Math.abs(value)),
      ),
      ...grew('AttemptFails', refused, secondsOf(since), 'namespace'),
    ],
    advice: [
      'Read what the server printed last, and its exit code: an uncaught exception, an out-of-memory kill (`dmesg`), `process.exit()`.',
      'Node prints why it dies: `node --trace-uncaught`, `--report-on-fatalerror`, `--heapsnapshot-near-heap-limit=1`.',
    ],
    seen: away,
    explains: [
      'connections_refused',
      'resets',
      'syn_dropped',
      'keep_alive_race',
      'leak',
      'generator_limited',
      'connections_not_reused',
      'server_closes_first',
    ],
  };
}

/** The looks at a load that find no listener of the target, though it had one. */
export function looksWithoutListener(run: LoadRun): readonly LoadSample[] {
  const { seen: looks } = wholeLoad(run);
  const all = [...samplesBefore(run), ...looks];
  return looks.filter((sample) => hasNoListener(sample) && hadListener(all, sample));
}

function isAway(all: readonly LoadSample[], fewest: number | undefined, sample: LoadSample | undefined): boolean {
  if (sample === undefined) return false;
  return hasEnded(all, sample) || (hasNoListener(sample) && hadListener(all, sample)) || hasFewer(fewest, sample);
}

function hasEnded(all: readonly LoadSample[], { target, atMs }: LoadSample): boolean {
  return target?.processes === 0 && all.some((sample) => sample.atMs < atMs && (sample.target?.processes ?? 0) > 0);
}

function hasNoListener({ table }: LoadSample): boolean {
  return table !== undefined && table.degraded.length === 0 && table.server.listen === 0;
}

function hadListener(all: readonly LoadSample[], { atMs }: LoadSample): boolean {
  return all.some((sample) => sample.atMs < atMs && (sample.table?.server.listen ?? 0) > 0);
}

/** Programs that a server runs for a moment come and go: only those count that were there at every look so far. */
function hasFewer(fewest: number | undefined, { target }: LoadSample): boolean {
  return target !== undefined && fewest !== undefined && target.processes < fewest;
}

/** The first look of the first so many in a row that a condition holds for. */
function firstRunOf(samples: readonly LoadSample[], holds: (sample: LoadSample) => boolean): LoadSample | undefined {
  let run: LoadSample[] = [];
  for (const sample of samples) {
    run = holds(sample) ? [...run, sample] : [];
    if (run.length === LEAST_LOOKS) return run[0];
  }
  return undefined;
}

function least(samples: readonly LoadSample[]): number | undefined {
  const most = peak(samples, ({ target }) => (target === undefined ? undefined : -target.processes));
  return most === undefined ? undefined : Math.abs(most);
}

function secondsOf(samples: readonly LoadSample[]): number {
  return ((samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0)) / 1_000;
}
