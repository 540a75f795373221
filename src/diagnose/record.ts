import { availableParallelism } from 'node:os';
import type {
  LoadCommand,
  LoadProbe,
  LoadRun,
  LoadSettings,
  LoadTarget,
  Phase,
  Span,
} from '../detect/load-test/load-run.ts';
import type { LoadSample } from '../detect/load-test/load-sample.ts';
import { performance, setTimeout } from '../globals.ts';
import { countGroup } from '../kernel/procfs/process-tree.ts';
import { readSysctls, type Sysctls } from '../kernel/procfs/sysctl.ts';
import type { SourceChain } from '../kernel/source-chain.ts';
import { isBlind, withoutInside } from './blind-inside.ts';
import { crowdedHost } from './crowded-host.ts';
import { HostAddresses, ownAddresses } from './host-addresses.ts';
import type { InsideWatch } from './inside-watch.ts';
import { LoadWatch } from './load-watch.ts';
import { OwnCost } from './own-cost.ts';
import { Pace } from './pace.ts';
import { Rest } from './rest.ts';
import { withoutSecrets } from './secrets.ts';
import { thinned } from './thinned.ts';

/** A command that makes the load, while it runs. */
export interface RunningLoad {
  /** It leads a process group of its own. */
  readonly pid: number;
  /** Never rejects. */
  readonly ended: Promise<Pick<LoadCommand, 'exitCode' | 'signal'>>;
}

/** What makes the load: a command that is started when the recording is ready for it, or somebody else, for a while. */
export type LoadSource =
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly start: () => RunningLoad }
  | { readonly kind: 'duration'; readonly durationMs: number };

/** What to record, and how. */
export interface RecordOptions {
  readonly target: LoadTarget;
  readonly chain: SourceChain;
  readonly load: LoadSource;
  readonly inside: InsideWatch | undefined;
  readonly probe: LoadProbe | undefined;
  /** What is known already that the reader must be told. */
  readonly notes: readonly string[];
  /** Milliseconds between two looks, as far as the share allows. */
  readonly intervalMs: number;
  /** How much of one core looking may take, 0 to 1. */
  readonly share: number;
  /** How long to wait after the load until the connections have come to rest, in milliseconds. */
  readonly settleMs: number;
  /** Ends the recording early: what was seen so far is the result. */
  readonly interrupt: AbortSignal;
  readonly onLook: (sample: LoadSample, phase: Phase) => void;
}

/** What was recorded, and what that cost. */
export interface Recording {
  readonly run: LoadRun;
  readonly cost: { readonly samples: number; readonly medianIntervalMs: number; readonly cpuCores: number };
}

/**
 * Records a load test from outside: looks before it, while it runs, and until its connections have come to rest, TIME_WAIT
 * apart. Keeps nothing alive: a process with nothing else to do ends before it does.
 */
export async function record(options: RecordOptions): Promise<Recording> {
  const { target, chain, load, inside, probe, interrupt } = options;
  const begunMs = performance.now();
  const now = (): number => performance.now() - begunMs;
  const settings = readSysctls();
  const host = new HostAddresses(ownAddresses());
  const finish = new AbortController();
  const watch = new LoadWatch({ target, chain, settings, host, inside, now, signal: finish.signal });
  const looks = new Looks(watch, now, options);
  const interrupted = new Promise<void>((resolve) => {
    if (interrupt.aborted) resolve();
    interrupt.addEventListener('abort', () => resolve(), { once: true });
  });
  try {
    await inside?.ask();
    const before = await lookBefore(looks, options, interrupted);
    const loadFromMs = now();
    const { end, endedMs, left } = await lookWhileLoaded(looks, options, interrupted, now);
    const isQuiet = await lookUntilRest(looks, options, before, interrupted, now);
    const endMs = now();
    const isBlindInside = isBlind(looks.samples);
    const samples = isBlindInside ? withoutInside(looks.samples) : looks.samples;
    const phases = { before: span(0, loadFromMs), load: span(loadFromMs, endedMs), after: span(endedMs, endMs) };
    const crowded = crowdedHost({ samples, phases });
    return {
      run: {
        target,
        ...(load.kind === 'command' ? { command: { argv: withoutSecrets(load.argv), ...end } } : {}),
        ...(probe === undefined ? {} : { probe }),
        settings: settingsOf(settings),
        phases,
        isQuiet,
        isInterrupted: interrupt.aborted,
        samples,
        notes: [
          ...options.notes,
          ...(left > 0 ? [RUNS_ON] : []),
          ...(isBlindInside ? [BLIND_INSIDE] : []),
          ...(crowded === undefined ? [] : [crowded]),
          ...(inside?.failure === undefined
            ? []
            : [`finwait in the target did not answer at the end: ${inside.failure}.`]),
        ],
      },
      cost: {
        samples: looks.samples.length,
        medianIntervalMs: medianInterval(looks.samples),
        cpuCores: Math.round(looks.share * 1_000) / 1_000,
      },
    };
  } finally {
    finish.abort();
    watch.close();
  }
}

const RUNS_ON =
  'Something that the command had started still ran when it ended: what that did is not in the time of the load. Let the command wait for it.';

const BLIND_INSIDE =
  'The finwait that answered has seen none of these connections, so what it said is left out: it is in another process, such as the primary of a cluster.';

