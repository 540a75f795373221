import { clearTimeout, performance, setImmediate, setTimeout } from '../../globals.ts';
import type { KernelRow, RowFilter } from '../../sockets/row.ts';
import { ProcfsParser } from './parse-procfs.ts';
import { ProcFile } from './proc-file.ts';
import { judgeReadError, type ProcfsDegradation, type ProcfsFailure } from './procfs-failure.ts';

/** The two files of the table, opened early so that they can be read when descriptors have run out. */
export class TcpTables {
  readonly tcp: ProcFile;
  readonly tcp6: ProcFile;

  constructor(procRoot = '/proc') {
    this.tcp = new ProcFile(`${procRoot}/net/tcp`);
    this.tcp6 = new ProcFile(`${procRoot}/net/tcp6`);
  }

  close(): void {
    this.tcp.close();
    this.tcp6.close();
  }
}

/** How to read the table once. */
export interface ReadProcfsOptions {
  /** One read at a time, see {@link ProcFile}. */
  readonly tables: TcpTables;
  /** After this long the read is given up. */
  readonly timeoutMs: number;
  /** Called for each row with one object that is reused: copy what is to be kept. */
  readonly onRow: (row: KernelRow) => void;
  /** Asked for each row whether it shall be handed to `onRow`. @default every row */
  readonly wants?: RowFilter | undefined;
  /** The number of sockets that other counters show; with it, a table without rows is a failure. @default 0 */
  readonly expectedRows?: number;
  /** Ends the read early, as `aborted`. */
  readonly signal?: AbortSignal;
  /** Whether the host's process stays alive until the table is read, if nothing else keeps it. @default false */
  readonly keepAlive?: boolean;
}

interface ProcfsCost {
  /** From the start of the call to its result. */
  readonly durationMs: number;
  /** How much of it the event loop was held: in reading and in parsing, `onRow` included. */
  readonly blockedMs: number;
  /** The longest that it was held at a time. */
  readonly longestBlockMs: number;
}

/** What came of reading the table once. */
export type ProcfsRead =
  | (ProcfsCost & {
      readonly ok: true;
      /** Rows handed to `onRow`. */
      readonly rows: number;
      /** Rows that came again, which churn makes them do; as many may have been missed. */
      readonly duplicates: number;
      /** Lines that were no rows, at most 1% of all. */
      readonly unparsed: number;
      /** Present if the table may be incomplete: too good to be discarded, not good enough to conclude from. */
      readonly degraded?: { readonly reason: ProcfsDegradation; readonly detail: string };
    })
  | (ProcfsCost & {
      readonly ok: false;
      readonly reason: ProcfsFailure;
      /** The text behind the reason. Free text, not fit for a label. */
      readonly detail: string;
    });

/**
 * Reads /proc/net/tcp and tcp6 once and hands on their rows while they are read: nothing is accumulated, no process and
 * no thread is started.
 *
 * The event loop is held for 2 ms at a time, with a turn of at least 1 ms for others in between. The kernel gives 4 KiB
 * a read, but walks its whole hash table for them where that is sparse: 5 to 30 ms, measured with 262,144 buckets. Such
 * reads are made in a thread of libuv's pool, unless the host has taken all of them.
 *
 * Always resolves and never throws. Whether the table can be trusted is known at the end only, so rows that came before
 * a failure are the caller's to discard. Unless `keepAlive` is set, nothing but a read under way keeps the process
 * alive: one with nothing else to do exits with the promise unsettled.
 *
 * @example
 * const tables = new TcpTables();
 * const read = await readProcfs({ tables, timeoutMs: 5_000, onRow: (row) => counts[row.state]++ });
 * if (!read.ok) counts.fill(0);
 */
export async function readProcfs(options: ReadProcfsOptions): Promise<ProcfsRead> {
  const { timeoutMs, expectedRows = 0, signal, keepAlive = false } = options;
  const startedAt = performance.now();
  const reading = new Reading(options.onRow, options.wants, keepAlive);
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const givenUp = new Promise<Outcome>((resolve) => {
    onAbort = () => resolve(failed('aborted', 'given up by the caller'));
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    timer = setTimeout(() => resolve(failed('timeout', `no end after ${timeoutMs} ms`)), timeoutMs);
    if (!keepAlive) timer.unref();
  });
  const outcome = await Promise.race([givenUp, reading.run(options.tables, expectedRows)]);
  reading.over = true;
  clearTimeout(timer);
  if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
  const { blockedMs, longestBlockMs } = reading;
  return { ...outcome, durationMs: performance.now() - startedAt, blockedMs, longestBlockMs };
}

/** At most so long in one turn of the event loop. */
const SLICE_MS = 2;
/** A read that takes longer is made off the thread. */
const QUICK_READ_MS = 0.5;
/** So many full reads off the thread show that the table is dense: the next one is tried on it. */
const OFF_THREAD_READS = 8;
/** The threads of the pool are the host's: four lookups of a name that nobody answers hold all of them for seconds. */
const STARVED_MS = 50;
const MAX_UNPARSED_RATIO = 0.01;

