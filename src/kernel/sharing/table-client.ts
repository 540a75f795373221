import { Socket } from 'node:net';
import type { KernelRow } from '../../sockets/row.ts';
import { doubtLeader } from './leader-proof.ts';
import type { SharedEnd } from './shared-result.ts';
import { FOLLOWER_WORD, TableReader } from './table-stream.ts';

/**
 * Receives the tables that another process reads. Each table is a start, its rows and an end, whatever happens. A start
 * may be followed by another start: what came before is worth nothing.
 */
export interface TableConsumer {
  /**
   * A table begins, or begins anew: the source of the first attempt failed half-way. Nothing in it is older than this
   * time, in milliseconds on our own `performance.now()`.
   */
  onStart(startedAtMs: number): void;
  /** Is given one object that is reused: copy what is to be kept. */
  onRow(row: KernelRow): void;
  /** The rows are worth nothing unless `end.ok`. */
  onEnd(end: SharedEnd): void;
}

/** How a {@link TableClient} listens. */
export interface TableClientOptions {
  readonly path: string;
  /** The socket that listened under the name before this client was made. */
  readonly inode: number;
  readonly primaryPid: number;
  readonly consumer: TableConsumer;
  readonly now: () => number;
  /** What to add to `now()` for CLOCK_MONOTONIC, in milliseconds. */
  readonly monotonicOffsetMs: number;
  /** The leader has proven itself, and will tell every table that begins from now on. */
  readonly onJoined: () => void;
  /** Once, and not after {@link TableClient.close}. Says whether a table was ever begun. */
  readonly onLost: (hadTable: boolean) => void;
}

/** The follower's end of one connection to a leader. */
export class TableClient {
  readonly #options: TableClientOptions;
  readonly #socket: Socket = new Socket();
  readonly #reader: TableReader;
  #lost = false;
  #proven = false;
  #hadTable = false;
  #requested = false;
  /** Whether a table has begun and not ended. */
  #open = false;
  #consumerError: string | undefined;
  #lastHeardAt: number | undefined;
  #lossReason: Extract<SharedEnd, { readonly ok: false }> = {
    ok: false,
    reason: 'leader_lost',
    detail: 'the connection to the process that reads the table ended',
  };

  constructor(options: TableClientOptions) {
    this.#options = options;
    this.#reader = new TableReader({
      onHello: (claim) => {
        const { inode, primaryPid } = options;
        const doubt = this.#proven ? 'a second hello' : doubtLeader(claim, inode, primaryPid);
        if (doubt !== undefined) return this.#breakOff(doubt);
        this.#proven = true;
        this.#say(FOLLOWER_WORD.join);
      },
      onWelcome: () => {
        if (!this.#proven) return this.#breakOff('a welcome without a hello');
        options.onJoined();
      },
      onStart: (startedAtMonotonicMs) => {
        if (!this.#proven) return this.#breakOff('a table without a hello');
        // No end of the table in hand: the leader is well, and it was the leader's source that failed.
        this.#open = true;
        this.#hadTable = true;
        this.#requested = false;
        this.#consumerError = undefined;
        this.#consume((consumer) => consumer.onStart(startedAtMonotonicMs - options.monotonicOffsetMs));
      },
      onRow: (row) => {
        if (!this.#open) return this.#breakOff('rows without a table');
        if (this.#consumerError !== undefined) return;
        try {
          options.consumer.onRow(row);
        } catch (error) {
          this.#consumerError = textOf(error);
        }
      },
      onEnd: (result) => {
        if (!this.#open) return this.#breakOff('an end without a table');
        this.#end(result);
      },
      onMalformed: (detail) => this.#breakOff(detail),
    });
    const socket = this.#socket;
    // Nobody listens any more, or the queue of those who wait is full; 'close' follows.
    socket.on('error', () => {});
    socket.on('data', (chunk) => this.#hear(chunk));
    socket.on('close', () => this.#lose());
    socket.connect({ path: options.path });
    socket.unref();
  }

  /** When anything came from the leader last, on `now()`; undefined before that. */
  get lastHeardAt(): number | undefined {
    return this.#lastHeardAt;
  }

  /** Asks for a table that begins from now on. */
  request(): void {
    if (!this.#proven || this.#requested) return;
    this.#requested = true;
    this.#say(FOLLOWER_WORD.request);
  }

  /** Leaves; a table in hand ends as `leader_lost`. */
  close(): void {
    this.#lose(false);
    this.#socket.destroy();
  }

  #hear(chunk: Uint8Array): void {
    this.#lastHeardAt = this.#options.now();
    const frames = this.#reader.push(chunk);
    if (frames > 0) this.#say(FOLLOWER_WORD.taken, frames);
  }

  #say(word: number, times: number = 1): void {
    this.#socket.write(Buffer.alloc(times, word));
  }

  #breakOff(detail: string): void {
    this.#reader.stop();
    this.#lossReason = { ok: false, reason: 'malformed', detail };
    this.#socket.destroy();
  }

  #lose(tell: boolean = true): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#reader.stop();
    if (this.#open) this.#end(this.#lossReason);
    if (tell) this.#options.onLost(this.#hadTable);
  }

  #end(end: SharedEnd): void {
    this.#open = false;
    const error = this.#consumerError;
    const told: SharedEnd = error === undefined ? end : { ok: false, reason: 'consumer_threw', detail: error };
    this.#consume((consumer) => consumer.onEnd(told));
  }

  /** What a consumer throws must not become the host's uncaught exception. */
  #consume(call: (consumer: TableConsumer) => void): void {
    try {
      call(this.#options.consumer);
    } catch (error) {
      this.#consumerError ??= textOf(error);
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : typeof error;
}
