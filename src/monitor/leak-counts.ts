import {
  CLOSE_WAIT_CAUSES,
  type CloseWaitCause,
  type Divergence,
  LEAK_STATES,
  type LeakState,
} from '../detect/leaks/leak.ts';
import { CountTable } from '../sockets/count-table.ts';
import { UNTRACKED_SLOT } from '../sockets/untracked-sockets.ts';

/** What the examination of one table has counted, by name slot; {@link UNTRACKED_SLOT} is for what no record has. */
export class LeakCounts {
  /** The row behind those of all names. */
  readonly #untrackedRow: number;
  /** Rows in CLOSE_WAIT, leaked or not. */
  readonly #closeWait: CountTable<CloseWaitCause>;
  readonly #leaked: CountTable<LeakState>;
  readonly #halfOpen: CountTable<'half_open'>;
  readonly #oldestMs: Float64Array;
  readonly divergent: Record<Divergence, number> = {
    js_open_kernel_close_wait: 0,
    js_open_kernel_gone: 0,
    js_gone_fd_open: 0,
    untracked_fd: 0,
    pooled_dead: 0,
  };

  /** @param capacity how many name slots there are */
  constructor(capacity: number) {
    this.#untrackedRow = capacity;
    this.#closeWait = new CountTable(capacity + 1, CLOSE_WAIT_CAUSES);
    this.#leaked = new CountTable(capacity + 1, LEAK_STATES);
    this.#halfOpen = new CountTable(capacity + 1, ['half_open']);
    this.#oldestMs = new Float64Array((capacity + 1) * LEAK_STATES.length);
  }

  closeWait(slot: number, cause: CloseWaitCause): number {
    return this.#closeWait.at(this.#row(slot), cause);
  }

  addCloseWait(slot: number, cause: CloseWaitCause, rows: number = 1): void {
    this.#closeWait.add(this.#row(slot), cause, rows);
  }

  /** Rows in CLOSE_WAIT over all causes. */
  allCloseWait(slot: number): number {
    return CLOSE_WAIT_CAUSES.reduce((sum, cause) => sum + this.closeWait(slot, cause), 0);
  }

  leaked(slot: number, state: LeakState): number {
    return this.#leaked.at(this.#row(slot), state);
  }

  addLeaked(slot: number, state: LeakState): void {
    this.#leaked.add(this.#row(slot), state);
  }

  /** The age of the oldest row in a state, leaked or not; 0 where there is none. */
  oldestMs(slot: number, state: LeakState): number {
    return this.#oldestMs[this.#ageCell(slot, state)] as number;
  }

  addAge(slot: number, state: LeakState, ageMs: number): void {
    const cell = this.#ageCell(slot, state);
    this.#oldestMs[cell] = Math.max(this.#oldestMs[cell] as number, ageMs);
  }

  halfOpen(slot: number): number {
    return this.#halfOpen.at(this.#row(slot), 'half_open');
  }

  addHalfOpen(slot: number): void {
    this.#halfOpen.add(this.#row(slot), 'half_open');
  }

  /** The slot belongs to another name from now on. */
  forget(slot: number): void {
    for (const table of [this.#closeWait, this.#leaked, this.#halfOpen]) table.forget(slot);
    this.#oldestMs.fill(0, slot * LEAK_STATES.length, (slot + 1) * LEAK_STATES.length);
  }

  #ageCell(slot: number, state: LeakState): number {
    return this.#row(slot) * LEAK_STATES.length + LEAK_STATES.indexOf(state);
  }

  #row(slot: number): number {
    return slot === UNTRACKED_SLOT ? this.#untrackedRow : slot;
  }
}
