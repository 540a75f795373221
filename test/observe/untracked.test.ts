import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObserveContext } from '../../src/observe/context.ts';
import { type Descriptors, Untracked, type UntrackedOptions } from '../../src/observe/untracked.ts';
import { Join, type KernelColumn } from '../../src/sockets/join.ts';
import { Ledger } from '../../src/sockets/ledger.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';
import { type KernelRow, offer } from '../../src/sockets/row.ts';
import { STATE, type StateName } from '../../src/tcp/state.ts';
import { rowOf } from '../support/row.ts';

/** Descriptors that are made up: the inode by number, 0 for what is no socket. */
class Folder implements Descriptors {
  readonly inodes: Map<number, number> = new Map([
    [0, 0],
    [1, 0],
    [2, 0],
  ]);
  asked: number[] = [];

  inodeOf(fd: number): number {
    this.asked.push(fd);
    return this.inodes.get(fd) ?? -1;
  }

  count(): number | undefined {
    return this.inodes.size;
  }
}

let ledger: Ledger;
let folder: Folder;
let nowMs: number;
let excluded: Set<object>;
let reported: unknown[];
beforeEach(() => {
  ledger = new Ledger(20);
  folder = new Folder();
  nowMs = 1_000_000;
  excluded = new Set();
  reported = [];
});

function untrackedOf(options: Partial<UntrackedOptions> = {}): Untracked {
  const report = (_component: string, error: unknown): void => void reported.push(error);
  const context = { ledger, excluded, report } as unknown as ObserveContext;
  return new Untracked(context, { descriptors: folder, now: () => nowMs, ...options });
}

/** A socket of Node's with this descriptor, as far as it is asked. */
function socketAt(fd: number): net.Socket {
  const socket = new net.Socket();
  Object.defineProperty(socket, '_handle', { value: { fd } });
  return socket;
}

function recordAt(fd: number): SocketRecord {
  const record = new SocketRecord(socketAt(fd), FLAG.server, 0);
  ledger.add(record);
  return record;
}

/** One table from its begin to its end. Rows that it does not want are not in it. */
async function table(untracked: Untracked, ...rows: KernelRow[]): Promise<KernelColumn> {
  folder.asked = [];
  const join = new Join(ledger, nowMs);
  for (const row of rows) offer(join, row);
  await untracked.lookThrough(join);
  const column = join.finish(nowMs);
  join.settle();
  return column;
}

function row(state: StateName, inode: number, port = 40_000 + inode): KernelRow {
  return rowOf(state, `10.0.0.1:${port}`, '10.0.0.2:443', { inode });
}

afterEach(() => expect(reported).toEqual([]));

describe('a row in CLOSE_WAIT that no record has', () => {
  it('is ours by its inode, under one key, and looked for once', async () => {
    folder.inodes.set(3, 77);
    const untracked = untrackedOf();
    const first = await table(untracked, row('CLOSE_WAIT', 77));
    expect(first.untrackedStates[STATE.CLOSE_WAIT]).toBe(1);
    expect(first.untrackedDescriptors).toBe(1);
    const facts = first.suspects.factsAt(0);
    expect(facts).toMatchObject({ slot: -1, tupleSlot: -1, own: true });
    expect(facts.key).toBeLessThan(0);
    const second = await table(untracked, row('CLOSE_WAIT', 77));
    expect(second.untrackedStates[STATE.CLOSE_WAIT]).toBe(1);
    expect(second.suspects.factsAt(0)).toEqual(facts);
    expect(folder.asked).toEqual([]);
  });

  it("is somebody else's where no descriptor has it, and is looked for once as long as tables show it", async () => {
    const untracked = untrackedOf();
    expect((await table(untracked, row('CLOSE_WAIT', 77))).untrackedStates.every((count) => count === 0)).toBe(true);
    expect(folder.asked).toEqual([0, 1, 2]);
    await table(untracked, row('CLOSE_WAIT', 77));
    expect(folder.asked).toEqual([]);
    await table(untracked, row('CLOSE_WAIT', 77), row('CLOSE_WAIT', 78));
    expect(folder.asked).toEqual([0, 1, 2]);
    // Gone, and there again: the inode may be another socket's.
    await table(untracked, row('CLOSE_WAIT', 78));
    await table(untracked, row('CLOSE_WAIT', 77), row('CLOSE_WAIT', 78));
    expect(folder.asked).toEqual([0, 1, 2]);
  });

  it('is no longer ours once a look does not find its descriptor', async () => {
    folder.inodes.set(3, 77).set(4, 78);
    const untracked = untrackedOf();
    await table(untracked, row('CLOSE_WAIT', 77), row('CLOSE_WAIT', 78));
    folder.inodes.delete(4);
    nowMs += 60_000;
    await table(untracked, row('CLOSE_WAIT', 77), row('CLOSE_WAIT', 78));
    const column = await table(untracked, row('CLOSE_WAIT', 77), row('CLOSE_WAIT', 78));
    expect(column.untrackedStates[STATE.CLOSE_WAIT]).toBe(1);
  });

  it('is not where a record, a listener or something of finwait has the descriptor, which is not asked for', async () => {
    folder.inodes.set(3, 77).set(4, 78);
    recordAt(3);
    excluded.add(socketAt(4));
    const column = await table(untrackedOf(), row('CLOSE_WAIT', 77), row('CLOSE_WAIT', 78));
    expect(column.untrackedStates[STATE.CLOSE_WAIT]).toBe(0);
    expect(folder.asked).toEqual([0, 1, 2]);
  });

  it('is not at the port that finwait listens on', async () => {
    folder.inodes.set(3, 77);
    const server = new net.Server();
    Object.assign(server, { address: () => ({ address: '::', family: 'IPv6', port: 9_464 }) });
    excluded.add(server);
    const column = await table(untrackedOf(), row('CLOSE_WAIT', 77, 9_464));
    expect(column.untrackedStates[STATE.CLOSE_WAIT]).toBe(0);
    expect(column.suspects.length).toBe(0);
  });

  it('is not if its record came while the descriptors were looked through', async () => {
    folder.inodes.set(3, 77);
    folder.inodeOf = (fd) => {
      if (fd === 3) recordAt(3);
      return folder.inodes.get(fd) ?? -1;
    };
    const column = await table(untrackedOf(), row('CLOSE_WAIT', 77));
    expect(column.untrackedStates[STATE.CLOSE_WAIT]).toBe(0);
  });
});

