import type { Server, Socket } from 'node:net';
import { clearTimeout, setTimeout } from '../../globals.ts';
import type { KernelRow } from '../../sockets/row.ts';
import type { SharedResult } from './shared-result.ts';
import {
  endFrame,
  FOLLOWER_WORD,
  helloFrame,
  MAX_FRAME_BYTES,
  RowPacker,
  startFrame,
  welcomeFrame,
} from './table-stream.ts';

/** Tells a table to the others while it is read. */
export interface TableSink {
  /** Copies a row; it may be reused afterwards. */
  row(row: KernelRow): void;
  /** Once; afterwards the sink does nothing. */
  end(result: SharedResult): void;
}

/** How a {@link TableServer} serves. */
export interface TableServerOptions {
  /** Asked for a table that begins from now on; answered with {@link TableServer.beginSample}, if at all. */
  readonly onRequest: () => void;
  /** Between the start of one table and the start of a requested one; asked anew for each request. Must not throw. */
  readonly minIntervalMs: () => number;
  readonly now: () => number;
}

/**
 * The leader's end: sends the table to all followers of a listening server, each frame made once for all of them.
 *
 * Followers need not be trusted. They are sent what every user of the machine can ask the kernel for, all they can do
 * is ask for a table now and then, and one that is slow is dropped: what waits for it is bounded.
 */
export class TableServer {
  readonly #server: Server;
  readonly #options: TableServerOptions;
  readonly #hello: Uint8Array;
  readonly #followers: Set<Follower> = new Set();
  /** The sink in use: an earlier one is inert. */
  #sink: TableSink | undefined;
  #requested = false;
  #lastStart = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** @param server listening already, with nobody connected */
  constructor(server: Server, options: TableServerOptions) {
    this.#server = server;
    this.#options = options;
    const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd?: number } | null };
    this.#hello = helloFrame({ pid: process.pid, fd: handle?.fd ?? -1 });
    // Every connection is a descriptor of the host's, and anybody can connect.
    server.maxConnections = MAX_FOLLOWERS;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /**
   * Begins to tell a table to those who listen now; undefined when nobody does. Also the answer to all requests that
   * came before, so it must be called before anything is read. One that has not ended begins anew.
   */
  beginSample(startedAtMonotonicMs: number): TableSink | undefined {
    this.#requested = false;
    clearTimeout(this.#timer);
    this.#lastStart = this.#options.now();
    const anew = this.#sink !== undefined;
    this.#sink = undefined;
    const audience: Follower[] = [];
    for (const follower of this.#followers) if (follower.mayListen(anew)) audience.push(follower);
    if (audience.length === 0) return undefined;

    const send = (frame: Uint8Array): void => {
      for (const follower of audience) follower.send(frame);
    };
    const packer = new RowPacker(send);
    const sink: TableSink = {
      row: (row) => {
        if (this.#sink === sink) packer.add(row);
      },
      end: (result) => {
        if (this.#sink !== sink) return;
        packer.flush();
        send(endFrame(result));
        this.#sink = undefined;
        if (this.#requested) this.#scheduleRequest();
      },
    };
    this.#sink = sink;
    send(startFrame(startedAtMonotonicMs));
    return sink;
  }

  /** Stops listening, which frees the name at once, and leaves all followers. */
  close(): void {
    clearTimeout(this.#timer);
    this.#sink = undefined;
    this.#server.close();
    for (const follower of this.#followers) follower.leave();
  }

  #accept(socket: Socket): void {
    const follower = new Follower(socket, () => this.#request());
    this.#followers.add(follower);
    socket.on('close', () => this.#followers.delete(follower));
    follower.send(this.#hello);
  }

  /** Requests that come before the next table begins are one. */
  #request(): void {
    if (this.#requested) return;
    this.#requested = true;
    if (this.#sink === undefined) this.#scheduleRequest();
  }

  #scheduleRequest(): void {
    const { now, minIntervalMs, onRequest } = this.#options;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(onRequest, Math.max(0, this.#lastStart + minIntervalMs() - now()));
    this.#timer.unref();
  }
}

/** One who is connected. What it has not taken yet waits here, and not in Node or libuv. */
class Follower {
  readonly #socket: Socket;
  readonly #onRequest: () => void;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** Frames so far: given to it, sent, and taken by it. */
  #given = 0;
  #sent = 0;
  #taken = 0;
  /** What had been given when the last table began. */
  #givenBefore = 0;
  #joined = false;

  constructor(socket: Socket, onRequest: () => void) {
    this.#socket = socket;
    this.#onRequest = onRequest;
    socket.unref();
    // It went; 'close' follows.
    socket.on('error', () => {});
    socket.on('data', (words) => this.#hear(words));
  }

  /**
   * Whether it is to be sent the table that begins now. One that has not taken the last table may be sent another; one
   * that has not even taken the table before that is dropped. It may be stopped, and comes back when it is not.
   *
   * @param anew one table's second start, which may follow the first at once: nobody had the time to take anything
   */
  mayListen(anew: boolean): boolean {
    if (!this.#joined || this.#socket.destroyed) return false;
    if (anew) return true;
    if (this.#taken < this.#givenBefore) {
      this.leave();
      return false;
    }
    this.#givenBefore = this.#given;
    return true;
  }

  send(frame: Uint8Array): void {
    if (this.#socket.destroyed) return;
    this.#given++;
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
    this.#pump();
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.leave();
  }

  leave(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#socket.destroy();
  }

  /**
   * No more frames are under way than the kernel takes at once. A write that has to wait would be libuv's, and keep
   * the host's process alive for as long as the follower does not read.
   */
  #pump(): void {
    while (this.#sent - this.#taken < MAX_UNDER_WAY) {
      const frame = this.#waiting.shift();
      if (frame === undefined) return;
      this.#waitingBytes -= frame.length;
      this.#sent++;
      this.#socket.write(frame);
    }
  }

  #hear(words: Uint8Array): void {
    for (const word of words) {
      if (word === FOLLOWER_WORD.taken && this.#taken < this.#sent) this.#taken++;
      else if (word === FOLLOWER_WORD.join && !this.#joined) {
        this.#joined = true;
        this.send(welcomeFrame());
      } else if (word === FOLLOWER_WORD.request && this.#joined) this.#onRequest();
      else {
        this.leave();
        return;
      }
    }
    this.#pump();
  }
}

/** As many processes as a cluster may have. */
const MAX_FOLLOWERS = 256;
/** 233,000 rows. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** 128 KiB of the 208 that net.core.wmem_default gives a unix socket, which also counts the kernel's own overhead. */
const MAX_UNDER_WAY = Math.floor((128 * 1024) / MAX_FRAME_BYTES);
