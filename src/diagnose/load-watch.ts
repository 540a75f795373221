import type { LoadTarget } from '../detect/load-test/load-run.ts';
import { COUNTERS, type CounterSample, type LoadSample, type TableSample } from '../detect/load-test/load-sample.ts';
import { readSocketInodes } from '../kernel/procfs/process-sockets.ts';
import { readProcessTree } from '../kernel/procfs/process-tree.ts';
import { CounterReader, type Counters } from '../kernel/procfs/read-counters.ts';
import type { SourceChain } from '../kernel/source-chain.ts';
import { PortSet } from '../sockets/port-set.ts';
import type { PortSettings } from '../sockets/port-settings.ts';
import { Destinations } from './destinations.ts';
import type { HostAddresses } from './host-addresses.ts';
import type { InsideWatch } from './inside-watch.ts';
import { ProcessWatch } from './process-watch.ts';
import { type TableSight, TableView } from './table-view.ts';
import { WaitingConnections } from './waiting-connections.ts';

/** What is watched, and by what. */
export interface LoadWatchOptions {
  readonly target: LoadTarget;
  readonly chain: SourceChain;
  readonly settings: PortSettings;
  readonly host: HostAddresses;
  readonly inside: InsideWatch | undefined;
  /** Milliseconds since the recording began. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** A table that takes longer tells of no moment. */
const TABLE_TIMEOUT_MS = 5_000;
/** Processes come and go, and so do the sockets they hold: both are looked for again after a second at the soonest. */
const RELEARN_MS = 1_000;
/** And after so many times what that took. */
const RELEARN_FACTOR = 50;

/** Looks at a load test from outside, again and again: the kernel's table and counters, the processes, finwait inside. */
export class LoadWatch {
  readonly #options: LoadWatchOptions;
  readonly #counters: CounterReader = new CounterReader();
  readonly #ports: PortSet = new PortSet();
  readonly #listening: PortSet = new PortSet();
  readonly #destinations: Destinations = new Destinations();
  readonly #waiting: WaitingConnections = new WaitingConnections();
  readonly #targetWatch: ProcessWatch = new ProcessWatch();
  readonly #generatorWatch: ProcessWatch = new ProcessWatch();
  #targetPids: readonly number[];
  #owned: ReadonlySet<number> = new Set();
  #relearnAtMs = 0;

  constructor(options: LoadWatchOptions) {
    this.#options = options;
    this.#targetPids = options.target.pids;
    for (const port of options.target.ports) this.#ports.add(port);
  }

  /** @param generator the process that makes the load, while it runs */
  async look(generator: number | undefined): Promise<LoadSample> {
    const { now, target, inside } = this.#options;
    const atMs = now();
    const isLearning = atMs >= this.#relearnAtMs;
    if (isLearning) this.#learn();
    const counters = counterSample(this.#counters.read());
    const targetSample = target.pids.length === 0 ? undefined : this.#targetWatch.look(this.#targetPids, atMs);
    const generatorSample =
      generator === undefined ? undefined : this.#generatorWatch.look(readProcessTree(generator), atMs);
    const told = inside?.take(atMs);
    const table = await this.#readTable(isLearning);
    return {
      atMs: Math.round(atMs),
      tookMs: Math.round(now() - atMs),
      counters,
      ...(table === undefined ? {} : { table }),
      ...(targetSample === undefined ? {} : { target: targetSample }),
      ...(generatorSample === undefined ? {} : { generator: generatorSample }),
      ...(told === undefined ? {} : { inside: told }),
    };
  }

  close(): void {
    this.#counters.close();
  }

  #learn(): void {
    const { now, target } = this.#options;
    const beganMs = now();
    // The first ones that are gone have left their workers to nobody: those are looked for by themselves.
    const known = new Set([...target.pids, ...this.#targetPids]);
    this.#targetPids = [...new Set([...known].flatMap((pid) => readProcessTree(pid, process.pid)))];
    const owned = new Set<number>();
    for (const pid of this.#targetPids) for (const inode of readSocketInodes(pid) ?? []) owned.add(inode);
    this.#owned = owned;
    const endedMs = now();
    this.#relearnAtMs = endedMs + Math.max(RELEARN_MS, (endedMs - beganMs) * RELEARN_FACTOR);
  }

  async #readTable(isLearning: boolean): Promise<TableSample | undefined> {
    const { chain, settings, host, now, signal } = this.#options;
    const startedAtMs = now();
    let view: TableView | undefined;
    const { table } = await chain.read({
      timeoutMs: TABLE_TIMEOUT_MS,
      expectedRows: 0,
      signal,
      begin: () => {
        view = new TableView({
          ports: this.#ports,
          listening: this.#listening,
          host,
          owned: this.#owned,
          destinations: this.#destinations,
          isLearning: isLearning && this.#owned.size > 0,
          settings,
        });
        return view;
      },
    });
    if (table === undefined || view === undefined) return undefined;
    const sight: TableSight = view.sight();
    const { queue, waiting, ...rest } = sight;
    const waitedMs = Math.round(this.#waiting.update(waiting, startedAtMs, now()));
    return {
      source: table.source,
      degraded: table.degraded.map(({ reason }) => reason),
      ...rest,
      ...(queue === undefined ? {} : { acceptQueue: queueSample(queue, waitedMs) }),
    };
  }
}

function queueSample(
  { connections, limit, listeners }: NonNullable<TableSight['queue']>,
  waitedMs: number,
): NonNullable<TableSample['acceptQueue']> {
  // procfs does not know the limit.
  return { connections, listeners, waitedMs, ...(Number.isNaN(limit) ? {} : { limit }) };
}

function counterSample(counters: Counters): CounterSample {
  return Object.fromEntries(COUNTERS.map((name) => [name, counters[name]]).filter(([, value]) => value !== undefined));
}
