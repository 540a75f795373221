import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TUPLE, TUPLE_WORDS } from '../../src/sockets/tuple.ts';
import { TupleIndex } from '../../src/sockets/tuple-index.ts';
import { tupleOf } from '../support/tuple.ts';

describe('the index of tuples', () => {
  it('finds what was put in, by value', () => {
    const index = new TupleIndex();
    const slot = index.insert(tupleOf('127.0.0.1:80', '127.0.0.1:5000'));
    expect(index.find(tupleOf('127.0.0.1:80', '127.0.0.1:5000'))).toBe(slot);
    expect(index.find(tupleOf('127.0.0.1:80', '127.0.0.1:5001'))).toBe(-1);
    expect(index.find(tupleOf('127.0.0.1:5000', '127.0.0.1:80'))).toBe(-1);
  });

  it('gives a tuple back word by word', () => {
    const index = new TupleIndex();
    const slot = index.insert(tupleOf('[2001:db8::1]:80', '[2001:db8::2]:5000'));
    const into = new Uint32Array(TUPLE_WORDS);
    index.read(slot, into);
    expect(into).toEqual(tupleOf('[2001:db8::1]:80', '[2001:db8::2]:5000'));
  });

  it('finds the newer of two equal tuples, and the older one once that is out', () => {
    const index = new TupleIndex();
    const tuple = tupleOf('127.0.0.1:80', '127.0.0.1:5000');
    const first = index.insert(tuple);
    const second = index.insert(tuple);
    const third = index.insert(tuple);
    expect(index.find(tuple)).toBe(third);
    index.remove(third);
    expect(index.find(tuple)).toBe(second);
    index.remove(first);
    expect(index.find(tuple)).toBe(second);
    index.remove(second);
    expect(index.find(tuple)).toBe(-1);
  });

  it('gives a free slot out again before it grows', () => {
    const index = new TupleIndex();
    for (let port = 0; port < 1_000; port++) index.remove(index.insert(tupleOf('10.0.0.1:80', `10.0.0.2:${port}`)));
    expect(index).toMatchObject({ size: 0, slots: 1 });
  });

  it('does nothing on a slot that holds no tuple', () => {
    const index = new TupleIndex();
    const slot = index.insert(tupleOf('10.0.0.1:80', '10.0.0.2:5000'));
    index.remove(slot);
    index.remove(slot);
    index.remove(17);
    expect(index.size).toBe(0);
    expect(index.find(tupleOf('10.0.0.1:80', '10.0.0.2:5000'))).toBe(-1);
  });

  it('keeps 5,000 tuples of one port apart while it grows', () => {
    const index = new TupleIndex();
    const tuples = Array.from({ length: 5_000 }, (_, port) => tupleOf('10.0.0.1:80', `10.0.0.2:${port + 1024}`));
    const slots = tuples.map((tuple) => index.insert(tuple));
    expect(new Set(slots).size).toBe(5_000);
    for (const [position, tuple] of tuples.entries()) expect(index.find(tuple)).toBe(slots[position]);
  });

  it('agrees with a Map under any sequence of operations', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(operation(), fc.nat({ max: 9 })), { maxLength: 400 }), (operations) => {
        const index = new TupleIndex();
        /** For each key its slots, the newest last. */
        const model = new Map<number, number[]>();
        const order: { key: number; slot: number }[] = [];
        for (const [{ key, remove }, settled] of operations) {
          // Some of what came since may be in the table already, and some not.
          if (settled > 5) index.settle(settled);
          if (remove !== undefined && order.length > 0) {
            const [gone] = order.splice(remove % order.length, 1) as [{ key: number; slot: number }];
            index.remove(gone.slot);
            model.set(
              gone.key,
              (model.get(gone.key) ?? []).filter((slot) => slot !== gone.slot),
            );
          } else {
            const slot = index.insert(tupleOfKey(key));
            expect(order.map((entry) => entry.slot)).not.toContain(slot);
            order.push({ key, slot });
            model.set(key, [...(model.get(key) ?? []), slot]);
          }
        }
        expect(index.size).toBe(order.length);
        for (let key = 0; key < KEYS; key++) expect(index.find(tupleOfKey(key))).toBe(model.get(key)?.at(-1) ?? -1);
      }),
      { numRuns: 200 },
    );
  });
});

describe('an index in which a tuple stands once', () => {
  it('says which slot another one has displaced, whenever it is looked at', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(operation(), fc.boolean(), fc.nat({ max: 9 })), { maxLength: 300 }),
        (operations) => {
          const newest = new Map<number, number>();
          /** Slots that were given out and neither removed nor displaced: one may be given out again at once. */
          const held = new Set<number>();
          const index = new TupleIndex((slot) => held.delete(slot));
          for (const [{ key, remove }, looks, settled] of operations) {
            if (settled > 5) index.settle(settled);
            const known = newest.get(key);
            if (remove !== undefined && known !== undefined) {
              index.settle();
              index.remove(known);
              held.delete(known);
              newest.delete(key);
            } else {
              const slot = index.insert(tupleOfKey(key));
              held.add(slot);
              newest.set(key, slot);
            }
            if (looks) for (const at of newest.keys()) expect(index.find(tupleOfKey(at))).toBe(newest.get(at));
            if (!looks) continue;
            expect(held).toEqual(new Set(newest.values()));
            expect(index.size).toBe(newest.size);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is made ready step by step, and says when it is', () => {
    const index = new TupleIndex();
    for (let port = 0; port < 40; port++) index.insert(tupleOfKey(port));
    expect([index.settle(15), index.settle(15), index.settle(15), index.settle(15)]).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(index.find(tupleOfKey(39))).toBe(39);
  });

  it('costs no look-up for what came and went unseen', () => {
    const displaced: number[] = [];
    const index = new TupleIndex((slot) => displaced.push(slot));
    const staying = Array.from({ length: 40 }, (_, port) => index.insert(tupleOfKey(port)));
    for (let round = 0; round < 10_000; round++) {
      const first = index.insert(tupleOfKey(41));
      const second = index.insert(tupleOfKey(42));
      index.remove(first);
      index.remove(second);
    }
    expect(staying.map((_, port) => index.find(tupleOfKey(port)))).toEqual(staying);
    expect(index).toMatchObject({ size: 40, slots: 42 });
    expect(displaced).toEqual([]);
  });
});

/** Few enough keys that the same tuple is often put in again, enough of them to make the table grow. */
const KEYS = 150;

function operation(): fc.Arbitrary<{ key: number; remove: number | undefined }> {
  return fc.record({
    key: fc.nat({ max: KEYS - 1 }),
    remove: fc.option(fc.nat(), { nil: undefined, freq: 3 }),
  });
}

function tupleOfKey(key: number): Uint32Array {
  const tuple = new Uint32Array(TUPLE_WORDS);
  tuple[TUPLE.localPort] = 80;
  tuple[TUPLE.peerAddress + 3] = key % 10;
  tuple[TUPLE.peerPort] = 32_768 + Math.floor(key / 10);
  return tuple;
}
