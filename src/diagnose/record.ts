import { availableParallelism, networkInterfaces } from 'node:os';
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
import { readSysctls, type Sysctls } from '../kernel/procfs/sysctl.ts';
import type { SourceChain } from '../kernel/source-chain.ts';
import { HostAddresses } from './host-addresses.ts';
import type { InsideWatch } from './inside-watch.ts';
import { LoadWatch } from './load-watch.ts';
import { OwnCost } from './own-cost.ts';
import { Pace } from './pace.ts';
import { Rest } from './rest.ts';
import { thinned } from './thinned.ts';

/** A command that makes the load, while it runs. */
export interface RunningLoad {
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
  const { target, chain, load, inside, probe, settleMs, interrupt, onLook } = options;
  const begunMs = performance.now();
  const now = (): number => performance.now() - begunMs;
  const sysctls = readSysctls();
  const host = new HostAddresses(ownAddresses());
  const cost = new OwnCost();
  const pace = new Pace(options);
  const finish = new AbortController();
  const watch = new LoadWatch({ target, chain, settings: sysctls, host, inside, now, signal: finish.signal });
  let samples: LoadSample[] = [];
  let spentMs = 0;

  const look = async (phase: Phase, generator?: number): Promise<LoadSample> => {
    const sample = await watch.look(generator);
    samples.push(sample);
    samples = thinned(samples);
    spentMs = cost.spentMs(watch.generatorPids);
    onLook(sample, phase);
    return sample;
  };
  const untilDue = (sample: LoadSample, ended: Promise<unknown>): Promise<unknown> => {
    return Promise.race([ended, sleep(pace.nextAtMs(sample.atMs, spentMs) - now())]);
  };
  const interrupted = new Promise<void>((resolve) => {
    if (interrupt.aborted) resolve();
    interrupt.addEventListener('abort', () => resolve(), { once: true });
  });

  try {
    await inside?.ask();
    const first = await look('before');
    if (load.kind === 'command') await untilDue(first, interrupted);
    const before = interrupt.aborted || load.kind === 'duration' ? first : await look('before');
    const loadFromMs = now();

    let ended = false;
    let end: Pick<LoadCommand, 'exitCode' | 'signal'> = {};
    let loadToMs = loadFromMs;
    const running = load.kind === 'command' && !interrupt.aborted ? load.start() : undefined;
    const over = (
      load.kind === 'duration'
        ? sleep(load.durationMs)
        : (running?.ended ?? Promise.resolve()).then((how) => Object.assign(end, how))
    ).then(() => {
      ended = true;
      loadToMs = now();
    });
    while (!ended && !interrupt.aborted) {
      const sample = await look('load', running?.pid);
      if (!ended) await untilDue(sample, Promise.race([over, interrupted]));
    }
    if (!ended) loadToMs = now();

    const rest = new Rest(before.table);
    const afterFromMs = now();
    let isQuiet = false;
    let sample = before;
    for (;;) {
      sample = await look('after');
      if (sample.table !== undefined) rest.add(sample.table, sample.atMs);
      isQuiet = rest.isQuiet(now());
      if (interrupt.aborted || (isQuiet && rest.isClean) || now() - afterFromMs >= settleMs) break;
      await untilDue(sample, interrupted);
    }
    if (inside !== undefined && !interrupt.aborted) {
      await Promise.all([inside.ask(), untilDue(sample, interrupted)]);
      await look('after');
    }
    const endMs = now();
    // The load may end later than the recording, if that was interrupted.
    end = { ...end };
    const notes = [...options.notes];
    if (inside?.failure !== undefined)
      notes.push(`finwait in the target did not answer at the end: ${inside.failure}.`);
    return {
      run: {
        target,
        ...(load.kind === 'command' ? { command: { argv: load.argv, ...end } } : {}),
        ...(probe === undefined ? {} : { probe }),
        settings: settingsOf(sysctls),
        phases: {
          before: span(0, loadFromMs),
          load: span(loadFromMs, loadToMs),
          after: span(loadToMs, endMs),
        },
        isQuiet,
        isInterrupted: interrupt.aborted,
        samples,
        notes,
      },
      cost: {
        samples: samples.length,
        medianIntervalMs: medianInterval(samples),
        cpuCores: Math.round((spentMs / endMs) * 1_000) / 1_000,
      },
    };
  } finally {
    finish.abort();
    watch.close();
  }
}

function span(fromMs: number, toMs: number): Span {
  return { fromMs: Math.round(fromMs), toMs: Math.round(toMs) };
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
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
