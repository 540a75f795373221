import type { SocketRecord } from './record.ts';

/** Bytes that Node holds of one socket. */
export interface NodeQueue {
  /** Read from the kernel, and not yet by the program. */
  read: number;
  /** Written by the program, and not yet taken by the kernel. */
  write: number;
}

const NOTHING: Readonly<NodeQueue> = { read: 0, write: 0 };

/**
 * What Node holds of every socket in its own buffers, as of the newest look at it, and the sums by name. Only a socket
 * that has anything queued takes room here; most have nothing.
 */
export class NodeQueues {
  readonly #bySocket: Map<SocketRecord, NodeQueue> = new Map();
  readonly #read: Float64Array;
  readonly #write: Float64Array;

  /** @param names how many name slots there can be */
  constructor(names: number) {
    this.#read = new Float64Array(names);
    this.#write = new Float64Array(names);
  }

  /** Sets what is queued on a live record that has its name. */
  set(record: SocketRecord, read: number, write: number): void {
    let queue = this.#bySocket.get(record);
    if (queue === undefined) {
      if (read === 0 && write === 0) return;
      queue = { read: 0, write: 0 };
      this.#bySocket.set(record, queue);
    }
    this.#add(record.slot, read - queue.read, write - queue.write);
    queue.read = read;
    queue.write = write;
    if (read === 0 && write === 0) this.#bySocket.delete(record);
  }

  /** Takes a record out, before it loses its name. */
  forget(record: SocketRecord): void {
    if (this.#bySocket.size > 0) this.set(record, 0, 0);
  }

  of(record: SocketRecord): Readonly<NodeQueue> {
    return this.#bySocket.get(record) ?? NOTHING;
  }

  /** Bytes queued on all sockets of a name. */
  read(slot: number): number {
    return this.#read[slot] as number;
  }

  write(slot: number): number {
    return this.#write[slot] as number;
  }

  #add(slot: number, read: number, write: number): void {
    this.#read[slot] = (this.#read[slot] as number) + read;
    this.#write[slot] = (this.#write[slot] as number) + write;
  }
}
