import type { ObserveContext } from '../observe/context.ts';
import { lookAt } from '../observe/walk.ts';

/** At most so many records, or so long, in one turn of the event loop. */
const SLICE_RECORDS = 1_000;
const SLICE_MS = 2;

/**
 * Looks at every live record, newest last, in slices; records that leave meanwhile are skipped or seen twice. Returns how
 * many milliseconds that took.
 */
export async function walkInSlices(context: ObserveContext): Promise<number> {
  const { ledger } = context;
  let index = ledger.records.length - 1;
  let walkMs = 0;
  while (index >= 0) {
    const sliceStart = performance.now();
    const sliceEnd = sliceStart + SLICE_MS;
    for (let looked = 0; index >= 0 && looked < SLICE_RECORDS; looked++, index--) {
      const record = ledger.records[index];
      if (record !== undefined) lookAt(context, record);
      if ((looked & 63) === 63 && performance.now() > sliceEnd) break;
    }
    walkMs += performance.now() - sliceStart;
    if (index >= 0) await turn();
  }
  return walkMs;
}

/** One turn of the event loop. Referenced: a loop with nothing else to do would sleep, and the walk with it. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
