// The leak finder over tables that are made up: what counts, what ages, and what a table that is not sound leaves alone.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLOSE_WAIT_CAUSES } from '../../src/detect/leaks/leak.ts';
import { LeakFinder, type LeakFindings } from '../../src/monitor/leak-finder.ts';
import type { ObserveContext } from '../../src/observe/context.ts';
import { CreationSites } from '../../src/observe/creation-site.ts';
import { Join, type KernelColumn } from '../../src/sockets/join.ts';
import { Ledger, TICKS_PER_MS } from '../../src/sockets/ledger.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';
import { type KernelRow, offer } from '../../src/sockets/row.ts';
import { EVENT } from '../../src/tcp/event.ts';
import { STATE, STATE_SLOTS } from '../../src/tcp/state.ts';
import { rowOf } from '../support/row.ts';
import { tupleOf } from '../support/tuple.ts';

const THRESHOLDS = { close_wait: 1_000, fin_wait_2: 2_000, last_ack: 1_000, closing: 1_000, syn_sent: 500 };
const LOCAL = '10.0.0.1:80';

/** A world with one server, whose tables are read when a test says so. */
class World {
  readonly ledger: Ledger = new Ledger(20);
  readonly finder: LeakFinder;
  readonly #records: Map<string, SocketRecord> = new Map();

  constructor() {
    const context = {
      ledger: this.ledger,
      forgotten: new Set(),
      recordOf: () => undefined,
      sites: new CreationSites(),
      report: (_component: string, error: unknown) => {
        throw error;
      },
    };
    this.finder = new LeakFinder(context as unknown as ObserveContext, THRESHOLDS);
  }

  /** A connection that was accepted; `socket` has the fields of a net.Socket that the finder asks for. */
  accept(peer: string, atMs: number, socket: object = ENDED): SocketRecord {
    const record = new SocketRecord(socket, FLAG.server, atMs * TICKS_PER_MS);
    this.ledger.assign(record, 'server', 'api', true, atMs * TICKS_PER_MS);
    this.ledger.add(record);
    this.ledger.apply(record, EVENT.accept, atMs * TICKS_PER_MS);
    this.ledger.open(record, atMs * TICKS_PER_MS);
    this.ledger.setTuple(record, tupleOf(LOCAL, peer));
    this.#records.set(peer, record);
    return record;
  }

  table(atMs: number, ...rows: KernelRow[]): KernelColumn {
    const join = new Join(this.ledger, atMs);
    for (const row of rows) offer(join, row);
    join.claim();
    return join.finish(atMs);
  }

  async examine(column: KernelColumn, isSound = true, loopBlockedMs = 0): Promise<LeakFindings> {
    return (await this.finder.examine({ column, isSound, loopBlockedMs })).findings;
  }
}

/** 'end' was emitted, and nobody called end(). */
const ENDED = {
  _handle: { reading: true },
  _readableState: { ended: true, endEmitted: true, length: 0 },
  _writableState: { ending: false, finished: false, length: 0 },
};

function closeWait(peer: string): KernelRow {
  return rowOf('CLOSE_WAIT', LOCAL, peer, { inode: 7 });
}

const PEER = '10.0.0.2:5000';

