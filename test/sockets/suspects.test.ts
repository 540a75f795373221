import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KernelRow } from '../../src/sockets/row.ts';
import { isSuspect, QUEUED_SUSPECTS_LIMIT, SUSPECTS_LIMIT, Suspects } from '../../src/sockets/suspects.ts';
import { STATES, stateName } from '../../src/tcp/state.ts';
import { rowOf } from '../support/row.ts';

const LOCAL = '10.0.0.1:80';
const PEER = '10.0.0.2:5000';

test('worth keeping is what should not last, and what has bytes queued', () => {
  const bare = STATES.filter((state) => isSuspect(rowOf(stateName(state), LOCAL, PEER))).map(stateName);
  expect(bare).toEqual(['SYN_SENT', 'SYN_RECEIVED', 'FIN_WAIT_1', 'FIN_WAIT_2', 'CLOSE_WAIT', 'CLOSING', 'LAST_ACK']);
  expect(isSuspect(rowOf('ESTABLISHED', LOCAL, PEER, { receiveQueue: 1 }))).toBe(true);
  expect(isSuspect(rowOf('ESTABLISHED', LOCAL, PEER, { sendQueue: 1 }))).toBe(true);
});

test('a row comes out as it was put in, with what was said of it', () => {
  const word = fc.nat(0xffff_ffff);
  const anyRow = fc.record({
    state: fc.constantFrom(...STATES),
    tuple: fc.array(word, { minLength: 10, maxLength: 10 }).map((words) => Uint32Array.from(words)),
    receiveQueue: word,
    sendQueue: word,
    inode: fc.nat(Number.MAX_SAFE_INTEGER),
    cookie: fc.nat(Number.MAX_SAFE_INTEGER),
    timer: fc.constantFrom('none', 'on', 'keepalive', 'timewait', 'persist', 'unknown'),
    timerMs: fc.oneof(fc.constant(Number.NaN), fc.nat(7_200_000)),
    retransmits: fc.nat(255),
  }) satisfies fc.Arbitrary<KernelRow>;
  const facts = fc.record({
    slot: fc.integer({ min: -1, max: 21 }),
    tupleSlot: fc.integer({ min: -1, max: 1e6 }),
    own: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(anyRow, facts), { maxLength: 200 }), (all) => {
      const suspects = new Suspects();
      for (const [row, { slot, tupleSlot, own }] of all) suspects.add(row, slot, tupleSlot, own);
      expect(suspects.length).toBe(all.length);
      const into = rowOf('CLOSED', LOCAL, PEER);
      for (const [index, [row, said]] of all.entries()) {
        suspects.read(index, into);
        expect(into).toEqual(row);
        expect(suspects.stateAt(index)).toBe(row.state);
        expect(suspects.factsAt(index)).toEqual(said);
        if (said.tupleSlot >= 0) expect(suspects.factsAt(suspects.find(said.tupleSlot)).tupleSlot).toBe(said.tupleSlot);
      }
      expect(suspects.find(2_000_000)).toBe(-1);
    }),
    { numRuns: 50 },
  );
});

describe('the limit', () => {
  test('is counted where it is exceeded', () => {
    const suspects = new Suspects();
    const row = rowOf('CLOSE_WAIT', LOCAL, PEER);
    for (let count = 0; count < SUSPECTS_LIMIT + 5; count++) suspects.add(row, 0, -1, true);
    expect([suspects.length, suspects.omitted]).toEqual([SUSPECTS_LIMIT, 5]);
  });

  test('leaves room for what should not last, however many connections are busy', () => {
    const suspects = new Suspects();
    const busy = rowOf('ESTABLISHED', LOCAL, PEER, { sendQueue: 1 });
    const stuck = rowOf('CLOSE_WAIT', LOCAL, PEER, { receiveQueue: 1 });
    for (let count = 0; count < SUSPECTS_LIMIT; count++) suspects.add(busy, 0, -1, true);
    expect([suspects.length, suspects.omitted]).toEqual([
      QUEUED_SUSPECTS_LIMIT,
      SUSPECTS_LIMIT - QUEUED_SUSPECTS_LIMIT,
    ]);
    for (let count = 0; count < SUSPECTS_LIMIT - QUEUED_SUSPECTS_LIMIT; count++) suspects.add(stuck, 0, -1, true);
    expect(suspects.length).toBe(SUSPECTS_LIMIT);
  });
});
