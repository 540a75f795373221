// The stream on which one process tells others the table that it reads: frames of two words, kind and payload length,
// and the payload. The version of this format is part of the socket's name (shared-table.ts): change both.
import { blankRow, type KernelRow } from '../../sockets/row.ts';
import { decodeRow, encodeRow, ROW_BYTES, type RowMemory, rowMemory } from './row-codec.ts';
import { parseSharedResult, type SharedResult, sharedResultText } from './shared-result.ts';

/** The largest frame, header included: a socket's buffer takes several at once. */
export const MAX_FRAME_BYTES = 32_768;

/** Who reads the table, as it says itself: its process, and there the descriptor of the socket that it listens on. */
export interface LeaderClaim {
  readonly pid: number;
  /** -1 where Node does not tell. */
  readonly fd: number;
}

/** What a follower may say, one byte each: send me tables; read one now; I have taken one frame. */
export const FOLLOWER_WORD = { join: 74, request: 82, taken: 65 } as const;

/** The first frame of a connection. */
export function helloFrame(claim: LeaderClaim): Uint8Array {
  const { bytes, words } = newFrame(KIND.hello, 8);
  words[2] = claim.pid;
  words[3] = claim.fd;
  return bytes;
}

/** The answer to a follower that joins: it is told every table from now on. */
export function welcomeFrame(): Uint8Array {
  return newFrame(KIND.welcome, 0).bytes;
}

/** A table begins; it shows nothing older than this time on CLOCK_MONOTONIC, in milliseconds. */
export function startFrame(startedAtMonotonicMs: number): Uint8Array {
  const { bytes, doubles } = newFrame(KIND.start, 8);
  doubles[1] = startedAtMonotonicMs;
  return bytes;
}

/** The table ends. */
export function endFrame(result: SharedResult): Uint8Array {
  const text = Buffer.from(sharedResultText(result));
  const { bytes } = newFrame(KIND.end, text.length);
  bytes.set(text, HEADER_BYTES);
  return bytes;
}

/**
 * Packs rows into frames, and hands on each frame when it is full.
 *
 * @example
 * const packer = new RowPacker((frame) => socket.write(frame));
 * for (const row of rows) packer.add(row);
 * packer.flush();
 */
export class RowPacker {
  readonly #onFrame: (frame: Uint8Array) => void;
  #frame: Frame | undefined;
  #used = 0;

  constructor(onFrame: (frame: Uint8Array) => void) {
    this.#onFrame = onFrame;
  }

