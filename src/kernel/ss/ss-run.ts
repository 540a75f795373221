import type { KernelRow, RowFilter } from '../../sockets/row.ts';
import type { LineHandler } from '../line-splitter.ts';
import { beginsWithMessage, DiagParser, KIND_BYTES } from './parse-diag.ts';
import { SsParser } from './parse-ss.ts';
import { SsComplaints } from './ss-complaints.ts';
import { judgeExitCode, judgeRefusal, type SsDegradation, type SsFailure, signalOf } from './ss-failure.ts';

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
 * Whether ss writes lines of text or the kernel's own messages (`-D -`) is seen from its first bytes: what stands in the
 * place of ss may know no -D.
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
  readonly #text: SsParser;
  readonly #diag: DiagParser;
  /** The one of the two that reads; undefined as long as there are too few bytes to tell. */
  #parser: SsParser | DiagParser | undefined;
  #beginning: Uint8Array = NOTHING;
  readonly #complaints: SsComplaints = new SsComplaints();
  #bytes = 0;

  /**
   * @param onRow called for each row with one object that is reused
   * @param wants asked for each row whether it shall be handed to `onRow`
   * @param onDetails called with what stands after the fifth field of a row, in text
   */
  constructor(onRow: (row: KernelRow) => void, wants?: RowFilter, onDetails?: LineHandler) {
    this.#text = new SsParser(onRow, wants, onDetails);
    this.#diag = new DiagParser(onRow, wants);
  }

  /** Takes the next bytes of stdout. */
  takeOutput(chunk: Uint8Array): SsFailed | undefined {
    this.#bytes += chunk.length;
    const bytes = this.#beginning.length === 0 ? chunk : Buffer.concat([this.#beginning, chunk]);
    if (this.#parser === undefined && bytes.length < KIND_BYTES) {
      this.#beginning = Uint8Array.from(bytes);
      return undefined;
    }
    this.#beginning = NOTHING;
    this.#parser ??= beginsWithMessage(bytes) ? this.#diag : this.#text;
    const parser = this.#parser;
    try {
      parser.push(bytes);
    } catch (error) {
      return failed('consumer_threw', error instanceof Error ? error.message : typeof error);
    }
    const { unparsed } = parser;
    const understood = parser.rows + parser.unconnected;
    if (parser === this.#diag && this.#diag.lost) return this.#noTable(parser);
    const isGarbage = unparsed > understood && unparsed + understood >= EARLY_LINES;
    // A line without end, or blank lines only, are never counted as many.
    const isBlank = this.#bytes >= EARLY_BYTES && this.#bytes > MAX_BYTES_PER_ROW * understood;
    return isGarbage || isBlank ? this.#noTable(parser) : undefined;
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
    const parser = this.#endParser();
    const complaints = this.#complaints;
    complaints.end();
    const { rows, unparsed } = parser;
    if (complaints.failure !== undefined) return failed(complaints.failure, complaints.text);
    if (code !== 0) {
      return failed(judgeExitCode(code), signalOf(code) ?? `exit code ${code}: ${complaints.text}`);
    }
    const { refusal } = this.#diag;
    if (refusal !== undefined) return failed(judgeRefusal(refusal), `the kernel answered with error ${refusal}`);
    if (parser.truncated) return failed('truncated', `cut off after ${rows} rows`);
    if (unparsed > MAX_UNPARSED_RATIO * (rows + unparsed)) return this.#noTable(parser);
    if (this.#text.procfs) return failed('netlink_denied_fallback', 'the rows lack what only netlink tells');
    if (rows === 0 && expectedRows > 0) return failed('empty_suspect', `no rows where ${expectedRows} are expected`);
    const table = { ok: true, rows, unparsed } as const;
    if (complaints.text !== '') return { ...table, degraded: { reason: 'stderr', detail: complaints.text } };
    if (unparsed > 0) return { ...table, degraded: { reason: 'unparsed', detail: this.#badLines(parser) } };
    return table;
  }

  /** An output that is too short to be a message is text, and so is none at all. */
  #endParser(): SsParser | DiagParser {
    if (this.#parser === undefined) {
      this.#parser = this.#text;
      this.#text.push(this.#beginning);
    }
    this.#parser.end();
    return this.#parser;
  }

  #noTable(parser: SsParser | DiagParser): SsFailed {
    return failed('parse_ratio', this.#badLines(parser));
  }

  #badLines({ rows, unparsed, firstUnparsed }: SsParser | DiagParser): string {
    if (firstUnparsed === undefined) return `${this.#bytes} bytes with ${rows} rows`;
    const what = this.#parser === this.#diag ? 'rows' : 'lines';
    return `${unparsed} of ${rows + unparsed} ${what}, such as: ${firstUnparsed}`;
  }
}

/** A failure as an outcome. */
export function failed(reason: SsFailure, detail: string): SsFailed {
  return { ok: false, reason, detail };
}

const NOTHING = new Uint8Array(0);
const MAX_UNPARSED_RATIO = 0.01;
const EARLY_LINES = 10_000;
const EARLY_BYTES = 4_194_304;
/** A row with all its details has 500. */
const MAX_BYTES_PER_ROW = 4096;