/** The longest page of the kernels we know is 64 KiB, and a read gives a page at most. */
const BUFFER_BYTES = 65_536;
/**
 * A read that gives less than a page of 4 KiB without its longest line is the last one: the kernel fills its page as long
 * as there are rows. To be told so by an empty read costs another walk of the whole hash table; a table that ends just
 * where a page does, one in 27, costs that on the thread.
 */
const FULL_READ_BYTES = 4096 - 256;

type WithoutCost<T> = T extends unknown ? Omit<T, keyof ProcfsCost> : never;
type Outcome = WithoutCost<ProcfsRead>;

function failed(reason: ProcfsFailure, detail: string): Outcome {
  return { ok: false, reason, detail };
}

/** One read of both files. */
class Reading {
  blockedMs = 0;
  longestBlockMs = 0;
  /** Set when somebody else has settled the read: no row is handed on any more. */
  over = false;
  readonly #parser: ProcfsParser;
  readonly #keepAlive: boolean;
  // A thread may still write into that of a read that was given up, so it is never used again.
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #position = 0;
  #starved = false;
  #thrown: Outcome | undefined;

  constructor(onRow: (row: KernelRow) => void, wants: RowFilter | undefined, keepAlive: boolean) {
    this.#parser = new ProcfsParser(onRow, wants);
    this.#keepAlive = keepAlive;
  }

  async run({ tcp, tcp6 }: TcpTables, expectedRows: number): Promise<Outcome> {
    for (const file of [tcp, tcp6]) {
      const complete = await this.#readFile(file);
      if (this.#thrown !== undefined) return this.#thrown;
      if (complete) this.#parser.end();
      else if (file === tcp || judgeReadError(file.failure) !== 'procfs_missing') {
        return failed(judgeReadError(file.failure), `${file.failure}: ${file.path}`);
      }
    }
    return judge(this.#parser, expectedRows);
  }

  /** Reads to the end. Returns false if the file cannot be read, or nobody wants it any more. */
  async #readFile(file: ProcFile): Promise<boolean> {
    this.#position = 0;
    for (;;) {
      for (let reads = 0; reads < OFF_THREAD_READS && !this.#starved; reads++) {
        const length = await this.#readOffThread(file);
        if (length === undefined) break;
        if (length < 0 || this.over) return false;
        const from = performance.now();
        const end = this.#take(length);
        this.#held(from);
        if (end) return this.#thrown === undefined;
      }
      for (let quick = true; quick; ) {
        await this.#pause();
        if (this.over) return false;
        const from = performance.now();
        let end = false;
        let length = 0;
        while (quick && !end) {
          const readFrom = performance.now();
          if (readFrom - from >= SLICE_MS) break;
          length = file.read(this.#buffer, this.#position);
          quick = performance.now() - readFrom < QUICK_READ_MS || this.#starved;
          end = length < 0 || this.#take(length);
        }
        this.#held(from);
        if (end) return length >= 0 && this.#thrown === undefined;
      }
    }
  }

  /** Undefined, and from then on starved, where the pool has no thread for us. */
  async #readOffThread(file: ProcFile): Promise<number | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const starved = new Promise<undefined>((resolve) => {
      // Where it was the event loop that was held, the read is done and its callback comes before the immediate.
      timer = setTimeout(() => setImmediate(resolve, undefined), STARVED_MS);
      if (!this.#keepAlive) timer.unref();
    });
    const length = await Promise.race([file.readOffThread(this.#buffer, this.#position), starved]);
    clearTimeout(timer);
    if (length === undefined) {
      this.#starved = true;
      this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    }
    return length;
  }

  /** Takes what a read gave. Returns whether it was the last one. */
  #take(length: number): boolean {
    this.#position += length;
    try {
      if (length > 0) this.#parser.push(this.#buffer.subarray(0, length));
    } catch (error) {
      this.#thrown = failed('consumer_threw', error instanceof Error ? error.message : typeof error);
      return true;
    }
    return length < FULL_READ_BYTES;
  }

  #held(from: number): void {
    const ms = performance.now() - from;
    this.blockedMs += ms;
    this.longestBlockMs = Math.max(this.longestBlockMs, ms);
  }

  /**
   * Lets others have a turn. A timer, because an unreferenced one wakes a loop that sleeps and does not keep it from
   * ending; an immediate does either both or neither.
   */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 1);
      if (!this.#keepAlive) timer.unref();
    });
  }
}

function judge(parser: ProcfsParser, expectedRows: number): Outcome {
  const { rows, duplicates, unparsed } = parser;
  const lines = rows + duplicates + unparsed;
  const badLine = `${unparsed} of ${lines} lines, such as: ${parser.firstUnparsed}`;
  if (parser.truncated) return failed('truncated', `cut off after ${rows} rows`);
  if (parser.foreign) return failed('parse_ratio', unparsed === 0 ? 'no header' : badLine);
  if (unparsed > MAX_UNPARSED_RATIO * lines) return failed('parse_ratio', badLine);
  if (rows === 0 && expectedRows > 0) return failed('empty_suspect', `no rows where ${expectedRows} are expected`);
  const table = { ok: true, rows, duplicates, unparsed } as const;
  return unparsed === 0 ? table : { ...table, degraded: { reason: 'unparsed', detail: badLine } };
}
