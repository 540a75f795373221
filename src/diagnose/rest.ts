import type { StateNumbers, TableSample } from '../detect/load-test/load-sample.ts';
import { STATE_LABELS, type StateLabel } from '../tcp/state.ts';

/** What stands still for so long has come to rest: the kernel's and Node's shorter timers have fired by then. */
const STILL_MS = 1_500;

/** What the kernel keeps for a minute whatever a program does, and what is no connection. */
const NO_REMAINDER: ReadonlySet<StateLabel> = new Set(['time_wait', 'listen', 'closed']);

/** Tells when the connections of a load test have come to rest after it. TIME_WAIT is apart. */
export class Rest {
  readonly #before: TableSample | undefined;
  #fingerprint = '';
  #sinceMs = 0;
  #isClean = false;

  /** @param before the table before the load; undefined where there is none */
  constructor(before: TableSample | undefined) {
    this.#before = before;
  }

  /** Takes a table after the load. */
  add(table: TableSample, atMs: number): void {
    const ends = [table.server, table.callers, table.outbound].map(remainders);
    const fingerprint = JSON.stringify([ends, table.acceptQueue?.connections ?? 0]);
    if (fingerprint !== this.#fingerprint) this.#sinceMs = atMs;
    this.#fingerprint = fingerprint;
    const earlier = [this.#before?.server, this.#before?.callers, this.#before?.outbound].map(remainders);
    this.#isClean = ends.every((end, place) => end.every((count, state) => count <= (earlier[place]?.[state] ?? 0)));
  }

  /** Whether nothing has moved for a while. */
  isQuiet(atMs: number): boolean {
    return this.#fingerprint !== '' && atMs - this.#sinceMs >= STILL_MS;
  }

  /** Whether nothing is there that was not before: there is nothing left to wait for. */
  get isClean(): boolean {
    return this.#isClean;
  }
}

function remainders(states: StateNumbers | undefined): number[] {
  return STATE_LABELS.filter((state) => !NO_REMAINDER.has(state)).map((state) => states?.[state] ?? 0);
}
