import type { KernelRow } from '../../src/sockets/row.ts';
import { STATE, type StateName } from '../../src/tcp/state.ts';
import { tupleOf } from './tuple.ts';

/** What a row may say beside its state and its endpoints. */
export interface RowFacts {
  readonly receiveQueue?: number;
  readonly sendQueue?: number;
  readonly inode?: number;
  readonly cookie?: number;
  readonly timer?: KernelRow['timer'];
  readonly timerMs?: number;
  readonly retransmits?: number;
}

/** A row with nothing but what is given. */
export function rowOf(state: StateName, local: string, peer: string, facts: RowFacts = {}): KernelRow {
  return {
    state: STATE[state],
    tuple: tupleOf(local, peer),
    receiveQueue: 0,
    sendQueue: 0,
    inode: 0,
    cookie: 0,
    timer: 'none',
    timerMs: Number.NaN,
    retransmits: 0,
    ...facts,
  };
}
