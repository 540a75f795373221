import { judgeComplaint, maySayFailure, type SsFailure } from './ss-failure.ts';

/**
 * What ss wrote to stderr, without what means nothing and without repeats: it may write a line per row. Memory and time
 * are bounded whatever comes. After the first mebibyte only failures are looked for.
 */
export class SsComplaints {
  /** The first failure that a line stands for. */
  failure: SsFailure | undefined;
  /** The lines that mean something, at most 4 KiB. */
  text = '';
  readonly #decoder: InstanceType<typeof TextDecoder> = new TextDecoder();
  #unfinished = '';
  #last = '';
  #looked = 0;

  /** Takes the next bytes; they may end inside a line. */
  push(chunk: Uint8Array): void {
    const text = this.#unfinished + this.#decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf('\n') + 1;
    // Of a line without end the beginning is enough.
    this.#unfinished = text.slice(end, end + MAX_TEXT);
    if (end > 0) this.#take(text.slice(0, end));
  }

  /** Ends the input; the last line counts, newline or not. */
  end(): void {
    this.#take(this.#unfinished);
    this.#unfinished = '';
  }

  #take(lines: string): void {
    if (this.#looked > MAX_LOOKED && !maySayFailure(lines)) return;
    this.#looked += lines.length;
    for (const line of lines.split('\n')) this.#takeLine(line.trim());
  }

  #takeLine(line: string): void {
    if (line === '' || line === this.#last) return;
    this.#last = line;
    const verdict = judgeComplaint(line);
    if (verdict === undefined) return;
    if (verdict !== 'degraded') this.failure ??= verdict;
    if (this.text.length >= MAX_TEXT) return;
    this.text = `${this.text}${this.text === '' ? '' : '\n'}${line}`.slice(0, MAX_TEXT);
  }
}

const MAX_TEXT = 4096;
const MAX_LOOKED = 1_048_576;
