import {
  CLOSE_WAIT_CAUSES,
  type CloseWaitCause,
  type Divergence,
  LEAK_STATES,
  type LeakState,
} from '../detect/leaks/leak.ts';

/** The row of what no name of ours has: behind those of all names. */
const UNTRACKED = -1;

/** What the examination of one table has counted, by name slot. Slot -1 is for rows of ours that no record has. */
export class LeakCounts {
  readonly #capacity: number;
  readonly #closeWait: Int32Array;
  readonly #leaked: Int32Array;
  readonly #oldestMs: Float64Array;
  readonly #halfOpen: Int32Array;
  readonly divergent: Record<Divergence, number> = {
    js_open_kernel_close_wait: 0,
    js_open_kernel_gone: 0,
    js_gone_fd_open: 0,
    untracked_fd: 0,
    pooled_dead: 0,
  };

  /** @param capacity how many name slots there are */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#closeWait = new Int32Array((capacity + 1) * CLOSE_WAIT_CAUSES.length);
    this.#leaked = new Int32Array((capacity + 1) * LEAK_STATES.length);
    this.#oldestMs = new Float64Array((capacity + 1) * LEAK_STATES.length);
    this.#halfOpen = new Int32Array(capacity + 1);
  }

  /** Rows in CLOSE_WAIT, the young ones too. */
  closeWait(slot: number, cause: CloseWaitCause): number {
    return this.#closeWait[this.#cell(slot, CLOSE_WAIT_CAUSES.length, CLOSE_WAIT_CAUSES.indexOf(cause))] as number;
  }

  addCloseWait(slot: number, cause: CloseWaitCause, rows: number = 1): void {
    const cell = this.#cell(slot, CLOSE_WAIT_CAUSES.length, CLOSE_WAIT_CAUSES.indexOf(cause));
    this.#closeWait[cell] = (this.#closeWait[cell] as number) + rows;
  }

  /** Rows in CLOSE_WAIT over all causes. */
  allCloseWait(slot: number): number {
    return CLOSE_WAIT_CAUSES.reduce((sum, cause) => sum + this.closeWait(slot, cause), 0);
  }

  leaked(slot: number, state: LeakState): number {
    return this.#leaked[this.#leakCell(slot, state)] as number;
  }

  addLeaked(slot: number, state: LeakState): void {
    const cell = this.#leakCell(slot, state);
    this.#leaked[cell] = (this.#leaked[cell] as number) + 1;
  }

  /** The age of the oldest row in a state, leaked or not; 0 where there is none. */
  oldestMs(slot: number, state: LeakState): number {
    return this.#oldestMs[this.#leakCell(slot, state)] as number;
  }

  addAge(slot: number, state: LeakState, ageMs: number): void {
    const cell = this.#leakCell(slot, state);
    this.#oldestMs[cell] = Math.max(this.#oldestMs[cell] as number, ageMs);
  }

  halfOpen(slot: number): number {
    return this.#halfOpen[this.#row(slot)] as number;
  }

  addHalfOpen(slot: number): void {
    const row = this.#row(slot);
    this.#halfOpen[row] = (this.#halfOpen[row] as number) + 1;
  }

  /** The slot belongs to another name from now on. */
  forget(slot: number): void {
    for (const [counts, columns] of [
      [this.#closeWait, CLOSE_WAIT_CAUSES.length],
      [this.#leaked, LEAK_STATES.length],
      [this.#oldestMs, LEAK_STATES.length],
      [this.#halfOpen, 1],
    ] as const) {
      counts.fill(0, slot * columns, (slot + 1) * columns);
    }
  }

  #leakCell(slot: number, state: LeakState): number {
    return this.#cell(
      slot,
      LEAK_STATES.length,
      LEAK_STATES.findIndex(([label]) => label === state),
    );
  }

  #cell(slot: number, columns: number, column: number): number {
    return this.#row(slot) * columns + column;
  }

  #row(slot: number): number {
    return slot === UNTRACKED ? this.#capacity : slot;
  }
}
