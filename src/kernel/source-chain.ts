import { performance } from '../globals.ts';
import type { RowSink } from '../sockets/row.ts';
import { NearRepeats } from './near-repeats.ts';
import { readProcfs, TcpTables } from './procfs/read-procfs.ts';
import type { CollectorError, Degradation, Source } from './source.ts';
import { type SsRead, type SsReadOptions, SsRunner, type SsRunnerOptions } from './ss/ss-runner.ts';

/** How to make a {@link SourceChain}. */
export interface SourceChainOptions extends SsRunnerOptions {
  /** The root of procfs. @default '/proc' */
  readonly procRoot?: string;
}

/** How to read the table once. */
export interface TableRequest {
  /** How long each source has. */
  readonly timeoutMs: number;
  /** The number of sockets that are known to be there; a table without rows is a failure then. */
  readonly expectedRows: number;
  readonly signal: AbortSignal;
  /** Called before a source is asked: what an earlier one told is worth nothing. */
  readonly begin: () => RowSink;
}

/** A source that gave no table. */
export interface SourceFailure extends CollectorError {
  readonly source: Source;
  /** Free text, not fit for a label. */
  readonly detail: string;
}

/** A table that can be used. */
export interface TableFacts {
  readonly source: Source;
  /** As the source shows them; those that came again are counted, and not handed on. */
  readonly rows: number;
  /** What is wrong with it. */
  readonly degraded: readonly { readonly reason: Degradation; readonly detail: string }[];
}

/** What came of reading the table once. */
export interface TableRead {
  /** Undefined where no source gave one. */
  readonly table: TableFacts | undefined;
  /** The sources that failed before it, in the order they were asked. */
  readonly failures: readonly SourceFailure[];
  /** All of it, sources that failed included. */
  readonly durationMs: number;
  /** What the source that served took of it: a source that hangs costs time and nothing else. */
  readonly servedMs: number;
  /** How long the event loop was held. */
  readonly blockedMs: number;
}

/**
 * Reads the socket table by the first source that can: `ss`, which asks netlink, and procfs where there is no ss (slim
 * images) or it fails. ss is asked again at the next read; one that has failed twice running is passed over once, then
 * 3, 7 and up to 15 times while procfs serves, because each failure may cost a whole timeout.
 *
 * One read at a time.
 *
 * @example
 * const chain = new SourceChain();
 * const { table } = await chain.read({ timeoutMs: 5_000, expectedRows: 0, signal, begin: () => new Join(ledger, now) });
 */
export class SourceChain {
  readonly #runner: SsRunner;
  readonly #procfs: TcpTables;
  #ssFailures = 0;
  #passOver = 0;

  constructor(options: SourceChainOptions = {}) {
    this.#runner = new SsRunner(options);
    this.#procfs = new TcpTables(options.procRoot);
  }

  /** Never rejects, unless `begin` throws. */
  async read(request: TableRequest): Promise<TableRead> {
    const startedAt = performance.now();
    const failures: SourceFailure[] = [];
    let blockedMs = 0;
    const done = (table: TableFacts | undefined, servedMs = 0): TableRead => {
      return { table, failures, durationMs: performance.now() - startedAt, servedMs, blockedMs };
    };
    if (this.#passOver > 0) this.#passOver--;
    else {
      const { onRow, ...options } = readerOptions(request);
      // Of a row that nobody wants only state and ports are read, so a repeat of it is not told.
      const seen = new NearRepeats();
      let duplicates = 0;
      const read = await this.#runner.read({
        ...options,
        expectedRows: request.expectedRows,
        onRow: (row) => {
          if (seen.isRepeat(row)) duplicates++;
          else onRow(row);
        },
      });
      blockedMs += read.blockedMs;
      if (read.ok) {
        this.#ssFailures = 0;
        const degraded = flaws(read.degraded, duplicates);
        return done({ source: 'ss', rows: read.rows, degraded }, read.durationMs);
      }
      failures.push({ source: 'ss', reason: read.reason, detail: read.detail });
      if (request.signal.aborted) return done(undefined);
      this.#ssFailures++;
      this.#passOver = Math.min(2 ** (this.#ssFailures - 1) - 1, MAX_PASSED_OVER);
    }
    const read = await readProcfs({
      ...readerOptions(request),
      tables: this.#procfs,
      expectedRows: request.expectedRows,
    });
    blockedMs += read.blockedMs;
    if (!read.ok) {
      failures.push({ source: 'procfs', reason: read.reason, detail: read.detail });
      this.#passOver = 0;
      return done(undefined);
    }
    const degraded = flaws(read.degraded, read.duplicates);
    return done({ source: 'procfs', rows: read.rows, degraded }, read.durationMs);
  }

  /** Runs ss for something else than the table; there is no other source for that. */
  readBySs(options: SsReadOptions): Promise<SsRead> {
    return this.#runner.read(options);
  }

  /** Ends whatever was started, at once. */
  close(): void {
    this.#runner.close();
    this.#procfs.close();
  }
}

const MAX_PASSED_OVER = 15;

function flaws(degraded: TableFacts['degraded'][number] | undefined, duplicates: number): TableFacts['degraded'] {
  const again = { reason: 'duplicates', detail: `${duplicates} rows came again` } as const;
  return [...(degraded === undefined ? [] : [degraded]), ...(duplicates > 0 ? [again] : [])];
}

function readerOptions({ timeoutMs, signal, begin }: TableRequest): {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onRow: RowSink['add'];
  readonly wants: RowSink['wants'];
} {
  const sink = begin();
  return {
    timeoutMs,
    signal,
    onRow: (row) => sink.add(row),
    wants: (state, localPort, peerPort) => sink.wants(state, localPort, peerPort),
  };
}
