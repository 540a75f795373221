import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { KernelRow } from '../sockets/row.ts';
import { type LineHandler, LineSplitter } from './line-splitter.ts';
import { SsParser } from './parse-ss.ts';
import { judgeComplaint, judgeSpawnError, type SsDegradation, type SsFailure } from './ss-failure.ts';

/** How to run ss once. */
export interface ReadSsOptions {
  /** Absolute path of ss, see {@link findSs}. */
  readonly path: string;
  /** After this long ss is killed. It writes nothing for a while and then much, so silence is no sign of failure. */
  readonly timeoutMs: number;
  /** Called for each row with one object that is reused: copy what is to be kept. */
  readonly onRow: (row: KernelRow) => void;
  /** The number of sockets that other counters show; with it, a table without rows is a failure. @default 0 */
  readonly expectedRows?: number;
  /** Ends ss early, and the read as `signalled`. */
  readonly signal?: AbortSignal;
  /** Whether the host's process stays alive until ss has ended, if nothing else keeps it. @default false */
  readonly keepAlive?: boolean;
}

interface SsCost {
  /** From the start of the call to its result. */
  readonly durationMs: number;
  /** How much of it the event loop was held: in spawn(2) and in parsing, `onRow` included. */
  readonly blockedMs: number;
}

/** What came of running ss once. */
export type SsRead =
  | (SsCost & {
      readonly ok: true;
      /** Rows handed to `onRow`. */
      readonly rows: number;
      /** Lines that were no rows, at most 1% of all. */
      readonly unparsed: number;
      /** Present if the table may be incomplete: too good to be discarded, not good enough to conclude from. */
      readonly degraded?: { readonly reason: SsDegradation; readonly detail: string };
    })
  | (SsCost & {
      readonly ok: false;
      readonly reason: SsFailure;
      /** The text behind the reason: an error code, the line that ss wrote. Free text, not fit for a label. */
      readonly detail: string;
    });

/**
 * Runs `ss -Htanoe` once and hands on its rows while they arrive: nothing is accumulated. This is the only place that
 * runs ss: no shell, no inherited environment, stdin closed.
 *
 * Always resolves and never throws. Whether the table can be trusted is known at the end only, so rows that came
 * before a failure are the caller's to discard. Unless `keepAlive` is set, the child keeps nothing alive: a process
 * with nothing else to do exits with the promise unsettled.
 *
 * @example
 * const read = await readSs({ path: '/usr/bin/ss', timeoutMs: 5_000, onRow: (row) => counts[row.state]++ });
 * if (!read.ok) counts.fill(0);
 */
