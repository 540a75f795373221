import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ledger } from '../../src/sockets/ledger.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';
import { EVENT } from '../../src/tcp/event.ts';

function open(ledger: Ledger, name: string): SocketRecord {
  const record = new SocketRecord({}, FLAG.server, 0);
  ledger.assign(record, 'server', name, true, 0);
  ledger.add(record);
  ledger.apply(record, EVENT.accept, 0);
  ledger.open(record, 0);
  return record;
}

test('the sums of a name are those of its live sockets, whatever happens to them', () => {
  const step = fc.record({
    socket: fc.nat(5),
    read: fc.oneof(fc.constant(0), fc.nat(1e9)),
    write: fc.oneof(fc.constant(0), fc.nat(1e9)),
    ends: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const ledger = new Ledger(20);
      const records = Array.from({ length: 6 }, (_, index) => open(ledger, index % 2 === 0 ? 'even' : 'odd'));
      const last = records.map(() => ({ read: 0, write: 0 }));
      for (const { socket, read, write, ends } of steps) {
        const record = records[socket] as SocketRecord;
        if (record.index < 0) continue;
        if (ends) ledger.close(record, 1);
        else ledger.nodeQueues.set(record, read, write);
        last[socket] = ends ? { read: 0, write: 0 } : { read, write };
      }
      for (const parity of [0, 1]) {
        const slot = records[parity]?.slot as number;
        const own = last.filter((_, index) => index % 2 === parity);
        expect(ledger.nodeQueues.read(slot)).toBe(own.reduce((sum, { read }) => sum + read, 0));
        expect(ledger.nodeQueues.write(slot)).toBe(own.reduce((sum, { write }) => sum + write, 0));
      }
      for (const [index, record] of records.entries()) expect(ledger.nodeQueues.of(record)).toEqual(last[index]);
    }),
  );
});

test("what a socket object had queued is not its next connection's", () => {
  const ledger = new Ledger(20);
  const record = open(ledger, 'api');
  const { slot } = record;
  ledger.nodeQueues.set(record, 5, 7);
  ledger.renew(record, 1);
  expect([ledger.nodeQueues.read(slot), ledger.nodeQueues.write(slot)]).toEqual([0, 0]);
});
