import { performance } from '../globals.ts';
import { captureAddresses } from '../observe/addresses.ts';
import type { ObserveContext } from '../observe/context.ts';
import type { NodeSocket } from '../observe/node-socket.ts';
import { Slices, visitRecords } from '../observe/slices.ts';
import { lookAt } from '../observe/walk.ts';
import { FLAG, type SocketRecord } from '../sockets/record.ts';

/** {@link captureMissing} takes at most so long. */
const CAPTURE_MS = 2;

/** So many tuples are made ready before the clock is looked at: about 0.1 ms. */
const SETTLED_AT_ONCE = 250;

/** It looks at the clock once in so many records; a power of two. */
const CLOCK_RECORDS = 64;

/**
 * Looks at every live record, in slices; what comes meanwhile is for the next walk. Returns how many milliseconds of work
 * that was, without the turns of the event loop in between.
 */
export async function walkInSlices(context: ObserveContext): Promise<number> {
  const slices = new Slices();
  let turn = -1;
  let at = 0;
  await visitRecords(context.ledger, slices, (record) => {
    // Nothing happens within a turn but this.
    if (slices.turn !== turn) {
      turn = slices.turn;
      at = context.now();
    }
    lookAt(context, record, at);
  });
  return slices.end();
}

/**
 * Makes the tuples ready that the rows of a table are looked up by, in slices. Returns how many milliseconds of work that
 * was.
 */
export async function settleInSlices({ ledger }: ObserveContext): Promise<number> {
  const slices = new Slices({ clockSteps: 1 });
  while (!ledger.settleTuples(SETTLED_AT_ONCE)) if (slices.isOver()) await slices.next();
  return slices.end();
}

/**
 * Finds out the addresses of the records that no walk has met yet, so that a table which nobody announced can be joined.
 * Returns false if there are too many of them for one turn, or of tuples that are to be made ready.
 */
export function captureMissing(context: ObserveContext): boolean {
  const { ledger } = context;
  const { records } = ledger;
  const endAt = performance.now() + CAPTURE_MS;
  for (let index = records.length - 1, captured = 0; index >= 0; index--) {
    const record = records[index] as SocketRecord;
    if (record.tupleSlot >= 0 || (record.flags & FLAG.open) === 0) continue;
    if ((++captured & (CLOCK_RECORDS - 1)) === 0 && performance.now() > endAt) return false;
    const socket = record.socket as NodeSocket | undefined;
    if (socket !== undefined) captureAddresses(context, record, socket, true);
  }
  while (!ledger.settleTuples(SETTLED_AT_ONCE)) if (performance.now() > endAt) return false;
  return true;
}
