import { type Bracket, contradictionOf } from '../kernel/consistency.ts';
import { type DescriptorCounts, DescriptorReader } from '../kernel/descriptors.ts';
import { readSocketInode } from '../kernel/inode.ts';
import { CounterReader, type Counters } from '../kernel/read-counters.ts';
import type { SharedEnd } from '../kernel/shared-result.ts';
import { type CollectorError, type CollectorReason, type Degradation, errorKey, type Source } from '../kernel/source.ts';
import { SourceChain, type SourceFailure, type TableFacts } from '../kernel/source-chain.ts';
import { readSysctls, type Sysctls } from '../kernel/sysctl.ts';
import type { TableSink } from '../kernel/table-server.ts';
import type { ObserveContext } from '../observe/context.ts';
import type { NodeServer } from '../observe/node-socket.ts';
import { Histogram } from '../sockets/histogram.ts';
import { Join, type KernelColumn } from '../sockets/join.ts';
import { TICKS_PER_MS } from '../sockets/ledger.ts';
import { stateOf } from '../sockets/record.ts';
import type { RowSink } from '../sockets/row.ts';
import { STATE } from '../tcp/state.ts';
import { Following } from './following.ts';
import type { ResolvedOptions } from './options.ts';
import { walkInSlices } from './sliced-walk.ts';

/** What one call of `sample()` came to. */
export type SampleResult =
  | {
      readonly ok: true;
      /** Where the table is from. */
      readonly source: Source;
      /** What is wrong with it: too good to be discarded, not good enough to conclude from. Mostly empty. */
      readonly degraded: readonly Degradation[];
      /** Rows of the whole network namespace. */
      readonly rows: number;
      readonly durationMs: number;
      /** How long the event loop was held by it, in slices. */
      readonly blockedMs: number;
    }
  | {
      readonly ok: false;
      /** Why the last source that was asked gave no table. */
      readonly reason: CollectorReason | 'unsupported_platform' | 'closed';
      readonly detail: string;
      readonly durationMs: number;
    };

const CLOSED: SampleResult = { ok: false, reason: 'closed', detail: 'the monitor was closed meanwhile', durationMs: 0 };

const NOT_SUPPORTED: SampleResult = {
  ok: false,
  reason: 'unsupported_platform',
  detail: `the kernel's socket table is read on Linux only, this is ${process.platform}`,
  durationMs: 0,
};

/** Sampling may take this share of one core. */
const DUTY = 0.01;
/** And this one while somebody asks for one sample after another. */
const DUTY_ON_DEMAND = 0.5;
/** A table is too old to be shown after this many intervals. */
const STALE_INTERVALS = 3;
const FIRST_SAMPLE_MS = 500;
/** However dear a sample is, the next one comes after this long: a table that is never read helps nobody. */
const MAX_STRETCHED_MS = 300_000;
/** A follower looks at its own records so long before the next table is due. */
const LEAD_MS = 500;
/** Settings change by hand, if at all. */
const SYSCTLS_MS = 60_000;

/** What the collector needs of the monitor it works for. */
export interface CollectorHost {
  /** Looks whether listeners were closed. */
  readonly pollServers: () => void;
  /** False in a cluster worker, where the listening socket is the primary's. */
  readonly claimListeners: boolean;
  /** The process id of the cluster's primary; undefined where there is no cluster. */
  readonly primaryPid: () => number | undefined;
  readonly warn: (message: string) => void;
}

/** Samples the kernel's table on an unreferenced timer, one at a time, and keeps the newest complete one. */
export class Collector {
  readonly durations: Histogram = new Histogram([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]);
  readonly blocked: Histogram = new Histogram([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25]);
  /** By {@link errorKey}. */
  readonly errors: Map<string, number> = new Map();
  column: KernelColumn | undefined;
  /** Where the newest table is from. */
  source: Source | undefined;
  lastSuccessSeconds: number | undefined;
  /** Whether the limit of closed tuples kept something out of the newest table. */
  truncated = false;
  /** As of the newest sample, whether it gave a table or not. */
  counters: Counters | undefined;
  descriptors: DescriptorCounts | undefined;
  sysctls: Sysctls | undefined;
  /** False on platforms that have no socket table we can read. */
  readonly supported: boolean;