describe('a descriptor that no record has', () => {
  it('is found in any state: the next table is read whole, and later ones at its port', async () => {
    folder.inodes.set(3, 77);
    const untracked = untrackedOf();
    const rows = [row('ESTABLISHED', 77), row('ESTABLISHED', 90)];
    expect((await table(untracked, ...rows)).untrackedStates[STATE.ESTABLISHED]).toBe(0);
    expect((await table(untracked, ...rows)).untrackedStates[STATE.ESTABLISHED]).toBe(1);
    expect(ledger.untracked.isAnyUnresolved).toBe(false);
    const later = new Join(ledger, nowMs);
    expect(later.wants(STATE.ESTABLISHED, 40_077, 443)).toBe(true);
    expect(later.wants(STATE.ESTABLISHED, 40_090, 443)).toBe(false);
    expect((await table(untracked, ...rows)).untrackedStates[STATE.ESTABLISHED]).toBe(1);
    // Its port is nobody's when it is gone.
    await table(untracked);
    expect(new Join(ledger, nowMs).wants(STATE.ESTABLISHED, 40_077, 443)).toBe(false);
  });

  it('and has no row is no TCP, and is not looked for in another table', async () => {
    folder.inodes.set(3, 77);
    const untracked = untrackedOf();
    await table(untracked);
    expect(ledger.untracked.isAnyUnresolved).toBe(true);
    await table(untracked);
    expect(ledger.untracked.isAnyUnresolved).toBe(false);
  });

  it('is no connection if it listens', async () => {
    folder.inodes.set(3, 77);
    const untracked = untrackedOf();
    await table(untracked);
    const listener = rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0', { inode: 77 });
    const column = await table(untracked, listener);
    expect(column.untrackedStates.every((count) => count === 0)).toBe(true);
    expect(column.untrackedDescriptors).toBe(0);
    expect(ledger.untracked.isAnyUnresolved).toBe(false);
  });

  it('counts once if it was duplicated', async () => {
    folder.inodes.set(3, 77).set(4, 77);
    const column = await table(untrackedOf(), row('CLOSE_WAIT', 77));
    expect(column.untrackedStates[STATE.CLOSE_WAIT]).toBe(1);
  });

  it('is found behind numbers that are not open', async () => {
    folder.inodes.set(9_000, 77);
    const column = await table(untrackedOf(), row('CLOSE_WAIT', 77));
    expect(column.untrackedStates[STATE.CLOSE_WAIT]).toBe(1);
  });
});

describe('without a row that asks for it', () => {
  it('is looked at the beginning, then once a minute where the number of strangers has changed', async () => {
    const untracked = untrackedOf();
    const looks = async (): Promise<boolean> => {
      await table(untracked);
      return folder.asked.length > 0;
    };
    expect(await looks()).toBe(true);
    nowMs += 60_000;
    expect(await looks()).toBe(false);
    // One more descriptor, and one more record: nobody new.
    folder.inodes.set(3, 77);
    recordAt(3);
    expect(await looks()).toBe(false);
    folder.inodes.set(4, 78);
    expect(await looks()).toBe(true);
    folder.inodes.set(5, 79);
    nowMs += 59_999;
    expect(await looks()).toBe(false);
    nowMs += 1;
    expect(await looks()).toBe(true);
  });

  it('is looked once a minute where the number is not known', async () => {
    folder.count = () => undefined;
    folder.inodes.set(3, 77);
    const untracked = untrackedOf();
    expect((await table(untracked, row('CLOSE_WAIT', 77))).untrackedStates[STATE.CLOSE_WAIT]).toBe(1);
    nowMs += 60_000;
    await table(untracked);
    expect(folder.asked.length).toBeGreaterThan(3);
    await table(untracked);
    expect(folder.asked).toEqual([]);
  });
});

it('nothing is looked for any more once the monitor is closed', async () => {
  const abort = new AbortController();
  folder.inodes.set(3, 77);
  const untracked = untrackedOf({ signal: abort.signal });
  abort.abort();
  const column = await table(untracked, row('CLOSE_WAIT', 77));
  expect(column.untrackedStates[STATE.CLOSE_WAIT]).toBe(0);
  expect(ledger.untracked.isAnyUnresolved).toBe(false);
});

it('20,000 descriptors are looked through in slices of a few milliseconds', async () => {
  for (let fd = 3; fd < 20_000; fd++) folder.inodes.set(fd, 100_000 + fd);
  folder.inodeOf = (fd) => {
    // As long as readlink(2) takes.
    for (const end = performance.now() + 0.005; performance.now() < end; );
    return folder.inodes.get(fd) ?? -1;
  };
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const join = new Join(ledger, nowMs);
  const workedMs = await untrackedOf().lookThrough(join);
  isOver = true;
  expect(workedMs).toBeGreaterThan(100);
  expect(turns).toBeGreaterThan(40);
});
