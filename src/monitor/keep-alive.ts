import type { Ledger } from '../sockets/ledger.ts';

/**
 * By name slot, after how many seconds an idle connection is closed: what a server of ours does, as set now; of a client
 * what its servers say. NaN where it is not known.
 */
export function keepAliveSecondsOf({ requests, listeners }: Ledger): Float64Array {
  const seconds = requests.keepAliveSeconds.slice();
  for (const { ref, slot } of listeners) {
    const timeoutMs = (ref.deref() as { keepAliveTimeout?: unknown } | undefined)?.keepAliveTimeout;
    if (slot >= 0 && typeof timeoutMs === 'number') seconds[slot] = timeoutMs / 1000;
  }
  return seconds;
}