/** The looks so far, and when the next one may be. */
class Looks {
  readonly #watch: LoadWatch;
  readonly #now: () => number;
  readonly #options: RecordOptions;
  readonly #cost: OwnCost = new OwnCost();
  #spentMs = 0;
  #load: number | undefined;
  #pace: Pace | undefined;
  #samples: LoadSample[] = [];

  constructor(watch: LoadWatch, now: () => number, options: RecordOptions) {
    this.#watch = watch;
    this.#now = now;
    this.#options = options;
  }

  get samples(): readonly LoadSample[] {
    return this.#samples;
  }

  /** What looking has taken of one core since the load began. */
  get share(): number {
    return this.#pace?.share(this.#now()) ?? 0;
  }

  /** From now on looking may cost no more than its share: the baseline before the load is worth a moment more. */
  beginLoad(): void {
    this.#pace = new Pace(this.#options, this.#now(), this.#spentMs);
  }

  async look(phase: Phase, generator?: number): Promise<LoadSample> {
    // After an interrupt it may still be ending.
    this.#load = generator ?? this.#load;
    const sample = await this.#watch.look(generator);
    this.#samples.push(sample);
    this.#samples = thinned(this.#samples);
    this.#spentMs = this.#cost.spentMs(this.#load);
    this.#options.onLook(sample, phase);
    return sample;
  }

  /** Waits until the next look is due, or until something else has ended. */
  async untilDue({ atMs }: LoadSample, ended: Promise<unknown>): Promise<void> {
    const dueMs = this.#pace?.nextAtMs(atMs, this.#spentMs) ?? atMs + this.#options.intervalMs;
    await Promise.race([ended, sleep(dueMs - this.#now())]);
  }
}

/** Looks twice, so that what moves by itself is known; once where somebody else may have begun. Returns the newest. */
async function lookBefore(
  looks: Looks,
  { load, interrupt }: RecordOptions,
  interrupted: Promise<void>,
): Promise<LoadSample> {
  const first = await looks.look('before');
  if (load.kind === 'duration') return first;
  await looks.untilDue(first, interrupted);
  return interrupt.aborted ? first : looks.look('before');
}

interface LoadEnd {
  readonly end: Pick<LoadCommand, 'exitCode' | 'signal'>;
  /** When it ended, or was given up. */
  readonly endedMs: number;
  /** Processes of the command that ran on. */
  readonly left: number;
}

/** Makes the load, or waits for as long as somebody else makes it. An interrupt does not wait for the command's end. */
async function lookWhileLoaded(
  looks: Looks,
  { load, interrupt }: RecordOptions,
  interrupted: Promise<void>,
  now: () => number,
): Promise<LoadEnd> {
  looks.beginLoad();
  if (interrupt.aborted) return { end: {}, endedMs: now(), left: 0 };
  const running = load.kind === 'command' ? load.start() : undefined;
  let over: LoadEnd | undefined;
  const ended = (running === undefined ? sleep(durationOf(load)).then(() => ({})) : running.ended).then((end) => {
    over = { end, endedMs: now(), left: running === undefined ? 0 : countGroup(running.pid) };
  });
  while (over === undefined && !interrupt.aborted) {
    const sample = await looks.look('load', running?.pid);
    if (over === undefined) await looks.untilDue(sample, Promise.race([ended, interrupted]));
  }
  return over ?? { end: {}, endedMs: now(), left: 0 };
}

function durationOf(load: LoadSource): number {
  return load.kind === 'duration' ? load.durationMs : 0;
}

/** Looks until everything has come to rest and nothing is left, or the time for it is over. Returns whether it is at rest. */
async function lookUntilRest(
  looks: Looks,
  { inside, settleMs, interrupt }: RecordOptions,
  before: LoadSample,
  interrupted: Promise<void>,
  now: () => number,
): Promise<boolean> {
  const rest = new Rest(before.table);
  const fromMs = now();
  for (;;) {
    const sample = await looks.look('after');
    if (sample.table !== undefined) rest.add(sample.table, sample.atMs);
    const isQuiet = rest.isQuiet(now());
    if (interrupt.aborted || (isQuiet && rest.isClean) || now() - fromMs >= settleMs) {
      if (inside !== undefined && !interrupt.aborted) {
        // What finwait in the target says of the end is in the last look.
        await Promise.all([inside.ask(), looks.untilDue(sample, interrupted)]);
        await looks.look('after');
      }
      return isQuiet;
    }
    await looks.untilDue(sample, interrupted);
  }
}

function span(fromMs: number, toMs: number): Span {
  return { fromMs: Math.round(fromMs), toMs: Math.round(toMs) };
}

function settingsOf({ localPortRange, timeWaitReuse, maxTimeWaits, maxBacklog }: Sysctls): LoadSettings {
  return {
    ...(localPortRange === undefined ? {} : { localPortRange }),
    ...(timeWaitReuse === undefined ? {} : { timeWaitReuse }),
    ...(maxTimeWaits === undefined ? {} : { maxTimeWaits }),
    ...(maxBacklog === undefined ? {} : { somaxconn: maxBacklog }),
    processors: availableParallelism(),
  };
}

function medianInterval(samples: readonly LoadSample[]): number {
  const intervals = samples.slice(1).map(({ atMs }, index) => atMs - (samples[index]?.atMs ?? 0));
  return intervals.sort((one, other) => one - other)[intervals.length >> 1] ?? 0;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(ms, 0)).unref();
  });
}