  readonly #context: ObserveContext;
  readonly #options: ResolvedOptions;
  readonly #host: CollectorHost;
  readonly #sources: Sources | undefined;
  readonly #following: Following;
  #flight: Promise<SampleResult> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What the newest sample cost, at most: CPU time of this process and of `ss`, which run side by side. */
  #lastCostMs = 0;
  #lastEndedAt = Number.NEGATIVE_INFINITY;
  /** How old the newest table may become: by the interval that was in force when it was read. */
  #staleAfterMs = 0;
  /** Until which interval the leader of the cluster means to read again. */
  #leaderIntervalMs = 0;
  #evictedBefore = 0;
  #sysctlsReadAt = Number.NEGATIVE_INFINITY;
  readonly #abort = new AbortController();

  constructor(context: ObserveContext, options: ResolvedOptions, host: CollectorHost) {
    this.#context = context;
    this.#options = options;
    this.#host = host;
    this.supported = process.platform === 'linux';
    this.#sources = this.supported ? openSources(options, (error) => context.report('helper', error)) : undefined;
    this.#following = this.#createFollowing();
    this.#schedule(Math.min(FIRST_SAMPLE_MS, options.sampleIntervalMs));
  }

  /** Whether the newest complete table is young enough to be shown. */
  isFresh(): boolean {
    const { column } = this;
    if (column === undefined) return false;
    return performance.now() - column.endedAt <= this.#staleAfterMs;
  }

  /**
   * Takes a sample now, or joins the one under way. One that comes right after another waits a little, so that whoever
   * asks again and again takes half a core at most. Never rejects.
   */
  sample(): Promise<SampleResult> {
    return this.#fly(true);
  }

