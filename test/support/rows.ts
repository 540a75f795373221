import fc from 'fast-check';
import type { KernelRow, RowTimer } from '../../src/sockets/row.ts';
import { TUPLE_WORDS } from '../../src/sockets/tuple.ts';
import { STATE, STATES } from '../../src/tcp/state.ts';

const word = fc.integer({ min: 0, max: 0xffffffff });

/** Any row that a reader may hand on. */
export const anyRow: fc.Arbitrary<KernelRow> = fc
  .record({
    state: fc.constantFrom(...STATES),
    tuple: fc.array(word, { minLength: TUPLE_WORDS, maxLength: TUPLE_WORDS }).map((words) => Uint32Array.from(words)),
    receiveQueue: word,
    sendQueue: word,
    inode: word,
    cookie: fc.maxSafeNat(),
    timer: fc.constantFrom<RowTimer[]>('none', 'on', 'keepalive', 'timewait', 'persist', 'unknown'),
    timerMs: fc.oneof(fc.constant(Number.NaN), fc.nat(), fc.double({ min: 0, noNaN: true })),
    // A byte of the kernel's.
    retransmits: fc.nat({ max: 255 }),
    // An int of the kernel's, and procfs does not know it.
    limit: fc.oneof(fc.constant(Number.NaN), fc.integer({ min: 0, max: 0x7fffffff })),
  })
  .map(({ limit, ...row }) => (row.state === STATE.LISTEN ? { ...row, sendQueue: limit } : row));

/** A copy that may be kept. */
export function copyOf(row: KernelRow): KernelRow {
  return { ...row, tuple: row.tuple.slice() };
}

/** A row of its own for every number. */
export function rowOf(index: number): KernelRow {
  return {
    state: STATES[index % STATES.length] ?? 1,
    tuple: Uint32Array.from({ length: TUPLE_WORDS }, (_, place) => index * 31 + place),
    receiveQueue: index % 7,
    sendQueue: index % 5,
    inode: index * 3,
    cookie: 2 ** 40 + index,
    timer: index % 2 === 0 ? 'none' : 'keepalive',
    timerMs: index % 2 === 0 ? Number.NaN : index,
    retransmits: index % 2 === 0 ? 0 : index % 256,
  };
}
