import type { TableSample } from '../detect/load-test/load-sample.ts';
import { STATE_LABELS, type StateCounts, type StateLabel } from '../tcp/state.ts';

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
    const ends = endsOf(table);
    const fingerprint = JSON.stringify([ends, table.acceptQueue?.connections ?? 0]);
    if (fingerprint !== this.#fingerprint) this.#sinceMs = atMs;
    this.#fingerprint = fingerprint;
    const earlier = endsOf(this.#before);
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

/** A pool of the target's own may grow and shrink as it likes: of what it opens, only what it does not close is looked at. */
function endsOf(table: TableSample | undefined): readonly (readonly number[])[] {
  return [remainders(table?.server), remainders(table?.callers), [table?.outbound.close_wait ?? 0]];
}

function remainders(states: StateCounts | undefined): number[] {
  return STATE_LABELS.filter((state) => !NO_REMAINDER.has(state)).map((state) => states?.[state] ?? 0);
}