describe('a socket in CLOSE_WAIT', () => {
  test('has leaked once two tables on end have shown it for as long as its threshold', async () => {
    const world = new World();
    world.accept(PEER, 0);
    const young = await world.examine(world.table(100, closeWait(PEER)));
    expect([young.closeWait.closeWait(2, 'not_ended'), young.leaks.leaked(2, 'close_wait')]).toEqual([1, 0]);
    const due = await world.examine(world.table(1_100, closeWait(PEER)));
    expect(due.leaks.leaked(2, 'close_wait')).toBe(1);
    expect(due.leaks.oldestMs(2, 'close_wait')).toBe(1_000);
    expect(due.groups).toMatchObject([{ cause: 'not_ended', name: 'api', sockets: 1, oldestAgeMs: 1_000 }]);
    expect(due.groups[0]?.samples).toMatchObject([{ local: LOCAL, peer: PEER, state: 'close_wait', inode: 7 }]);
  });

  test('has not leaked in one table alone, however old Node says that it is', async () => {
    const world = new World();
    const record = world.accept(PEER, 0);
    world.ledger.apply(record, EVENT.eof, 0);
    const first = await world.examine(world.table(60_000, closeWait(PEER)));
    expect(first.leaks.leaked(2, 'close_wait')).toBe(0);
    expect(first.leaks.oldestMs(2, 'close_wait')).toBe(60_000);
    expect((await world.examine(world.table(60_100, closeWait(PEER)))).leaks.leaked(2, 'close_wait')).toBe(1);
  });

  test('is in use while bytes move on it', async () => {
    const world = new World();
    const record = world.accept(PEER, 0);
    for (let atMs = 100; atMs < 10_000; atMs += 500) {
      world.ledger.countBytes(record, 0, atMs);
      const { leaks } = await world.examine(world.table(atMs, closeWait(PEER)));
      expect(leaks.leaked(2, 'close_wait')).toBe(0);
    }
    const { leaks } = await world.examine(world.table(10_700, closeWait(PEER)));
    expect(leaks.leaked(2, 'close_wait')).toBe(1);
  });

  test('is undetermined where it has moved since the table was begun', async () => {
    const world = new World();
    const record = world.accept(PEER, 0);
    const column = world.table(100, closeWait(PEER));
    world.ledger.apply(record, EVENT.eof, 105 * TICKS_PER_MS);
    expect((await world.examine(column)).closeWait.closeWait(2, 'undetermined')).toBe(1);
    expect((await world.examine(column, true, 900)).closeWait.closeWait(2, 'loop_blocked')).toBe(1);
  });
});

describe('a table that is not sound', () => {
  test('counts what is in it, and neither ages nor clears anything', async () => {
    const world = new World();
    world.accept(PEER, 0);
    await world.examine(world.table(100, closeWait(PEER)));
    expect((await world.examine(world.table(1_100, closeWait(PEER)))).groups).toHaveLength(1);
    const missing = await world.examine(world.table(1_200), false);
    expect(missing.closeWait.allCloseWait(2)).toBe(0);
    expect(missing.leaks.leaked(2, 'close_wait')).toBe(1);
    expect(missing.groups).toHaveLength(1);
    // Had it been believed, the next one would be the first.
    expect((await world.examine(world.table(1_300, closeWait(PEER)))).leaks.leaked(2, 'close_wait')).toBe(1);
    const gone = await world.examine(world.table(1_400));
    expect([gone.leaks.leaked(2, 'close_wait'), gone.groups.length, gone.leaked.length]).toEqual([0, 0, 0]);
  });

  test('does not make a socket old that only it has shown', async () => {
    const world = new World();
    world.accept(PEER, 0);
    await world.examine(world.table(100, closeWait(PEER)), false);
    expect((await world.examine(world.table(5_000, closeWait(PEER)))).leaks.leaked(2, 'close_wait')).toBe(0);
  });
});

describe('other states', () => {
  test.each([
    ['FIN_WAIT_2', { inode: 7 }, 'fin_wait_2', 'peer_keeps_open', 2_000],
    ['SYN_SENT', { inode: 7 }, 'syn_sent', 'syn_unanswered', 500],
  ] as const)('%s has leaked after its own threshold', async (state, given, label, cause, afterMs) => {
    const world = new World();
    world.accept(PEER, 0);
    const row = rowOf(state, LOCAL, PEER, given);
    await world.examine(world.table(100, row));
    expect((await world.examine(world.table(99 + afterMs, row))).leaks.leaked(2, label)).toBe(0);
    const { leaks, groups } = await world.examine(world.table(100 + afterMs, row));
    expect(leaks.leaked(2, label)).toBe(1);
    expect(groups).toMatchObject([{ cause, state: label }]);
  });

  test('FIN_WAIT_2 without a descriptor is the kernel’s to end', async () => {
    const world = new World();
    world.accept(PEER, 0);
    const row = rowOf('FIN_WAIT_2', LOCAL, PEER, { inode: 0 });
    await world.examine(world.table(100, row));
    expect((await world.examine(world.table(9_000, row))).leaks.leaked(2, 'fin_wait_2')).toBe(0);
  });

  test.each([
    ['three retransmissions', { sendQueue: 5, timer: 'on', retransmits: 3 }, 1],
    ['two', { sendQueue: 5, timer: 'on', retransmits: 2 }, 0],
    ['nothing that is unacknowledged', { sendQueue: 0, timer: 'on', retransmits: 9 }, 0],
    ['a peer that does not read', { sendQueue: 5, timer: 'persist', retransmits: 9 }, 0],
  ] as const)('ESTABLISHED with %s is half-open or not', async (_, given, suspects) => {
    const world = new World();
    world.accept(PEER, 0);
    const row = rowOf('ESTABLISHED', LOCAL, PEER, { inode: 7, receiveQueue: 1, ...given });
    expect((await world.examine(world.table(100, row))).leaks.halfOpen(2)).toBe(suspects);
    expect((await world.examine(world.table(200, row))).groups).toHaveLength(suspects);
  });
});