  /** Copies a row; it may be reused afterwards. */
  add(row: KernelRow): void {
    this.#frame ??= newFrame(KIND.rows, ROWS_PER_FRAME * ROW_BYTES);
    encodeRow(row, this.#frame, HEADER_BYTES + this.#used);
    this.#used += ROW_BYTES;
    if (this.#used === ROWS_PER_FRAME * ROW_BYTES) this.flush();
  }

  /** Hands on what there is. */
  flush(): void {
    const frame = this.#frame;
    if (frame === undefined) return;
    const used = this.#used;
    this.#frame = undefined;
    this.#used = 0;
    frame.words[1] = used;
    this.#onFrame(frame.bytes.subarray(0, HEADER_BYTES + used));
  }
}

/** Receives what a stream says, in its order. */
export interface StreamHandler {
  onHello(claim: LeaderClaim): void;
  onWelcome(): void;
  onStart(startedAtMonotonicMs: number): void;
  /** Is given one object that is reused: copy what is to be kept. */
  onRow(row: KernelRow): void;
  onEnd(result: SharedResult): void;
  /** Once: what comes after bytes that are no stream is not looked at. */
  onMalformed(detail: string): void;
}

/**
 * Reads a stream from chunks that may end anywhere. Holds one frame at most, and never throws: bytes that make no sense
 * end in {@link StreamHandler.onMalformed}. Only what the handler throws passes through, and the rest of that chunk is
 * lost. Whether frames come in an order that makes sense is the handler's to judge.
 */
export class TableReader {
  readonly #handler: StreamHandler;
  readonly #row: KernelRow = blankRow();
  readonly #frame: Frame = newFrame(KIND.rows, MAX_FRAME_BYTES - HEADER_BYTES);
  #filled = 0;
  #stopped = false;

  constructor(handler: StreamHandler) {
    this.#handler = handler;
  }

  /** Takes the next bytes. Returns how many frames they completed. */
  push(chunk: Uint8Array): number {
    const { bytes, words } = this.#frame;
    let frames = 0;
    let from = 0;
    while (from < chunk.length && !this.#stopped) {
      from += this.#fill(chunk, from, HEADER_BYTES);
      if (this.#filled < HEADER_BYTES) break;
      const length = words[1] as number;
      if (length > bytes.length - HEADER_BYTES) {
        this.#reject(`a frame of ${length} bytes`);
        break;
      }
      from += this.#fill(chunk, from, HEADER_BYTES + length);
      if (this.#filled < HEADER_BYTES + length) break;
      this.#filled = 0;
      this.#take(words[0] as number, length);
      if (!this.#stopped) frames++;
    }
    return frames;
  }

  /** Nothing is handed on any more, not even the rest of a chunk in hand. */
  stop(): void {
    this.#stopped = true;
  }

  /** Copies until so many bytes of the frame are there. Returns how many it took. */
  #fill(chunk: Uint8Array, from: number, wanted: number): number {
    const length = Math.min(wanted - this.#filled, chunk.length - from);
    if (length <= 0) return 0;
    // A copy of every byte, but an aligned one: the words can be read as words.
    this.#frame.bytes.set(chunk.subarray(from, from + length), this.#filled);
    this.#filled += length;
    return length;
  }

  #take(kind: number, length: number): void {
    const { words, doubles } = this.#frame;
    if (kind === KIND.rows) this.#takeRows(length);
    else if (kind === KIND.end) this.#takeEnd(length);
    else if (length !== FIXED_LENGTHS.get(kind)) this.#reject(`a frame of kind ${kind} with ${length} bytes`);
    else if (kind === KIND.hello) this.#handler.onHello({ pid: words[2] as number, fd: (words[3] as number) | 0 });
    else if (kind === KIND.welcome) this.#handler.onWelcome();
    else if (Number.isFinite(doubles[1])) this.#handler.onStart(doubles[1] as number);
    else this.#reject('a start without a time');
  }

  #takeEnd(length: number): void {
    const text = new TextDecoder().decode(this.#frame.bytes.subarray(HEADER_BYTES, HEADER_BYTES + length));
    const result = parseSharedResult(text);
    if (result === undefined) this.#reject('an end without a result');
    else this.#handler.onEnd(result);
  }

  #takeRows(length: number): void {
    if (length === 0 || length % ROW_BYTES !== 0) {
      this.#reject(`${length} bytes of rows`);
      return;
    }
    const end = HEADER_BYTES + length;
    for (let at = HEADER_BYTES; at < end && !this.#stopped; at += ROW_BYTES) {
      if (decodeRow(this.#frame, at, this.#row)) this.#handler.onRow(this.#row);
      else this.#reject('a row that is none');
    }
  }

  #reject(detail: string): void {
    this.#stopped = true;
    this.#handler.onMalformed(detail);
  }
}

interface Frame extends RowMemory {
  readonly bytes: Uint8Array;
}

function newFrame(kind: number, payloadBytes: number): Frame {
  const size = HEADER_BYTES + payloadBytes;
  const memory = new ArrayBuffer(Math.ceil(size / 8) * 8);
  const { words, doubles } = rowMemory(memory);
  words[0] = kind;
  words[1] = payloadBytes;
  return { words, doubles, bytes: new Uint8Array(memory, 0, size) };
}

/** Arbitrary, so that a stray writer is not taken for one of us. */
const KIND = {
  hello: 0x66770001,
  welcome: 0x66770002,
  start: 0x66770003,
  rows: 0x66770004,
  end: 0x66770005,
} as const;
const FIXED_LENGTHS: ReadonlyMap<number, number> = new Map([
  [KIND.hello, 8],
  [KIND.welcome, 0],
  [KIND.start, 8],
]);
const HEADER_BYTES = 8;
const ROWS_PER_FRAME = Math.floor((MAX_FRAME_BYTES - HEADER_BYTES) / ROW_BYTES);
