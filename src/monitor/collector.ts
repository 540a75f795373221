import type { DescriptorCounts } from '../kernel/descriptors.ts';
import { readSocketInode } from '../kernel/inode.ts';
import type { Counters } from '../kernel/read-counters.ts';
import { findSs, readSs, type SsRead } from '../kernel/read-ss.ts';
import { type CollectorReason, collectorErrorKey, type Source } from '../kernel/source.ts';
import type { Sysctls } from '../kernel/sysctl.ts';
import type { ObserveContext } from '../observe/context.ts';
import type { NodeServer } from '../observe/node-socket.ts';
import { lookAt } from '../observe/walk.ts';
import { Histogram } from '../sockets/histogram.ts';
import { Join, type KernelColumn } from '../sockets/join.ts';
import { TICKS_PER_MS } from '../sockets/ledger.ts';
import { stateOf } from '../sockets/record.ts';
import { offer } from '../sockets/row.ts';
import { STATE } from '../tcp/state.ts';
import type { ResolvedOptions } from './options.ts';

/** What one call of `sample()` came to. */
export type SampleResult =
  | { readonly ok: true; readonly rows: number; readonly durationMs: number }
  | {
      readonly ok: false;
      readonly reason: CollectorReason | 'unsupported_platform' | 'closed';
      readonly detail: string;
      readonly durationMs: number;
    };

/** What reading the table once came to. */
type TableResult =
  | Extract<SampleResult, { readonly ok: true }>
  | (Extract<SampleResult, { readonly ok: false }> & { readonly reason: CollectorReason });

const CLOSED: SampleResult = { ok: false, reason: 'closed', detail: 'the monitor was closed meanwhile', durationMs: 0 };

const NOT_SUPPORTED: SampleResult = {
  ok: false,
  reason: 'unsupported_platform',
  detail: `the kernel's socket table is read on Linux only, this is ${process.platform}`,
  durationMs: 0,
};

/** At most so many records, or so long, in one turn of the event loop. */
const SLICE_RECORDS = 1_000;
const SLICE_MS = 2;
/** Sampling may take this share of one core. */
const DUTY = 0.01;
/** A table is too old to be shown after this many intervals. */
const STALE_INTERVALS = 3;
const FIRST_SAMPLE_MS = 500;
/** However dear a sample is, the next one comes after this long: a table that is never read helps nobody. */
const MAX_STRETCHED_MS = 300_000;

/** What the collector needs of the monitor it works for. */
export interface CollectorHost {
  /** Looks whether listeners were closed. */
  readonly pollServers: () => void;
  /** False in a cluster worker, where the listening socket is the primary's. */
  readonly claimListeners: boolean;
  readonly warn: (message: string) => void;
}

/** Samples the kernel's table on an unreferenced timer, one at a time, and keeps the newest complete one. */
export class Collector {
  readonly durations: Histogram = new Histogram([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]);
  readonly blocked: Histogram = new Histogram([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25]);
  /** How often each pair of {@link COLLECTOR_ERRORS} occurred, by its key. */
  readonly errors: Map<string, number> = new Map();
  column: KernelColumn | undefined;
  /** Where the newest complete table came from. */
  source: Source | undefined;
  /** What was read beside the newest table, whatever its source. */
  counters: Counters | undefined;
  descriptors: DescriptorCounts | undefined;
  sysctls: Sysctls | undefined;
  lastSuccessSeconds: number | undefined;
  /** Whether the limit of closed tuples kept something out of the newest table. */
  truncated = false;
  /** False on platforms that have no socket table we can read. */
  readonly supported: boolean;

  readonly #context: ObserveContext;
  readonly #options: ResolvedOptions;
  readonly #host: CollectorHost;
  #ssPath: string | undefined;
  #flight: Promise<SampleResult> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What the newest sample cost: its wall time, which is an upper bound of the CPU that `ss` took. */
  #lastCostMs = 0;
  /** How old the newest table may become: by the interval that was in force when it was read. */
  #staleAfterMs = 0;
  #evictedBefore = 0;
  readonly #abort = new AbortController();

  constructor(context: ObserveContext, options: ResolvedOptions, host: CollectorHost) {
    this.#context = context;
    this.#options = options;
    this.#host = host;
    this.#ssPath = options.ssPath;
    this.supported = process.platform === 'linux';
    this.#schedule(Math.min(FIRST_SAMPLE_MS, options.sampleIntervalMs));
  }

  /** Whether the newest complete table is young enough to be shown. */
  isFresh(): boolean {
    const { column } = this;
    if (column === undefined) return false;
    return performance.now() - column.endedAt <= this.#staleAfterMs;
  }