  /** Ends the sampling; a sample under way is given up, and its `ss` ended. */
  close(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    clearTimeout(this.#timer);
    this.#following.close();
    this.#sources?.chain.close();
    this.#sources?.counters.close();
    this.#sources?.descriptors.close();
  }

  #fly(onDemand: boolean): Promise<SampleResult> {
    this.#flight ??= this.#sampleOnce(onDemand).finally(() => {
      this.#flight = undefined;
      this.#lastEndedAt = performance.now();
      this.#schedule(this.#nextDelayMs());
    });
    return this.#flight;
  }

  #intervalMs(): number {
    const { sampleIntervalMs } = this.#options;
    return Math.max(sampleIntervalMs, Math.min(this.#lastCostMs / DUTY, MAX_STRETCHED_MS));
  }

  #nextDelayMs(): number {
    if (!this.#following.isFollower) return this.#intervalMs();
    const intervalMs = Math.max(this.#leaderIntervalMs, this.#intervalMs());
    return Math.max(intervalMs - LEAD_MS, intervalMs / 2);
  }

  #schedule(delayMs: number): void {
    if (this.#abort.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#fly(false), delayMs);
    this.#timer.unref();
  }

  async #sampleOnce(onDemand: boolean): Promise<SampleResult> {
    const startedAt = performance.now();
    try {
      if (onDemand) await this.#waitForTurn();
      this.#host.pollServers();
      if (this.#host.claimListeners) this.#readListenerInodes();
      const walkMs = await walkInSlices(this.#context);
      const sources = this.#sources;
      if (sources === undefined) return NOT_SUPPORTED;
      if (this.#abort.signal.aborted) return CLOSED;
      this.#readSettings(sources);
      const result = (await this.#follow(onDemand, walkMs)) ?? (await this.#readTable(sources, walkMs));
      return this.#abort.signal.aborted ? CLOSED : result;
    } catch (error) {
      this.#context.report('collector', error);
      const detail = error instanceof Error ? error.message : String(error);
      return { ok: false, reason: 'consumer_threw', detail, durationMs: performance.now() - startedAt };
    }
  }

  async #waitForTurn(): Promise<void> {
    const pauseMs = this.#lastCostMs * (1 / DUTY_ON_DEMAND - 1) - (performance.now() - this.#lastEndedAt);
    if (pauseMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, Math.min(pauseMs, 1_000)).unref());
  }

  #readListenerInodes(): void {
    for (const listener of this.#context.ledger.listeners) {
      if (listener.inode !== 0 || stateOf(listener) !== STATE.LISTEN) continue;
      const fd = (listener.ref.deref() as NodeServer | undefined)?._handle?.fd;
      if (typeof fd === 'number' && fd >= 0) listener.inode = readSocketInode(fd);
    }
  }

  /** What is known without a table. */
  #readSettings({ descriptors }: Sources): void {
    const now = performance.now();
    if (now - this.#sysctlsReadAt >= SYSCTLS_MS) {
      const sysctls = readSysctls();
      // Without a descriptor to read them with, what was read before still holds.
      if (sysctls.localPortRange !== undefined || this.sysctls === undefined) this.sysctls = sysctls;
      this.#sysctlsReadAt = now;
    }
    // Not waited for: where the kernel is old it queues behind the host's own work in libuv's pool.
    void descriptors.read().then((counts) => {
      this.descriptors = counts;
    });
  }

  // ---- our own table --------------------------------------------------------------------------------------------

  async #readTable({ chain, counters }: Sources, walkMs: number): Promise<SampleResult> {
    this.#following.join();
    const before = counters.read();
    let join: Join | undefined;
    let telling: TableSink | undefined;
    const read = await chain.read({
      timeoutMs: this.#options.sampleTimeoutMs,
      expectedRows: this.#listenersSeen(),
      signal: this.#abort.signal,
      begin: () => {
        // In whole ticks, like the times in records: what the walk has just changed precedes the table. Nothing can
        // change before the tick is over, because the source is asked in it.
        const startedAt = (this.#context.now() + 1) / TICKS_PER_MS;
        join = new Join(this.#context.ledger, startedAt);
        telling = this.#following.beginTelling(startedAt);
        return telling === undefined ? join : tellingSink(join, telling);
      },
    });
    const { table, failures, durationMs, blockedMs } = read;
    this.counters = counters.read();
    this.durations.observe(durationMs / 1000);
    this.blocked.observe(blockedMs / 1000);
    if (this.#abort.signal.aborted) return CLOSED;
    for (const failure of failures) this.#fail(failure, table);
    if (table === undefined || join === undefined) {
      const { reason, detail } = failures.at(-1) as SourceFailure;
      telling?.end({ ok: false, reason, detail, durationMs, nextIntervalMs: this.#intervalMs() });
      return { ok: false, reason, detail, durationMs };
    }
    // A read that failed tells nothing about what a good one costs. ss runs beside us, and its wall time is at least what
    // it took of a core.
    this.#lastCostMs = walkMs + durationMs + blockedMs;
    this.#publish(join, table.source, { before, after: this.counters }, this.#intervalMs());
    const degraded = [...table.degraded, ...this.#contradictions({ before, after: this.counters })];
    for (const { reason } of degraded) this.#count({ source: table.source, reason });
    const { source, rows } = table;
    telling?.end({
      ok: true,
      source,
      rows,
      durationMs,
      nextIntervalMs: this.#intervalMs(),
      ...(degraded[0] === undefined ? {} : { degraded: degraded[0] }),
    });
    return { ok: true, source, degraded: degraded.map(({ reason }) => reason), rows, durationMs, blockedMs };
  }

  #publish(join: Join, source: Source, _: Bracket, intervalMs: number): void {
    this.column = join.finish(performance.now());
    this.source = source;
    this.lastSuccessSeconds = Date.now() / 1000;
    this.#staleAfterMs = STALE_INTERVALS * Math.max(intervalMs, this.#options.sampleIntervalMs);
    const { closedTuples } = this.#context.ledger;
    this.truncated = closedTuples.evicted > this.#evictedBefore;
    this.#evictedBefore = closedTuples.evicted;
  }
}
