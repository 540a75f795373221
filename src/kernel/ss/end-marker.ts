import { ascii, startsWith } from '../words.ts';

/**
 * Finds the line `<token> <exit code>` that the helper writes after ss has ended. Between ss and us nobody else cuts the
 * stream, so the line may follow a row that was cut off. It counts only as the very last bytes there are, and ss does
 * not know the token: a text that looks like it ends nothing.
 *
 * Everything else is handed on; what may be the beginning of that line, as soon as more has come.
 *
 * @example
 * const marker = new EndMarker('8f3c', (bytes) => parser.push(bytes));
 * marker.push(Buffer.from('ESTAB 0 0 ...\n8f3c 0\n')) // 0, and the row was handed on
 */
export class EndMarker {
  readonly #token: Uint8Array;
  readonly #maxBytes: number;
  readonly #onBytes: (bytes: Uint8Array) => void;
  #held: Uint8Array = NOTHING;

  /** @param token ASCII letters and digits, a new one for every run */
  constructor(token: string, onBytes: (bytes: Uint8Array) => void) {
    this.#token = ascii(token);
    this.#maxBytes = token.length + MAX_CODE_BYTES;
    this.#onBytes = onBytes;
  }

  /** Takes the next chunk. Returns the exit code if the stream ends with it, and is not to be called again then. */
  push(chunk: Uint8Array): number | undefined {
    const bytes = this.#join(chunk);
    const at = this.#beginningIn(bytes);
    const code = codeIn(bytes.subarray(at + this.#token.length));
    if (code === undefined) this.#held = bytes.slice(at);
    if (at > 0) this.#onBytes(bytes.subarray(0, at));
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

  /** Where the last bytes may be the marker, or as much of it as has come; their end where they are not. */
  #beginningIn(bytes: Uint8Array): number {
    const token = this.#token;
    const { length } = bytes;
    let at = Math.max(0, length - this.#maxBytes);
    // Most bytes are not even its first one.
    for (; at < length; at++) {
      if (bytes[at] !== token[0]) continue;
      if (startsWith(bytes, at, length, token.subarray(0, Math.min(token.length, length - at)))) break;
    }
    return at;
  }
}

function codeIn(bytes: Uint8Array): number | undefined {
  if (bytes.length === 0) return undefined;
  const text = String.fromCharCode(...bytes);
  return /^ \d{1,3}\n$/.test(text) ? Number(text) : undefined;
}

/** A space, three digits, a newline. */
const MAX_CODE_BYTES = 5;
const NOTHING = new Uint8Array(0);
