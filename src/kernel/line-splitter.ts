/** Receives one line as the bytes `[from, to)`, without its newline. The bytes are only valid during the call. */
export type LineHandler = (bytes: Uint8Array, from: number, to: number) => void;

/**
 * Cuts a byte stream into lines, wherever its chunks end. A line inside one chunk is handed on in place; only a line
 * that crosses a chunk's end is copied. A line of more than `maxBytes` is dropped, and its beginning handed to
 * `onOverlong` once.
 *
 * @example
 * const lines = new LineSplitter(65_536, (bytes, from, to) => count++, () => dropped++);
 * stream.on('data', (chunk) => lines.push(chunk));
 */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #onLine: LineHandler;
  readonly #onOverlong: LineHandler;
  #carry: Uint8Array = new Uint8Array(0);
  #carried = 0;
  #dropping = false;

  constructor(maxBytes: number, onLine: LineHandler, onOverlong: LineHandler) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
    this.#onOverlong = onOverlong;
  }

  /** Takes the next chunk of the stream. What a handler throws passes through, and the rest of the chunk is lost. */
  push(chunk: Uint8Array): void {
    let from = this.#carried > 0 || this.#dropping ? this.#finishLine(chunk) : 0;
    while (from < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, from);
      if (newline < 0) {
        this.#carryOver(chunk, from, chunk.length);
        return;
      }
      if (newline - from > this.#maxBytes) this.#onOverlong(chunk, from, newline);
      else this.#onLine(chunk, from, newline);
      from = newline + 1;
    }
  }

  /** Ends the stream. Returns whether its last line had no newline; that line is handed to nobody. */
  end(): boolean {
    const unfinished = this.#carried > 0 || this.#dropping;
    this.#carried = 0;
    this.#dropping = false;
    return unfinished;
  }

  /** Ends the line that an earlier chunk began. Returns where the next one starts. */
  #finishLine(chunk: Uint8Array): number {
    const newline = chunk.indexOf(NEWLINE);
    const to = newline < 0 ? chunk.length : newline;
    this.#carryOver(chunk, 0, to);
    if (newline < 0) return to;
    const length = this.#carried;
    const dropped = this.#dropping;
    this.#carried = 0;
    this.#dropping = false;
    if (!dropped) this.#onLine(this.#carry, 0, length);
    return newline + 1;
  }

  #carryOver(chunk: Uint8Array, from: number, to: number): void {
    if (this.#dropping) return;
    const wanted = this.#carried + to - from;
    const length = Math.min(wanted, this.#maxBytes);
    this.#reserve(length);
    this.#carry.set(chunk.subarray(from, from + length - this.#carried), this.#carried);
    this.#carried = length;
    if (wanted <= this.#maxBytes) return;
    this.#dropping = true;
    this.#carried = 0;
    this.#onOverlong(this.#carry, 0, length);
  }

  #reserve(length: number): void {
    if (this.#carry.length >= length) return;
    const grown = new Uint8Array(Math.max(length, 2 * this.#carry.length, FIRST_CARRY_BYTES));
    grown.set(this.#carry.subarray(0, this.#carried));
    this.#carry = grown;
  }
}

const NEWLINE = 10;
const FIRST_CARRY_BYTES = 1024;
