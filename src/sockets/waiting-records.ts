import type { SocketRecord } from './record.ts';

/**
 * Records that wait, each with what is known of what it waits for. A Map would do, but costs half a microsecond for each
 * that comes and goes: it gives every key a hash and, being almost empty, makes a new table every few entries.
 */
export class WaitingRecords<T> {
  readonly #records: SocketRecord[] = [];
  readonly #known: (T | undefined)[] = [];

  has(record: SocketRecord): boolean {
    return record.waitingAt >= 0;
  }

  /** What is known; undefined too where it does not wait. */
  get(record: SocketRecord): T | undefined {
    return record.waitingAt < 0 ? undefined : this.#known[record.waitingAt];
  }

  set(record: SocketRecord, known: T | undefined): void {
    if (record.waitingAt < 0) record.waitingAt = this.#records.push(record) - 1;
    this.#known[record.waitingAt] = known;
  }

  delete(record: SocketRecord): void {
    const at = record.waitingAt;
    if (at < 0) return;
    const last = this.#records.pop() as SocketRecord;
    const known = this.#known.pop();
    if (last !== record) {
      this.#records[at] = last;
      this.#known[at] = known;
      last.waitingAt = at;
    }
    record.waitingAt = -1;
  }

  /** Those that wait now; who begins or ends meanwhile changes nothing in it. */
  keys(): readonly SocketRecord[] {
    return [...this.#records];
  }
}
