import { describe, expect, test } from 'vitest';
import { ClusterListeners } from '../../src/monitor/cluster-listeners.ts';
import { Join } from '../../src/sockets/join.ts';
import { Ledger } from '../../src/sockets/ledger.ts';
import { offer } from '../../src/sockets/row.ts';
import { STATE, STATE_SLOTS } from '../../src/tcp/state.ts';
import { rowOf } from '../support/row.ts';

const ROWS = [
  rowOf('LISTEN', '0.0.0.0:8080', '0.0.0.0:0', { inode: 71, receiveQueue: 5, sendQueue: 511 }),
  rowOf('LISTEN', '0.0.0.0:9090', '0.0.0.0:0', { inode: 72 }),
];

function table(ledger: Ledger): Join {
  const join = new Join(ledger, 0);
  for (const row of ROWS) offer(join, row);
  return join;
}

describe('listeners that a primary holds for its workers', () => {
  test('are found by their inode, named after their port, and counted from the next table on', () => {
    const ledger = new Ledger(20);
    const own = new Map([[71, 19]]);
    const listeners = new ClusterListeners(ledger, { list: () => own, inodeOf: (fd) => (fd === 19 ? 71 : 0) });
    listeners.update(table(ledger).finish(0).otherListeners, 0);
    const column = table(ledger).finish(0);
    expect(column.otherListeners).toEqual([{ inode: 72, port: 9090 }]);
    const [entry] = ledger.names.entries();
    expect(entry).toMatchObject({ side: 'server', name: '8080' });
    const slot = entry?.slot ?? -1;
    expect(column.ownStates[slot * STATE_SLOTS + STATE.LISTEN]).toBe(1);
    expect([column.acceptQueues[slot], column.acceptLimits[slot]]).toEqual([5, 511]);
  });

  test('are forgotten when their descriptor is closed or is something else', () => {
    const ledger = new Ledger(20);
    let inode = 71;
    const listeners = new ClusterListeners(ledger, { list: () => new Map([[71, 19]]), inodeOf: () => inode });
    listeners.update([{ inode: 71, port: 8080 }], 0);
    listeners.update([], 0);
    expect(ledger.listeners.size).toBe(1);
    inode = 0;
    listeners.update([], 0);
    expect(ledger.listeners.size).toBe(0);
  });

  test('that are foreign are asked about once, and again only beside a new one', () => {
    let lists = 0;
    const list = (): ReadonlyMap<number, number> => {
      lists++;
      return new Map();
    };
    const listeners = new ClusterListeners(new Ledger(20), { list, inodeOf: () => 0 });
    for (let round = 0; round < 3; round++) listeners.update([{ inode: 72, port: 9090 }], 0);
    expect(lists).toBe(1);
    listeners.update(
      [
        { inode: 72, port: 9090 },
        { inode: 73, port: 9091 },
      ],
      0,
    );
    expect(lists).toBe(2);
  });
});