  /** Takes a sample now, or joins the one under way. Never rejects. */
  sample(): Promise<SampleResult> {
    this.#flight ??= this.#sampleOnce().finally(() => {
      this.#flight = undefined;
      this.#schedule(this.#intervalMs());
    });
    return this.#flight;
  }

  /** Ends the sampling; a sample under way is given up, and its `ss` ended. */
  close(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  #intervalMs(): number {
    const { sampleIntervalMs } = this.#options;
    return Math.max(sampleIntervalMs, Math.min(this.#lastCostMs / DUTY, MAX_STRETCHED_MS));
  }

  #schedule(delayMs: number): void {
    if (this.#abort.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.sample(), delayMs);
    this.#timer.unref();
  }

  async #sampleOnce(): Promise<SampleResult> {
    const startedAt = performance.now();
    let result: TableResult;
    try {
      const walkMs = await this.#walk();
      if (!this.supported) return NOT_SUPPORTED;
      if (this.#abort.signal.aborted) return CLOSED;
      result = await this.#readTable(walkMs);
      if (this.#abort.signal.aborted) return CLOSED;
    } catch (error) {
      this.#context.report('collector', error);
      const detail = error instanceof Error ? error.message : String(error);
      result = { ok: false, reason: 'consumer_threw', detail, durationMs: performance.now() - startedAt };
    }
    if (!result.ok) this.#fail(result.reason, result.detail);
    return result;
  }

  /**
   * Looks at every live record, newest last, in slices; records that leave meanwhile are skipped or seen twice. Returns
   * how many milliseconds that took.
   */
  async #walk(): Promise<number> {
    this.#host.pollServers();
    if (this.#host.claimListeners) this.#readListenerInodes();
    const { ledger } = this.#context;
    ledger.evictIdleNames(this.#context.now());
    let index = ledger.records.length - 1;
    let walkMs = 0;
    while (index >= 0) {
      const sliceStart = performance.now();
      const sliceEnd = sliceStart + SLICE_MS;
      for (let looked = 0; index >= 0 && looked < SLICE_RECORDS; looked++, index--) {
        const record = ledger.records[index];
        if (record !== undefined) lookAt(this.#context, record);
        if ((looked & 63) === 63 && performance.now() > sliceEnd) break;
      }
      walkMs += performance.now() - sliceStart;
      if (index >= 0) await turn();
    }
    return walkMs;
  }

  #readListenerInodes(): void {
    for (const listener of this.#context.ledger.listeners) {
      if (listener.inode !== 0 || stateOf(listener) !== STATE.LISTEN) continue;
      const fd = (listener.ref.deref() as NodeServer | undefined)?._handle?.fd;
      if (typeof fd === 'number' && fd >= 0) listener.inode = readSocketInode(fd);
    }
  }

  async #readTable(walkMs: number): Promise<TableResult> {
    this.#ssPath ??= findSs((process.env['PATH'] ?? '').split(':'));
    if (this.#ssPath === undefined) {
      return { ok: false, reason: 'enoent', detail: 'no ss in PATH or the system folders', durationMs: 0 };
    }
    // In whole ticks, like the times in records: what the walk has just changed precedes the table. Nothing can change
    // before the tick is over, because the reader is spawned in it.
    const startedAt = (this.#context.now() + 1) / TICKS_PER_MS;
    const join = new Join(this.#context.ledger, startedAt, this.sysctls);
    const read: SsRead = await readSs({
      path: this.#ssPath,
      timeoutMs: this.#options.sampleTimeoutMs,
      onRow: (row) => offer(join, row),
      expectedRows: this.#listenersSeen(),
      signal: this.#abort.signal,
    });
    const { durationMs } = read;
    this.durations.observe(durationMs / 1000);
    this.blocked.observe(read.blockedMs / 1000);
    if (!read.ok) return { ok: false, reason: read.reason, detail: read.detail, durationMs };
    if (read.degraded !== undefined) this.#count(read.degraded.reason);
    // A read that failed tells nothing about what a good one costs.
    this.#lastCostMs = walkMs + durationMs;
    this.#staleAfterMs = STALE_INTERVALS * this.#intervalMs();
    this.column = join.finish(performance.now());
    this.source = 'ss';
    this.lastSuccessSeconds = Date.now() / 1000;
    const { closedTuples } = this.#context.ledger;
    this.truncated = closedTuples.evicted > this.#evictedBefore;
    this.#evictedBefore = closedTuples.evicted;
    return { ok: true, rows: read.rows, durationMs };
  }

  /** Listeners of ours that the kernel has: a table without any row would be wrong. */
  #listenersSeen(): number {
    return [...this.#context.ledger.listeners].filter((listener) => listener.inode !== 0).length;
  }

  #fail(reason: CollectorReason, detail: string): void {
    const first = !this.errors.has(collectorErrorKey('ss', reason));
    this.#count(reason);
    if (first) this.#host.warn(`cannot read the kernel's socket table: ${reason} (${detail})`);
  }

  #count(reason: CollectorReason): void {
    const key = collectorErrorKey('ss', reason);
    this.errors.set(key, (this.errors.get(key) ?? 0) + 1);
  }
}

/** One turn of the event loop. Referenced: a loop with nothing else to do would sleep, and the walk with it. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
