import type { ObserveContext } from './context.ts';

/** What the connection pools of a program hold, by name slot; NaN where a name has no pool. */
export interface PoolUse {
  readonly active: Float64Array;
  readonly idle: Float64Array;
  readonly pending: Float64Array;
}

/** Asks all pools that are known. */
export function readPools(context: ObserveContext): PoolUse {
  const { capacity } = context.ledger.names;
  const use: PoolUse = {
    active: new Float64Array(capacity).fill(Number.NaN),
    idle: new Float64Array(capacity).fill(Number.NaN),
    pending: new Float64Array(capacity).fill(Number.NaN),
  };
  const tell = (slot: number, active: number, idle: number, pending: number): void => {
    if (slot < 0) return;
    add(use.active, slot, active);
    add(use.idle, slot, idle);
    add(use.pending, slot, pending);
  };
  for (const read of context.pools) {
    try {
      read(tell);
    } catch (error) {
      context.report('observer', error);
    }
  }
  return use;
}

function add(sums: Float64Array, slot: number, by: number): void {
  const sum = sums[slot] as number;
  sums[slot] = (Number.isNaN(sum) ? 0 : sum) + by;
}
