/**
 * Finds the line `<token> <exit code>` that the helper writes after ss has ended. Between ss and us nobody else cuts the
 * stream, so the line may follow a row that was cut off. It counts only as the very last bytes there are, and ss does
 * not know the token: a text that looks like it ends nothing.
 *
 * Everything else is handed on, the newest bytes one chunk later.
 *
 * @example
 * const marker = new EndMarker('8f3c', (bytes) => parser.push(bytes));
 * marker.push(Buffer.from('ESTAB 0 0 ...\n8f3c 0\n')) // 0, and the row was handed on
 */
export class EndMarker {
  readonly #token: string;
  readonly #maxBytes: number;
  readonly #onBytes: (bytes: Uint8Array) => void;
  #held: Uint8Array = new Uint8Array(0);

  /** @param token ASCII letters and digits, a new one for every run */
  constructor(token: string, onBytes: (bytes: Uint8Array) => void) {
    this.#token = token;
    this.#maxBytes = token.length + MAX_CODE_BYTES;
    this.#onBytes = onBytes;
  }

  /** Takes the next chunk. Returns the exit code if the stream ends with it, and is not to be called again then. */
  push(chunk: Uint8Array): number | undefined {
    const bytes = this.#join(chunk);
    const tail = Math.max(0, bytes.length - this.#maxBytes);
    const text = String.fromCharCode(...bytes.subarray(tail));
    const at = text.lastIndexOf(this.#token);
    const code = at < 0 ? undefined : codeIn(text.slice(at + this.#token.length));
    const end = code === undefined ? tail : tail + at;
    if (code === undefined) this.#held = bytes.slice(end);
    if (end > 0) this.#onBytes(bytes.subarray(0, end));
    return code;
  }

  /** What was held back, and the chunk: in one piece only if the chunk alone is too short for a marker. */
  #join(chunk: Uint8Array): Uint8Array {
    const held = this.#held;
    this.#held = NOTHING;
    if (held.length === 0) return chunk;
    if (chunk.length < this.#maxBytes) return Buffer.concat([held, chunk]);
    this.#onBytes(held);
    return chunk;
  }
}

function codeIn(text: string): number | undefined {
  return /^ \d{1,3}\n$/.test(text) ? Number(text) : undefined;
}

/** A space, three digits, a newline. */
const MAX_CODE_BYTES = 5;
const NOTHING = new Uint8Array(0);
