import { clearTimeout, performance, setImmediate, setTimeout } from '../../globals.ts';
import type { KernelRow, RowFilter } from '../../sockets/row.ts';
import type { LineHandler } from '../line-splitter.ts';
import { runDirectly } from './direct-run.ts';
import { findSs, isExecutableFile } from './find-ss.ts';
import type { SsParser } from './parse-ss.ts';
import type { SsFailure } from './ss-failure.ts';
import { SsHelper } from './ss-helper.ts';
import type { SsCommand, SsProcess } from './ss-process.ts';
import { failed, type SsOutcome, SsRun } from './ss-run.ts';

/** How to make a {@link SsRunner}. */
export interface SsRunnerOptions {
  /** Absolute path of ss. By default it is looked for at each read until it is found, see {@link findSs}. */
  readonly path?: string | undefined;
  /** Whether to start a helper, as soon as there is an ss. @default true */
  readonly helper?: boolean;
  /** Absolute path of the POSIX shell that the helper is; where there is none there is no helper. @default '/bin/sh' */
  readonly shell?: string;
  /**
   * Called when the helper could not be started or has ended by itself. The reads go on without it, and a new one is
   * started by a later read, 1 second after the first such failure, then 2, 4 and so on to 5 minutes. A machine without
   * the shell is no failure, and an ss that hangs is none of the helper's.
   */
  readonly onHelperFailure?: (error: Error) => void;
  /** A clock that never goes back, in milliseconds. @default performance.now */
  readonly now?: () => number;
}

/** How to run ss once. */
export interface SsReadOptions {
  /** After this long ss is ended. It writes nothing for a while and then much, so silence is no sign of failure. */
  readonly timeoutMs: number;
  /** Called for each row with one object that is reused: copy what is to be kept. */
  readonly onRow: (row: KernelRow) => void;
  /** Asked for each row whether it shall be handed to `onRow`. @default every row */
  readonly wants?: RowFilter | undefined;
  /** Called with what stands after the fifth field of each row, see {@link SsParser}. */
  readonly onDetails?: LineHandler | undefined;
  /** The arguments of ss. @default ['-Htanoe', '-D', '-'] */
  readonly args?: readonly string[];
  /** The number of sockets that other counters show; with it, a table without rows is a failure. @default 0 */
  readonly expectedRows?: number;
  /** Ends ss early, and the read as `signalled`. */
  readonly signal?: AbortSignal;
  /** Whether the host's process stays alive until ss has ended, if nothing else keeps it. @default false */
  readonly keepAlive?: boolean;
}

/** What came of one read, and what it cost. */
export type SsRead = SsOutcome & {
  /** Who started ss. `direct` holds the event loop the longer the more memory the host has outside the heap. */
  readonly via: 'helper' | 'direct';
  /** From the start of the run to its result. */
  readonly durationMs: number;
  /** How much of it the event loop was held: in starting ss and in parsing, `onRow` included. */
  readonly blockedMs: number;
};

/**
 * Runs ss and hands on its rows while they arrive: nothing is accumulated. ss is started by a helper process that is
 * forked with the runner (see {@link SsHelper}), and by this process where there is none. This is the only place that
 * runs ss.
 *
 * @example
 * const runner = new SsRunner();
 * const read = await runner.read({ timeoutMs: 5_000, onRow: (row) => counts[row.state]++ });
 * if (!read.ok) counts.fill(0);
 * runner.close();
 */
export class SsRunner {
  readonly #path: string | undefined;
  readonly #shell: string | undefined;
  readonly #onHelperFailure: (error: Error) => void;
  readonly #now: () => number;
  #found: string | undefined;
  #helper: SsHelper | undefined;
  #helperFailures = 0;
  #helperDueAt = 0;
  #newest: Promise<SsRead> | undefined;
  #giveUp: (() => void) | undefined;
  #closed = false;

