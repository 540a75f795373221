import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SocketRecord } from '../../src/sockets/record.ts';
import { WaitingRecords } from '../../src/sockets/waiting-records.ts';

describe('records that wait', () => {
  it('agree with a Map under any sequence of operations', () => {
    const operation = fc.record({ on: fc.nat(7), what: fc.constantFrom('set', 'delete'), known: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const records = Array.from({ length: 8 }, () => new SocketRecord({}, 0, 0));
        const waiting = new WaitingRecords<number>();
        const expected = new Map<SocketRecord, number>();
        for (const { on, what, known } of operations) {
          const record = records[on] as SocketRecord;
          if (what === 'set') {
            waiting.set(record, known);
            expected.set(record, known);
          } else {
            waiting.delete(record);
            expected.delete(record);
          }
        }
        for (const record of records) {
          expect(waiting.has(record)).toBe(expected.has(record));
          expect(waiting.get(record)).toBe(expected.get(record));
        }
        expect(new Set(waiting.keys())).toEqual(new Set(expected.keys()));
        expect(waiting.keys()).toHaveLength(expected.size);
      }),
    );
  });

  it('may end while one goes through them', () => {
    const waiting = new WaitingRecords<string>();
    const records = ['a', 'b', 'c'].map((known) => {
      const record = new SocketRecord({}, 0, 0);
      waiting.set(record, known);
      return record;
    });
    for (const record of waiting.keys()) waiting.delete(record);
    expect(records.map((record) => waiting.has(record))).toEqual([false, false, false]);
  });
});
