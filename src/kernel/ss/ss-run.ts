import type { KernelRow, RowFilter } from '../../sockets/row.ts';
import type { LineHandler } from '../line-splitter.ts';
import { SsParser } from './parse-ss.ts';
import { SsComplaints } from './ss-complaints.ts';
import { judgeExitCode, type SsDegradation, type SsFailure, signalOf } from './ss-failure.ts';

/** What came of one ss. */
export type SsOutcome =
  | {
      readonly ok: true;
      /** Rows, whether they were wanted or not. */
      readonly rows: number;
      /** Lines that were no rows, at most 1% of all. */
      readonly unparsed: number;
      /** Present if the table may be incomplete: too good to be discarded, not good enough to conclude from. */
      readonly degraded?: { readonly reason: SsDegradation; readonly detail: string };
    }
  | SsFailed;

/** Why nothing came of it. */
export interface SsFailed {
  readonly ok: false;
  readonly reason: SsFailure;
  /** The text behind the reason: an error code, the line that ss wrote. Free text, not fit for a label. */
  readonly detail: string;
}

/**
 * Judges one ss by what it writes and how it ends, and hands on its rows meanwhile. Knows nothing of processes. Memory is
 * bounded whatever is written, and never does it throw.
 *
 * Whether the table can be trusted is known at the end only. Where the end cannot change the verdict any more, taking a
 * chunk returns the failure: the rest is not worth waiting for.
 *
 * @example
 * const run = new SsRun((row) => counts[row.state]++);
 * run.takeOutput(Buffer.from('ESTAB 0 0 127.0.0.1:1 127.0.0.1:2\n'));
 * run.end(0, 1); // { ok: true, rows: 1, unparsed: 0 }
 */
export class SsRun {
  readonly #parser: SsParser;
  readonly #complaints: SsComplaints = new SsComplaints();
  #bytes = 0;

  /**
   * @param onRow called for each row with one object that is reused
   * @param wants asked for each row whether it shall be handed to `onRow`
   * @param onDetails called with what stands after the fifth field of a row
   */
  constructor(onRow: (row: KernelRow) => void, wants?: RowFilter, onDetails?: LineHandler) {
    this.#parser = new SsParser(onRow, wants, onDetails);
  }

  /** Takes the next bytes of stdout. */
  takeOutput(chunk: Uint8Array): SsFailed | undefined {
    this.#bytes += chunk.length;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      return failed('consumer_threw', error instanceof Error ? error.message : typeof error);
    }
    const { unparsed } = this.#parser;
    const understood = this.#parser.rows + this.#parser.unconnected;
    const isGarbage = unparsed > understood && unparsed + understood >= EARLY_LINES;
    // A line without end, or blank lines only, are never counted as many.
    const isBlank = this.#bytes >= EARLY_BYTES && this.#bytes > MAX_BYTES_PER_ROW * understood;
    return isGarbage || isBlank ? this.#noTable() : undefined;
  }

  /** Takes the next bytes of stderr. */
  takeComplaint(chunk: Uint8Array): SsFailed | undefined {
    this.#complaints.push(chunk);
    const { failure, text } = this.#complaints;
    // ss goes on after these, with rows that cannot be used: a second dump, or all of procfs.
    return failure === undefined ? undefined : failed(failure, text);
  }

  /**
   * The verdict.
   *
   * @param code how ss ended, as a shell counts: 128 + n after the signal n
   * @param expectedRows the number of sockets that other counters show; with it, a table without rows is a failure
   */
  end(code: number, expectedRows: number): SsOutcome {
    const parser = this.#parser;
    const complaints = this.#complaints;
    parser.end();
    complaints.end();
    const { rows, unparsed } = parser;
    if (complaints.failure !== undefined) return failed(complaints.failure, complaints.text);
    if (code !== 0) {
      return failed(judgeExitCode(code), signalOf(code) ?? `exit code ${code}: ${complaints.text}`);
    }
    if (parser.truncated) return failed('truncated', `cut off after ${rows} rows`);
    if (unparsed > MAX_UNPARSED_RATIO * (rows + unparsed)) return this.#noTable();
    if (parser.procfs) return failed('netlink_denied_fallback', 'the rows lack what only netlink tells');
    if (rows === 0 && expectedRows > 0) return failed('empty_suspect', `no rows where ${expectedRows} are expected`);
    const table = { ok: true, rows, unparsed } as const;
    if (complaints.text !== '') return { ...table, degraded: { reason: 'stderr', detail: complaints.text } };
    if (unparsed > 0) return { ...table, degraded: { reason: 'unparsed', detail: this.#badLines() } };
    return table;
  }

  #noTable(): SsFailed {
    return failed('parse_ratio', this.#badLines());
  }

  #badLines(): string {
    const { rows, unparsed, firstUnparsed } = this.#parser;
    if (firstUnparsed === undefined) return `${this.#bytes} bytes with ${rows} rows`;
    return `${unparsed} of ${rows + unparsed} lines, such as: ${firstUnparsed}`;
  }
}

/** A failure as an outcome. */
export function failed(reason: SsFailure, detail: string): SsFailed {
  return { ok: false, reason, detail };
}

const MAX_UNPARSED_RATIO = 0.01;
const EARLY_LINES = 10_000;
const EARLY_BYTES = 4_194_304;
/** A row with all its details has 500. */
const MAX_BYTES_PER_ROW = 4096;