describe('contradictions', () => {
  const BLIND = {
    _handle: { reading: false },
    _readableState: { ended: false, endEmitted: false, length: 0 },
    _writableState: { ending: false, finished: false, length: 0 },
  };

  test('count after two tables that agree', async () => {
    const world = new World();
    world.accept(PEER, 0, BLIND);
    const first = await world.examine(world.table(100, closeWait(PEER)));
    expect(first.leaks.divergent.js_open_kernel_close_wait).toBe(0);
    const second = await world.examine(world.table(200, closeWait(PEER)));
    expect(second.leaks.divergent.js_open_kernel_close_wait).toBe(1);
  });

  test('begin anew when the tuple is another socket’s', async () => {
    const world = new World();
    const before = world.accept(PEER, 0, BLIND);
    await world.examine(world.table(100, closeWait(PEER)));
    world.ledger.close(before, 150 * TICKS_PER_MS);
    world.accept(PEER, 160, BLIND);
    const { leaks } = await world.examine(world.table(200, closeWait(PEER)));
    expect(leaks.divergent.js_open_kernel_close_wait).toBe(0);
  });
});

test('the sum over causes is the kernel’s CLOSE_WAIT, whatever the sockets are doing', async () => {
  const flags = fc.record({
    reading: fc.option(fc.boolean(), { nil: undefined }),
    ended: fc.boolean(),
    endEmitted: fc.boolean(),
    length: fc.nat(10),
    ending: fc.boolean(),
    finished: fc.boolean(),
  });
  const socket = fc.record({
    flags,
    isTracked: fc.boolean(),
    hasMoved: fc.boolean(),
    state: fc.constantFrom('CLOSE_WAIT', 'ESTABLISHED', 'FIN_WAIT_2'),
    receiveQueue: fc.nat(3),
    sendQueue: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(socket, { maxLength: 40 }), fc.nat(300), async (sockets, loopBlockedMs) => {
      const world = new World();
      const rows = sockets.map(({ flags, isTracked, state, receiveQueue, sendQueue }, index) => {
        const peer = `10.0.1.${index}:4000`;
        const { reading, ended, endEmitted, length, ending, finished } = flags;
        if (isTracked) {
          world.accept(peer, 0, {
            _handle: { reading },
            _readableState: { ended, endEmitted, length },
            _writableState: { ending, finished, length },
          });
        }
        return rowOf(state, LOCAL, peer, { inode: 100 + index, receiveQueue, sendQueue });
      });
      const column = world.table(100, ...rows);
      sockets.forEach(({ isTracked, hasMoved }, index) => {
        const record = world.ledger.records.find(({ index: at }) => at === index);
        if (isTracked && hasMoved && record !== undefined) world.ledger.apply(record, EVENT.eof, 101 * TICKS_PER_MS);
      });
      const { closeWait } = await world.examine(column, true, loopBlockedMs);
      for (const { slot } of world.ledger.names.entries()) {
        const sum = CLOSE_WAIT_CAUSES.reduce((all, cause) => all + closeWait.closeWait(slot, cause), 0);
        expect(sum).toBe(column.ownStates[slot * STATE_SLOTS + STATE.CLOSE_WAIT]);
      }
    }),
    { numRuns: 60 },
  );
});