  constructor(options: SsRunnerOptions = {}) {
    this.#path = options.path;
    this.#shell = options.helper === false ? undefined : (options.shell ?? '/bin/sh');
    this.#onHelperFailure = options.onHelperFailure ?? (() => undefined);
    this.#now = options.now ?? (() => performance.now());
    // Many images have no ss, and no use for a helper; it is started later if one appears.
    if (this.#findPath() !== undefined) this.#startHelper();
  }

  /**
   * Runs ss once; a read that is called during another one starts after it. Always resolves and never throws.
   *
   * Whether the table can be trusted is known at the end only, so rows that came before a failure are the caller's to
   * discard. Rows are handed on as ss prints them, a row that it prints twice is handed on twice. A read that is given up
   * has its result at once, and nothing that ss still writes reaches `onRow` or a later read.
   *
   * Unless `keepAlive` is set, a read keeps nothing alive: a process with nothing else to do exits with the promise
   * unsettled.
   */
  read(options: SsReadOptions): Promise<SsRead> {
    const before = this.#newest;
    const read = before === undefined ? this.#readNow(options) : before.then(() => this.#readNow(options));
    this.#newest = read;
    void read.then(() => {
      if (this.#newest === read) this.#newest = undefined;
    });
    return read;
  }

  /** Ends the helper and any ss; a read under way ends as `signalled`, and so does each later one. Twice is fine. */
  close(): void {
    this.#closed = true;
    this.#giveUp?.();
    this.#helper?.close();
  }

  #readNow(options: SsReadOptions): Promise<SsRead> {
    const { timeoutMs, onRow, args = ARGUMENTS, expectedRows = 0, signal, keepAlive = false } = options;
    const startedAt = performance.now();
    const run = new SsRun(onRow, options.wants, options.onDetails);
    let via: SsRead['via'] = 'direct';
    let blockedMs = 0;

    return new Promise((resolve) => {
      let running: SsProcess | undefined;
      let timer: NodeJS.Timeout | undefined;
      let settled = false;

      const settle = (outcome: SsOutcome): void => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.#giveUp = undefined;
        resolve({ ...outcome, via, durationMs: performance.now() - startedAt, blockedMs });
      };
      const abandon = (reason: SsFailure, detail: string): void => {
        if (settled) return;
        settle(failed(reason, detail));
        running?.cancel();
      };
      const giveUp = (): void => abandon('signalled', 'given up by the caller');
      const measured = <T>(what: () => T): T => {
        const from = performance.now();
        const result = what();
        blockedMs += performance.now() - from;
        return result;
      };
      const consume = (take: () => ReturnType<SsRun['takeOutput']>): void => {
        if (settled) return;
        const failure = measured(take);
        if (failure !== undefined) abandon(failure.reason, failure.detail);
      };

      if (this.#closed || signal?.aborted === true) return giveUp();
      const path = this.#findPath();
      if (path === undefined) return settle(failed('enoent', 'no ss in PATH or the system folders'));
      this.#giveUp = giveUp;
      signal?.addEventListener('abort', giveUp, { once: true });
      // A loop that was held for longer than that may have the whole table waiting: it is looked at first.
      timer = setTimeout(() => setImmediate(() => abandon('timeout', `no end after ${timeoutMs} ms`)), timeoutMs);
      // This alone keeps a process alive or not: nothing that ss needs is referenced.
      if (!keepAlive) timer.unref();

      const command: SsCommand = { path, args };
      const helper = SsHelper.canRun(command) ? measured(() => this.#idleHelper()) : undefined;
      if (helper !== undefined) via = 'helper';
      const listener = {
        stdout: (chunk: Uint8Array) => consume(() => run.takeOutput(chunk)),
        stderr: (chunk: Uint8Array) => consume(() => run.takeComplaint(chunk)),
        exited: (code: number) => {
          if (helper !== undefined) this.#helperFailures = 0;
          settle(run.end(code, expectedRows));
        },
        failed: (reason: SsFailure, detail: string) => settle(failed(reason, detail)),
      };
      running = measured(() => helper?.run(command, listener) ?? runDirectly(command, listener));
    });
  }

  /** What was found is looked for again when it has gone: an update may put it elsewhere. */
  #findPath(): string | undefined {
    if (this.#path !== undefined) return this.#path;
    if (this.#found === undefined || !isExecutableFile(this.#found)) {
      this.#found = findSs((process.env['PATH'] ?? '').split(':'));
    }
    return this.#found;
  }

  #idleHelper(): SsHelper | undefined {
    if (this.#helper === undefined && this.#now() >= this.#helperDueAt) this.#startHelper();
    return this.#helper?.idle === true ? this.#helper : undefined;
  }

  #startHelper(): void {
    // Without a shell nothing is forked to find that out.
    if (this.#shell === undefined || !isExecutableFile(this.#shell)) return;
    try {
      this.#helper = new SsHelper(this.#shell, (failure) => {
        this.#helper = undefined;
        if (failure !== undefined) this.#noteHelperFailure(failure);
      });
    } catch (error) {
      this.#noteHelperFailure(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #noteHelperFailure(error: Error): void {
    this.#helperDueAt = this.#now() + Math.min(FIRST_DELAY_MS * 2 ** this.#helperFailures, MAX_DELAY_MS);
    this.#helperFailures++;
    try {
      this.#onHelperFailure(error);
    } catch {
      // The reads go on whatever the caller makes of it.
    }
  }
}

// -D writes what the kernel answered instead of text: 45 ms of CPU where -Htanoe takes 112, on 50,000 rows, and as much less
// to read. Every version has it. What stands in the place of ss and does not know it may print text with all details.
//
// No -O, which 4.x does not know; no -4 or -6, which lose the mapped sockets; no -p, which takes a second at 96,000
// sockets; -n, or names of services replace the ports.
const ARGUMENTS = ['-Htanoe', '-D', '-'];
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 300_000;
