import { clearTimeout, performance, setTimeout } from '../globals.ts';
import { contradictionOf } from '../kernel/consistency.ts';
import { type DescriptorCounts, DescriptorReader, sizeOfFolder } from '../kernel/procfs/descriptors.ts';
import { probeSocketInode, readSocketInode } from '../kernel/procfs/inode.ts';
import { CounterReader, type Counters } from '../kernel/procfs/read-counters.ts';
import { readSysctls, type Sysctls } from '../kernel/procfs/sysctl.ts';
import type { TableSink } from '../kernel/sharing/table-server.ts';
import {
  type CollectorError,
  type CollectorReason,
  type Degradation,
  errorKey,
  SHARING_FAILURES,
  type SharingFailure,
  type Source,
} from '../kernel/source.ts';
import { SourceChain, type SourceFailure, type TableFacts } from '../kernel/source-chain.ts';
import type { ObserveContext } from '../observe/context.ts';
import type { NodeServer } from '../observe/node-socket.ts';
import { Untracked } from '../observe/untracked.ts';
import { AcceptPressure } from '../sockets/accept-pressure.ts';
import { Histogram } from '../sockets/histogram.ts';
import { forgetSlot, Join, type KernelColumn } from '../sockets/join.ts';
import { TICKS_PER_MS } from '../sockets/ledger.ts';
import { PortForecast } from '../sockets/port-forecast.ts';
import { stateOf } from '../sockets/record.ts';
import type { RowSink } from '../sockets/row.ts';
import { STATE } from '../tcp/state.ts';
import { ClusterListeners, ownSockets } from './cluster-listeners.ts';
import { Following } from './following.ts';
import { type ExaminedTable, LeakFinder, type LeakFindings } from './leak-finder.ts';
import { type LoopTurns, watchLoopTurns } from './loop-turns.ts';
import type { ResolvedOptions } from './options.ts';
import { captureMissing, settleInSlices, walkInSlices } from './sliced-walk.ts';
import { TcpInfoSampler } from './tcp-info.ts';

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
      /** Why the first source that was asked gave no table; the detail has the others. */
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
/** What a process costs beside the time it runs, in fork, exec and exit: most of what a table of 1,000 rows costs. */
const PROCESS_COST_MS = 8;
/** And this one while somebody asks for one sample after another. */
const DUTY_ON_DEMAND = 0.5;
/** Nor are tables read more often than this because other processes ask for them. */
const MIN_REQUESTED_MS = 1_000;
/** A table is too old to be shown after this many intervals. */
const STALE_INTERVALS = 3;
const FIRST_SAMPLE_MS = 500;
/** However dear a sample is, the next one comes after this long: a table that is never read helps nobody. */
const MAX_STRETCHED_MS = 300_000;
/** A follower looks at its own records so long before the next table is due. */
const LEAD_MS = 500;
/** What a walk has looked up is complete enough for tables that begin within this time. */
const WALK_HOLDS_MS = 1_000;
/** And not again before this. */
const MIN_FOLLOW_MS = 100;
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
  /** A name has given its place back. */
  readonly onNameForgotten: (slot: number) => void;
  /** A table was examined. */
  readonly onFindings: (findings: LeakFindings, table: ExaminedTable) => void;
}

/** A complete table, with where it is from. */
interface TakenTable extends ExaminedTable {
  readonly join: Join;
  readonly source: Source;
}

/** Samples the kernel's table on an unreferenced timer, one at a time, and keeps the newest complete one. */
export class Collector {
  readonly durations: Histogram = new Histogram([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]);
  readonly blocked: Histogram = new Histogram([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25]);
  /** By {@link errorKey}. */
  readonly errors: Map<string, number> = new Map();
  column: KernelColumn | undefined;
  /** What that table, and those before it, say of leaks. */
  findings: LeakFindings | undefined;
  /** Where the newest table is from. */
  source: Source | undefined;
  lastSuccessSeconds: number | undefined;
  /** Whether the limit of closed tuples kept something out of the newest table. */
  truncated = false;
  /** As of the newest sample, whether it gave a table or not. */
  counters: Counters | undefined;
  descriptors: DescriptorCounts | undefined;
  sysctls: Sysctls | undefined;
  /** When the local ports of each client name are used up: to be asked while {@link isFresh}. */
  readonly portForecast: PortForecast;
  /** When accept queues were full. */
  readonly acceptPressure: AcceptPressure = new AcceptPressure();
  /** Undefined unless it was asked for. */
  readonly tcpInfo: TcpInfoSampler | undefined;
  /** False on platforms that have no socket table we can read. */
  readonly supported: boolean;