export function readSs(options: ReadSsOptions): Promise<SsRead> {
  const { path, timeoutMs, onRow, expectedRows = 0, signal, keepAlive = false } = options;
  const startedAt = performance.now();
  const parser = new SsParser(onRow);
  const complaints = new Complaints();
  let blockedMs = 0;

  return new Promise((resolve) => {
    let child: ChildProcess | undefined;
    let timer: NodeJS.Timeout | undefined;
    let settled = false;

    const settle = (outcome: Outcome): void => {
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve({ ...outcome, durationMs: performance.now() - startedAt, blockedMs });
    };
    const abandon = (reason: SsFailure, detail: string): void => {
      if (settled) return;
      settle(failed(reason, detail));
      // Without a pid kill(2) would be given 0, and that is our own process group.
      if (child?.pid !== undefined) child.kill('SIGKILL');
      // A grandchild may hold the other ends open.
      child?.stdout?.destroy();
      child?.stderr?.destroy();
    };
    const onAbort = (): void => abandon('signalled', 'given up by the caller');
    const consume = (chunk: Uint8Array, take: (chunk: Uint8Array) => void): void => {
      if (settled) return;
      const from = performance.now();
      let thrown: { readonly error: unknown } | undefined;
      try {
        take(chunk);
      } catch (error) {
        thrown = { error };
      }
      blockedMs += performance.now() - from;
      if (thrown !== undefined) abandon('consumer_threw', errorText(thrown.error));
      // ss goes on after these, with rows that cannot be used: a second dump, or all of procfs.
      else if (complaints.failure !== undefined) abandon(complaints.failure, complaints.text);
    };
    const spawnFailed = (error: unknown): void => abandon(judgeSpawnError(errorCode(error)), errorText(error));

    try {
      child = spawn(path, ARGUMENTS, { env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      blockedMs = performance.now() - startedAt;
      spawnFailed(error);
      return;
    }
    blockedMs = performance.now() - startedAt;

    child.on('error', spawnFailed);
    // Where descriptors have run out there are no pipes, and 'error' follows.
    drain(child.stdout, (chunk) => consume(chunk, (bytes) => parser.push(bytes)), keepAlive);
    drain(child.stderr, (chunk) => consume(chunk, (bytes) => complaints.push(bytes)), keepAlive);
    child.on('close', (code, signal) => {
      if (settled) return;
      parser.end();
      complaints.end();
      settle(judge(parser, complaints, code, signal, expectedRows));
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    timer = setTimeout(() => abandon('timeout', `no end after ${timeoutMs} ms`), timeoutMs);
    if (keepAlive) return;
    child.unref();
    timer.unref();
  });
}

/**
 * The absolute path of ss: the first of the given folders that has it, then of /usr/sbin, /sbin, /usr/bin and /bin,
 * which a service's PATH often lacks. Relative folders are passed over: what they name changes with the working
 * directory.
 *
 * @example findSs((process.env.PATH ?? '').split(':')) // '/usr/bin/ss'
 */
export function findSs(
  searchPath: readonly string[],
  isExecutable: (path: string) => boolean = isExecutableFile,
): string | undefined {
  for (const folder of [...searchPath, ...SYSTEM_FOLDERS]) {
    if (!folder.startsWith('/')) continue;
    const path = folder.endsWith('/') ? `${folder}ss` : `${folder}/ss`;
    if (isExecutable(path)) return path;
  }
  return undefined;
}

// No -O, which 4.x does not know; no -4 or -6, which lose the mapped sockets; no -p, which takes a second at 96,000
// sockets; -n, or names of services replace the ports.
const ARGUMENTS = ['-Htanoe'];
// Nothing of ours: PROC_ROOT, PROC_NET_TCP and TCPDIAG_FILE turn netlink off, NODE_OPTIONS is for us alone.
const ENVIRONMENT = { LC_ALL: 'C' };
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];
const MAX_UNPARSED_RATIO = 0.01;

type WithoutCost<T> = T extends unknown ? Omit<T, keyof SsCost> : never;
type Outcome = WithoutCost<SsRead>;

function failed(reason: SsFailure, detail: string): Outcome {
  return { ok: false, reason, detail };
}

function judge(
  parser: SsParser,
  complaints: Complaints,
  code: number | null,
  signal: string | null,
  expectedRows: number,
): Outcome {
  const { rows, unparsed } = parser;
  if (complaints.failure !== undefined) return failed(complaints.failure, complaints.text);
  if (signal !== null) return failed('signalled', signal);
  if (code !== 0) return failed(code === 255 ? 'unsupported_option' : 'usage', `exit code ${code}: ${complaints.text}`);
  if (parser.truncated) return failed('truncated', `cut off after ${rows} rows`);
  const badLine = `${unparsed} of ${rows + unparsed} lines, such as: ${parser.firstUnparsed}`;
  if (unparsed > MAX_UNPARSED_RATIO * (rows + unparsed)) return failed('parse_ratio', badLine);
  if (parser.procfs) return failed('netlink_denied_fallback', 'the rows lack what only netlink tells');
  if (rows === 0 && expectedRows > 0) return failed('empty_suspect', `no rows where ${expectedRows} are expected`);
  const table = { ok: true, rows, unparsed } as const;
  if (complaints.text !== '') return { ...table, degraded: { reason: 'stderr', detail: complaints.text } };
  if (unparsed > 0) return { ...table, degraded: { reason: 'unparsed', detail: badLine } };
  return table;
}

/** Reads a pipe to its end: a pipe that nobody drains blocks ss for ever. */
function drain(pipe: Readable | null | undefined, onChunk: (chunk: Uint8Array) => void, keepAlive: boolean): void {
  if (pipe === null || pipe === undefined) return;
  pipe.on('data', onChunk);
  // The missing rest shows as truncated output; without a listener the error would end the host.
  pipe.on('error', () => {});
  if (!keepAlive) (pipe as Socket).unref();
}

/** What ss wrote to stderr, without what means nothing and without repeats: it may write a line per row. */
class Complaints {
  /** The first failure that a line stands for. */
  failure: SsFailure | undefined;
  /** The lines that mean something, at most 4 KiB. */
  text = '';
  readonly #lines: LineSplitter;
  #last: Uint8Array | undefined;

  constructor() {
    const take: LineHandler = (bytes, from, to) => this.#take(bytes.subarray(from, to));
    this.#lines = new LineSplitter(MAX_COMPLAINT_BYTES, take, take);
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  /** Takes the last line as it is, newline or not. */
  end(): void {
    this.#lines.push(NEWLINE);
  }

  #take(line: Uint8Array): void {
    if (this.#last !== undefined && Buffer.compare(this.#last, line) === 0) return;
    this.#last = Uint8Array.from(line);
    const text = new TextDecoder().decode(line).trim();
    const verdict = judgeComplaint(text);
    if (verdict === undefined) return;
    if (verdict !== 'degraded') this.failure ??= verdict;
    this.text = `${this.text}${this.text === '' ? '' : '\n'}${text}`.slice(0, MAX_COMPLAINT_BYTES);
  }
}

const MAX_COMPLAINT_BYTES = 4096;
const NEWLINE = Uint8Array.of(10);

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Whatever the reason is, it cannot be run.
    return false;
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : typeof error;
}
