import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { readSocketInode } from '../../src/kernel/procfs/inode.ts';
import { ClusterListeners, type OwnSockets } from '../../src/monitor/cluster-listeners.ts';
import { Join } from '../../src/sockets/join.ts';
import { Ledger, type ListenerRecord } from '../../src/sockets/ledger.ts';
import { offer } from '../../src/sockets/row.ts';
import { STATE, STATE_SLOTS } from '../../src/tcp/state.ts';
import { rowOf } from '../support/row.ts';
import { tupleOf } from '../support/tuple.ts';

const ROWS = [
  rowOf('LISTEN', '0.0.0.0:8080', '0.0.0.0:0', { inode: 71, receiveQueue: 5, sendQueue: 511 }),
  rowOf('LISTEN', '0.0.0.0:9090', '0.0.0.0:0', { inode: 72 }),
];

function table(ledger: Ledger): Join {
  const join = new Join(ledger, 0);
  for (const row of ROWS) offer(join, row);
  return join;
}

/** A process whose descriptors are these, by their inode. */
function holding(own: ReadonlyMap<number, number>, servers: readonly number[] = []): OwnSockets {
  const inodes = new Map([...own].map(([inode, fd]) => [fd, inode]));
  return { list: () => own, inodeOf: (fd) => inodes.get(fd) ?? 0, servers: () => servers };
}

/** A listener of an observed server. */
function observed(port: number, inode: number): ListenerRecord {
  const tuple = tupleOf(`0.0.0.0:${port}`, '0.0.0.0:0');
  const ref = new WeakRef({});
  return { ref, slot: -1, transition: -1, flags: 0, changedAt: 0, observedAt: -1, port, tuple, inode };
}

describe('listeners that a primary holds for its workers', () => {
  test('are found by their inode, named after their port, and counted from the next table on', () => {
    const ledger = new Ledger(20);
    const listeners = new ClusterListeners(ledger, holding(new Map([[71, 19]])));
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
    const listeners = new ClusterListeners(ledger, { ...holding(new Map([[71, 19]])), inodeOf: () => inode });
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
    const listeners = new ClusterListeners(new Ledger(20), { ...holding(new Map()), list });
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

  test('are looked for again after the descriptors could not be listed', () => {
    const ledger = new Ledger(20);
    const sockets = holding(new Map([[71, 19]]));
    let listed: ReadonlyMap<number, number> | undefined = new Map();
    const listeners = new ClusterListeners(ledger, { ...sockets, list: () => listed });
    listeners.update([{ inode: 72, port: 9090 }], 0);
    listed = undefined;
    const both = [
      { inode: 71, port: 8080 },
      { inode: 72, port: 9090 },
    ];
    listeners.update(both, 0);
    expect(ledger.listeners.size).toBe(0);
    // What is known to be foreign stays so, whatever the list says.
    listed = new Map([
      [71, 19],
      [72, 20],
    ]);
    listeners.update(both, 0);
    expect([...ledger.listeners].map(({ inode }) => inode)).toEqual([71]);
  });

  test('are taken once, though a table that began before has them among the others still', () => {
    const ledger = new Ledger(20);
    const listeners = new ClusterListeners(ledger, holding(new Map([[71, 19]])));
    for (let round = 0; round < 2; round++) listeners.update([{ inode: 71, port: 8080 }], 0);
    expect(ledger.listeners.size).toBe(1);
  });

  test('are none of the servers of this process, by whichever descriptor', () => {
    const ledger = new Ledger(20);
    let lists = 0;
    const own = new Map([
      [71, 19],
      [72, 21],
    ]);
    const list = (): ReadonlyMap<number, number> => {
      lists++;
      return own;
    };
    // The server holds inode 72 by descriptor 20, of which 21 is a duplicate.
    const inodeOf = (fd: number): number => (fd === 19 ? 71 : fd === 20 || fd === 21 ? 72 : 0);
    const listeners = new ClusterListeners(ledger, { list, inodeOf, servers: () => [20] });
    for (let round = 0; round < 2; round++) listeners.update([{ inode: 72, port: 9090 }], 0);
    expect([lists, ledger.listeners.size]).toEqual([1, 0]);
    listeners.update([{ inode: 71, port: 8080 }], 0);
    expect([...ledger.listeners].map(({ inode }) => inode)).toEqual([71]);
  });

  test('are dropped, and not taken, where an observed server has the inode', () => {
    const ledger = new Ledger(20);
    const sockets = holding(
      new Map([
        [71, 19],
        [72, 20],
      ]),
    );
    const listeners = new ClusterListeners(ledger, sockets);
    listeners.update([{ inode: 71, port: 8080 }], 0);
    const early = observed(8080, 0);
    ledger.addListener(early);
    listeners.update([], 0);
    expect(ledger.listeners.size).toBe(2);
    early.inode = 71;
    listeners.update([], 0);
    expect([...ledger.listeners]).toEqual([early]);
    // A table that began before the inode was known names it among the others still.
    const late = observed(9090, 72);
    ledger.addListener(late);
    listeners.update([{ inode: 72, port: 9090 }], 0);
    expect([...ledger.listeners]).toEqual([early, late]);
  });
});

describe.runIf(process.platform === 'linux')('of this very process', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  test('a server is not taken, and a listener without one is', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const parts = server as unknown as { _handle: { fd: number; close(): void } | null };
    const handle = parts._handle as { fd: number; close(): void };
    ends.push(() => handle.close());
    const { port } = server.address() as net.AddressInfo;
    const row = { inode: readSocketInode(handle.fd), port };
    expect(row.inode).toBeGreaterThan(0);

    const ledger = new Ledger(20);
    new ClusterListeners(ledger).update([row], 0);
    expect(ledger.listeners.size).toBe(0);
    // What a cluster's primary does to the server that it accepts with for its workers.
    parts._handle = null;
    new ClusterListeners(ledger).update([row], 0);
    expect([...ledger.listeners]).toMatchObject([row]);
  });
});