  readonly #context: ObserveContext;
  readonly #options: ResolvedOptions;
  readonly #host: CollectorHost;
  readonly #sources: Sources | undefined;
  readonly #following: Following;
  readonly #untracked: Untracked;
  readonly #leakFinder: LeakFinder;
  /** The examination of tables that other processes told: milliseconds of work. */
  #taking: Promise<number> = Promise.resolve(0);
  #flight: Promise<SampleResult> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What the newest sample cost, at most: CPU time of this process and of `ss`, which run side by side. */
  #lastCostMs = 0;
  /** The same of the newest `ss -i`. */
  #tcpInfoCostMs = 0;
  #walkedAt = Number.NEGATIVE_INFINITY;
  #publishedAt = Number.NEGATIVE_INFINITY;
  #lastEndedAt = Number.NEGATIVE_INFINITY;
  /** How old the newest table may become: by the interval that was in force when it was read. */
  #staleAfterMs = 0;
  /** After how long the leader of the cluster means to read again. */
  #leaderIntervalMs = 0;
  #evictedBefore = 0;
  #clusterListeners: ClusterListeners | undefined;
  #sysctlsReadAt = Number.NEGATIVE_INFINITY;
  readonly #abort = new AbortController();

  constructor(context: ObserveContext, options: ResolvedOptions, host: CollectorHost) {
    this.#context = context;
    this.#options = options;
    this.#host = host;
    this.supported = process.platform === 'linux';
    this.#sources = this.supported ? openSources(options, (error) => context.report('helper', error)) : undefined;
    this.portForecast = new PortForecast(context.ledger, performance.now());
    this.tcpInfo = options.sampleTcpInfo && this.supported ? new TcpInfoSampler(context.ledger) : undefined;
    this.#untracked = new Untracked(context, {
      descriptors: { inodeOf: probeSocketInode, count: () => sizeOfFolder() || this.descriptors?.open },
      signal: this.#abort.signal,
    });
    this.#leakFinder = new LeakFinder(context, options.leakAfterMs);
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

  /** The same, of a table that is begun after this call: one that is under way is not joined. */
  async sampleAnew(): Promise<SampleResult> {
    await this.#flight;
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
    return Math.max(sampleIntervalMs, Math.min((this.#lastCostMs + this.#tcpInfoCostMs) / DUTY, MAX_STRETCHED_MS));
  }

  #nextDelayMs(): number {
    if (!this.#following.isFollower) return this.#intervalMs();
    const intervalMs = Math.max(this.#leaderIntervalMs, this.#intervalMs());
    const untilDueMs = Math.max(intervalMs - LEAD_MS, intervalMs / 2);
    // The leader may be asked by others again and again, and begin anew each time.
    const sincePublishedMs = Math.max(performance.now() - this.#publishedAt, 0);
    return Math.max(Math.min(untilDueMs, intervalMs - sincePublishedMs), MIN_FOLLOW_MS);
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
      for (const slot of this.#context.ledger.evictIdleNames(this.#context.now())) this.#forgetName(slot);
      const walkMs = (await walkInSlices(this.#context)) + (await settleInSlices(this.#context));
      this.#walkedAt = performance.now();
      const sources = this.#sources;
      if (sources === undefined) return NOT_SUPPORTED;
      if (this.#abort.signal.aborted) return CLOSED;
      this.#readSettings(sources);
      const result = (await this.#follow(onDemand, walkMs)) ?? (await this.#readTable(sources, walkMs));
      if (result.ok && result.source === 'ss') await this.#readTcpInfo(sources);
      // procfs knows no tcp_info, and an older answer is not this table's.
      else if (result.ok) this.tcpInfo?.forgetNewest();
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
      const sysctls = readSysctls(this.#options.procPath);
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
    let turns: LoopTurns | undefined;
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
        join = new Join(this.#context.ledger, startedAt, this.sysctls);
        turns?.end();
        turns = watchLoopTurns(startedAt);
        telling = this.#following.beginTelling(startedAt);
        return telling === undefined ? join : tellingSink(join, telling);
      },
    });
    const { table, failures, durationMs, servedMs } = read;
    const endedAt = performance.now();
    const loopBlockedMs = turns?.end() ?? 0;
    const blockedMs = read.blockedMs + walkMs;
    const after = counters.read();
    this.counters = after;
    this.durations.observe(durationMs / 1000);
    if (this.#abort.signal.aborted) return CLOSED;
    for (const failure of failures) this.#fail(failure, table);
    if (table === undefined || join === undefined) {
      const [{ reason }] = failures as [SourceFailure];
      const detail = failures.map((failure) => `${failure.source}: ${failure.detail}`).join('; ');
      telling?.end({ ok: false, reason, detail, durationMs, nextIntervalMs: this.#intervalMs() });
      this.blocked.observe(blockedMs / 1000);
      return { ok: false, reason, detail, durationMs };
    }
    // A read that failed tells nothing about what a good one costs. ss runs beside us, and its wall time is at least what
    // it took of a core.
    this.#lastCostMs = servedMs + blockedMs + (table.source === 'ss' ? PROCESS_COST_MS : 0);
    const { source, rows } = table;
    const nextIntervalMs = this.#intervalMs();
    const column = join.finish(endedAt);
    const contradiction = contradictionOf({ before, after }, column.netnsStates);
    const degraded = [...table.degraded];
    if (contradiction !== undefined) degraded.push({ reason: 'inconsistent', detail: contradiction });
    telling?.end({ ok: true, source, rows, durationMs, nextIntervalMs, degraded });
    // Where something is wrong with a table, what it lacks may be there all the same.
    if (degraded.length === 0) join.settle();
    for (const { reason } of degraded) this.#count({ source, reason });
    const taken = { join, column, source, isSound: degraded.length === 0, loopBlockedMs };
    const heldMs = blockedMs + (await this.#take(taken, nextIntervalMs));
    this.blocked.observe(heldMs / 1000);
    return { ok: true, source, degraded: degraded.map(({ reason }) => reason), rows, durationMs, blockedMs: heldMs };
  }

  async #readTcpInfo({ chain }: Sources): Promise<void> {
    const read = await this.tcpInfo?.sample((what) =>
      chain.readBySs({ ...what, timeoutMs: this.#options.sampleTimeoutMs, signal: this.#abort.signal }),
    );
    if (read === undefined || this.#abort.signal.aborted) return;
    this.blocked.observe(read.blockedMs / 1000);
    if (read.ok) this.#tcpInfoCostMs = read.durationMs + read.blockedMs + PROCESS_COST_MS;
    else this.#fail({ source: 'ss', reason: read.reason, detail: `-i: ${read.detail}` }, undefined);
  }

  // ---- a table that another process of the cluster reads ----------------------------------------------------------

  #createFollowing(): Following {
    let join: Join | undefined;
    let turns: LoopTurns | undefined;
    return new Following({
      primaryPid: this.supported ? this.#host.primaryPid : () => undefined,
      begin: (startedAtMs) => {
        // A server may have begun to listen since the last walk.
        if (this.#host.claimListeners) this.#readListenerInodes();
        // A table that somebody else asked for would show too few of ours: those that no walk has met yet are not in it.
        // Where there are too many for now, the next walk is followed by another table.
        if (startedAtMs - this.#walkedAt > WALK_HOLDS_MS && !captureMissing(this.#context)) return NOBODY;
        join = new Join(this.#context.ledger, startedAtMs, this.sysctls);
        turns?.end();
        turns = watchLoopTurns(startedAtMs);
        return join;
      },
      end: (end) => {
        const begun = join;
        join = undefined;
        const loopBlockedMs = turns?.end() ?? 0;
        turns = undefined;
        this.counters = this.#sources?.counters.read();
        // What failed the leader, or was wrong with its table, is counted there.
        if (end.ok) {
          this.#leaderIntervalMs = end.nextIntervalMs;
          if (begun !== undefined) {
            const { source, degraded = [] } = end;
            const isSound = degraded.length === 0;
            if (isSound) begun.settle();
            const column = begun.finish(performance.now());
            this.#takeTold({ join: begun, column, source, isSound, loopBlockedMs }, end.nextIntervalMs);
          }
        } else if (isSharingFailure(end.reason)) this.#count({ source: 'shared', reason: end.reason });
        if (this.#flight === undefined) this.#schedule(this.#nextDelayMs());
      },
      minIntervalMs: () => Math.max(MIN_REQUESTED_MS, this.#lastCostMs / DUTY_ON_DEMAND),
      onRequest: () => {
        // One that is under way began before it was asked for.
        if (this.#flight === undefined) void this.#fly(true);
        else void this.#flight.then(() => this.#fly(true));
      },
    });
  }

  /** Waits for the leader's table; undefined where there is no leader, or none that answers. */
  async #follow(onDemand: boolean, walkMs: number): Promise<SampleResult | undefined> {
    const following = this.#following;
    if (!following.isFollower) return undefined;
    const startedAt = performance.now();
    const { sampleTimeoutMs } = this.#options;
    let end = onDemand ? undefined : await following.next(startedAt, 2 * LEAD_MS, sampleTimeoutMs);
    if (end === undefined) {
      following.request();
      end = await following.next(startedAt, sampleTimeoutMs, sampleTimeoutMs);
    }
    if (end?.ok !== true) return undefined;
    const blockedMs = walkMs + (await this.#taking);
    this.#lastCostMs = blockedMs;
    const { source, rows, durationMs, degraded = [] } = end;
    return { ok: true, source, degraded: degraded.map(({ reason }) => reason), rows, durationMs, blockedMs };
  }

  // ---- both -----------------------------------------------------------------------------------------------------

  /** The same for a table that another process has told, one after another. */
  #takeTold(table: TakenTable, intervalMs: number): void {
    this.#taking = this.#taking
      .then(() => this.#take(table, intervalMs))
      .catch((error: unknown) => {
        this.#context.report('collector', error);
        return 0;
      });
  }

  /** Examines a complete table, and shows it with what it came to. Returns how many milliseconds of work that was. */
  async #take(table: TakenTable, intervalMs: number): Promise<number> {
    const searchMs = await this.#untracked.lookThrough(table.join);
    const { findings, workMs: examinationMs } = await this.#leakFinder.examine(table);
    const workMs = searchMs + examinationMs;
    this.#lastCostMs += workMs;
    if (this.#abort.signal.aborted) return workMs;
    this.findings = findings;
    this.#publish(table.column, table.source, intervalMs);
    this.acceptPressure.update(
      table.column,
      this.#context.ledger.names.entries(),
      table.loopBlockedMs,
      this.counters?.listenOverflows,
    );
    this.#host.onFindings(findings, table);
    return workMs;
  }

  /** Shows a complete table from now on. */
  #publish(column: KernelColumn, source: Source, intervalMs: number): void {
    this.column = column;
    this.source = source;
    this.lastSuccessSeconds = Date.now() / 1000;
    this.#publishedAt = performance.now();
    this.#staleAfterMs = STALE_INTERVALS * Math.max(intervalMs, this.#intervalMs());
    this.portForecast.update(column, this.sysctls, performance.now());
    const { ledger, now, excluded } = this.#context;
    const { evicted } = ledger.closedTuples;
    this.truncated = evicted > this.#evictedBefore;
    this.#evictedBefore = evicted;
    if (this.#host.primaryPid() === process.pid) {
      this.#clusterListeners ??= new ClusterListeners(ledger, ownSockets(excluded));
    }
    this.#clusterListeners?.update(column.otherListeners, now());
  }

  /** A name has given its place back: nothing of it may show under the next one. */
  #forgetName(slot: number): void {
    this.tcpInfo?.forget(slot);
    this.portForecast.forget(slot);
    this.acceptPressure.forget(slot);
    this.findings?.closeWait.forget(slot);
    this.findings?.leaks.forget(slot);
    this.#context.sites.forget(slot);
    this.#host.onNameForgotten(slot);
    if (this.column !== undefined) forgetSlot(this.column, slot);
  }

  /** Listeners of ours that the kernel has: a table without any row would be wrong. */
  #listenersSeen(): number {
    return [...this.#context.ledger.listeners].filter((listener) => listener.inode !== 0).length;
  }

  #fail(failure: SourceFailure, table: TableFacts | undefined): void {
    const first = !this.errors.has(errorKey(failure));
    this.#count(failure);
    if (!first) return;
    const remedy = table === undefined ? 'there is no other source' : `${table.source} serves instead`;
    this.#host.warn(
      `cannot read the kernel's socket table by ${failure.source}: ${failure.reason} (${failure.detail}); ${remedy}`,
    );
  }

  #count(error: CollectorError): void {
    const key = errorKey(error);
    this.errors.set(key, (this.errors.get(key) ?? 0) + 1);
  }
}

/** What the sampling keeps open from the beginning, so that it works when descriptors have run out. */
interface Sources {
  readonly chain: SourceChain;
  readonly counters: CounterReader;
  readonly descriptors: DescriptorReader;
}

function openSources({ ssPath, procPath }: ResolvedOptions, onHelperFailure: (error: Error) => void): Sources {
  return {
    chain: new SourceChain({ path: ssPath, procRoot: procPath, onHelperFailure }),
    counters: new CounterReader({ procRoot: procPath }),
    descriptors: new DescriptorReader(),
  };
}

/** Tells every row to the other processes, and joins those that are ours. */
function tellingSink(join: RowSink, telling: TableSink): RowSink {
  let wanted = false;
  return {
    wants(state, localPort, peerPort) {
      wanted = join.wants(state, localPort, peerPort);
      return true;
    },
    add(row) {
      telling.row(row);
      if (wanted) join.add(row);
    },
  };
}

/** Nobody whom a row interests. */
const NOBODY: RowSink = { wants: () => false, add: () => undefined };

function isSharingFailure(reason: CollectorReason): reason is SharingFailure {
  return (SHARING_FAILURES as readonly string[]).includes(reason);
}
