import { describe, expect, it } from 'vitest';
import { forgetSlot, Join, type KernelColumn } from '../../src/sockets/join.ts';
import { Ledger, type ListenerRecord } from '../../src/sockets/ledger.ts';
import { NAME_IDLE_MS, type Side } from '../../src/sockets/names.ts';
import { ORPHANS_LIMIT } from '../../src/sockets/orphans.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';
import { type KernelRow, offer } from '../../src/sockets/row.ts';
import { TUPLE, TUPLE_WORDS } from '../../src/sockets/tuple.ts';
import { EVENT } from '../../src/tcp/event.ts';
import { STATE, STATE_SLOTS, STATES, type StateName, stateName } from '../../src/tcp/state.ts';
import { type RowFacts, rowOf } from '../support/row.ts';
import { tupleOf } from '../support/tuple.ts';

const NOW_MS = 100_000;

function openRecord(ledger: Ledger, side: Side, name: string, tuple: Uint32Array): SocketRecord {
  const record = new SocketRecord({}, side === 'server' ? FLAG.server : 0, 0);
  ledger.assign(record, side, name, true, 0);
  ledger.add(record);
  ledger.apply(record, EVENT.adopt, 0);
  ledger.open(record, 0);
  ledger.setTuple(record, tuple);
  return record;
}

/** The program destroys the socket: Node's column ends as 'close' ends it. */
function destroy(ledger: Ledger, record: SocketRecord, atMs: number): void {
  ledger.apply(record, EVENT.close, atMs * 10);
  ledger.close(record, atMs * 10);
}

function listen(ledger: Ledger, name: string, port: number, inode: number): ListenerRecord {
  const tuple = new Uint32Array(TUPLE_WORDS);
  tuple[TUPLE.localPort] = port;
  const listener: ListenerRecord = {
    ref: new WeakRef({}),
    slot: -1,
    transition: -1,
    flags: 0,
    changedAt: 0,
    observedAt: -1,
    port,
    tuple,
    inode,
  };
  ledger.assign(listener, 'server', name, true, 0);
  ledger.addListener(listener);
  return listener;
}

function join(ledger: Ledger, ...rows: KernelRow[]): KernelColumn {
  const join = new Join(ledger, NOW_MS);
  for (const row of rows) offer(join, row);
  join.claim();
  return join.finish(NOW_MS + 40);
}

/** The non-zero cells of a column as text, such as `api established 1`. */
function cells(ledger: Ledger, table: Int32Array): string[] {
  return ledger.names.entries().flatMap(({ slot, name }) =>
    STATES.map((state) => [stateName(state), table[slot * STATE_SLOTS + state] ?? 0] as const)
      .filter(([, count]) => count !== 0)
      .map(([state, count]) => `${name} ${state} ${count}`),
  );
}

describe('every row', () => {
  it('is counted by state for the namespace, whoever has it', () => {
    const ledger = new Ledger(20);
    const rows = STATES.flatMap((state, index) =>
      Array.from({ length: index + 1 }, () => rowOf(stateName(state), '10.0.0.1:80', '10.0.0.2:5000', { inode: 1 })),
    );
    const column = join(ledger, ...rows);
    expect(STATES.map((state) => column.netnsStates[state])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(column).toMatchObject({ rows: 66, startedAt: NOW_MS, endedAt: NOW_MS + 40 });
    expect(cells(ledger, column.ownStates)).toEqual([]);
    expect(cells(ledger, column.unattributedStates)).toEqual([]);
  });
});

describe('a row is ours', () => {
  it('when a live record has its tuple, in whatever state the kernel has it', () => {
    const ledger = new Ledger(20);
    const states = ['ESTABLISHED', 'CLOSE_WAIT', 'FIN_WAIT_2', 'TIME_WAIT'] as const;
    const records = states.map((_, index) =>
      openRecord(ledger, 'client', 'db', tupleOf(`10.0.0.1:${5000 + index}`, '10.0.0.2:5432')),
    );
    const column = join(
      ledger,
      ...states.map((state, index) => rowOf(state, `10.0.0.1:${5000 + index}`, '10.0.0.2:5432')),
    );
    expect(cells(ledger, column.ownStates)).toEqual([
      'db ESTABLISHED 1',
      'db FIN_WAIT_2 1',
      'db CLOSE_WAIT 1',
      'db TIME_WAIT 1',
    ]);
    expect(records.map(({ tupleSlot }) => stateName(column.stateByTuple[tupleSlot] as 1))).toEqual(states);
  });

  it('when it is the other family of the same IPv4 connection', () => {
    const ledger = new Ledger(20);
    openRecord(ledger, 'server', 'api', tupleOf('[::ffff:127.0.0.1]:80', '[::ffff:127.0.0.1]:5000'));
    const column = join(ledger, rowOf('ESTABLISHED', '127.0.0.1:80', '127.0.0.1:5000', { inode: 9 }));
    expect(cells(ledger, column.ownStates)).toEqual(['api ESTABLISHED 1']);
  });

  it('when its peer is that of a record whose server is bound to the wildcard', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 0);
    const record = openRecord(ledger, 'server', 'api', tupleOf('[::]:80', '10.0.0.2:5000'));
    const column = join(ledger, rowOf('CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5000', { inode: 9 }));
    expect(cells(ledger, column.ownStates)).toEqual(['api CLOSE_WAIT 1']);
    expect(column.stateByTuple[record.tupleSlot]).toBe(STATE.CLOSE_WAIT);
  });

  it('when it listens with the inode of our listener', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 4711);
    const column = join(ledger, rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0', { inode: 4711 }));
    expect(cells(ledger, column.ownStates)).toEqual(['api LISTEN 1']);
  });

  it('when nobody holds it and this process closed it', () => {
    const ledger = new Ledger(20);
    const record = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    destroy(ledger, record, NOW_MS - 10_000);
    const column = join(
      ledger,
      rowOf('TIME_WAIT', '10.0.0.1:5000', '10.0.0.2:5432', { timer: 'timewait', timerMs: 50_000 }),
    );
    expect(cells(ledger, column.ownStates)).toEqual(['db TIME_WAIT 1']);
  });

  it('when nobody holds it and this process closed it on a server that is bound to the wildcard', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 0);
    const record = openRecord(ledger, 'server', 'api', tupleOf('[::]:80', '10.0.0.2:5000'));
    destroy(ledger, record, NOW_MS);
    const column = join(ledger, rowOf('FIN_WAIT_2', '10.0.0.1:80', '10.0.0.2:5000'));
    expect(cells(ledger, column.ownStates)).toEqual(['api FIN_WAIT_2 1']);
  });

  it('by the newest of two records with one tuple: the kernel has forgotten the other', () => {
    const ledger = new Ledger(20);
    const tuple = tupleOf('10.0.0.1:80', '10.0.0.2:5000');
    const ghost = openRecord(ledger, 'server', 'api', tuple);
    join(ledger, rowOf('CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5000', { inode: 1, cookie: 11 }));
    const record = openRecord(ledger, 'server', 'api', tuple);
    const column = join(ledger, rowOf('ESTABLISHED', '10.0.0.1:80', '10.0.0.2:5000', { inode: 2, cookie: 12 }));
    expect(cells(ledger, column.ownStates)).toEqual(['api ESTABLISHED 1']);
    expect(column.stateByTuple[record.tupleSlot]).toBe(STATE.ESTABLISHED);
    expect(column.stateByTuple[ghost.tupleSlot]).toBe(0);
  });
});

describe('a socket whose cookie a table has shown', () => {
  const [LOCAL, PEER] = ['10.0.0.1:80', '10.0.0.2:5000'];

  it('is found by it in every later table, alive and closed', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 0);
    const record = openRecord(ledger, 'server', 'api', tupleOf(LOCAL, PEER));
    const alive = rowOf('ESTABLISHED', LOCAL, PEER, { inode: 1, cookie: 11 });
    for (const column of [join(ledger, alive), join(ledger, alive)]) {
      expect(cells(ledger, column.ownStates)).toEqual(['api ESTABLISHED 1']);
      expect(column.stateByTuple[record.tupleSlot]).toBe(STATE.ESTABLISHED);
    }
    destroy(ledger, record, NOW_MS);
    const closed = rowOf('TIME_WAIT', LOCAL, PEER, { cookie: 11, timer: 'timewait', timerMs: 60_000 });
    for (const column of [join(ledger, closed), join(ledger, closed)]) {
      expect(cells(ledger, column.ownStates)).toEqual(['api TIME_WAIT 1']);
    }
    ledger.closedTuples.expire(NOW_MS + 70_000);
    expect(cells(ledger, join(ledger, closed).ownStates)).toEqual([]);
  });

  it('has its own TIME_WAIT where another one of ours has its addresses by now', () => {
    const ledger = new Ledger(20);
    const first = openRecord(ledger, 'server', 'api', tupleOf(LOCAL, PEER));
    join(ledger, rowOf('ESTABLISHED', LOCAL, PEER, { inode: 1, cookie: 11 }));
    destroy(ledger, first, NOW_MS);
    const second = openRecord(ledger, 'server', 'later', tupleOf(LOCAL, PEER));
    const column = join(
      ledger,
      rowOf('TIME_WAIT', LOCAL, PEER, { cookie: 11, timer: 'timewait', timerMs: 60_000 }),
      rowOf('ESTABLISHED', LOCAL, PEER, { inode: 2, cookie: 12 }),
    );
    expect(cells(ledger, column.ownStates)).toEqual(['api TIME_WAIT 1', 'later ESTABLISHED 1']);
    expect(column.stateByTuple[second.tupleSlot]).toBe(STATE.ESTABLISHED);
  });

  it('gives nothing to whoever has its place in the books next', () => {
    const ledger = new Ledger(20);
    const first = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    join(ledger, rowOf('ESTABLISHED', '10.0.0.1:5000', '10.0.0.2:5432', { inode: 1, cookie: 11 }));
    const place = first.tupleSlot;
    ledger.release(first, NOW_MS * 10);
    const second = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5001', '10.0.0.2:5432'));
    expect(second.tupleSlot).toBe(place);
    const column = join(ledger, rowOf('ESTABLISHED', '10.0.0.1:5000', '10.0.0.2:5432', { inode: 1, cookie: 11 }));
    expect(cells(ledger, column.ownStates)).toEqual([]);
    expect(column.stateByTuple[place]).toBe(0);
  });

  it('is not mistaken for one whose cookie has the same lower half', () => {
    const ledger = new Ledger(20);
    const peers = ['10.0.0.2:5000', '10.0.0.2:5001'] as const;
    const records = peers.map((peer) => openRecord(ledger, 'server', 'api', tupleOf(LOCAL, peer)));
    const rows = peers.map((peer, index) =>
      rowOf(index === 0 ? 'ESTABLISHED' : 'CLOSE_WAIT', LOCAL, peer, {
        inode: index + 1,
        cookie: index * 2 ** 32 + 11,
      }),
    );
    for (const column of [join(ledger, ...rows), join(ledger, ...rows)]) {
      expect(cells(ledger, column.ownStates)).toEqual(['api ESTABLISHED 1', 'api CLOSE_WAIT 1']);
      expect(records.map(({ tupleSlot }) => column.stateByTuple[tupleSlot])).toEqual([
        STATE.ESTABLISHED,
        STATE.CLOSE_WAIT,
      ]);
    }
  });
});

describe('a row is not ours', () => {
  it('when its cookie is another than the one the record was seen with', () => {
    const ledger = new Ledger(20);
    const record = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    const first = join(ledger, rowOf('ESTABLISHED', '10.0.0.1:5000', '10.0.0.2:5432', { inode: 9, cookie: 11 }));
    expect(cells(ledger, first.ownStates)).toEqual(['db ESTABLISHED 1']);
    const second = join(ledger, rowOf('ESTABLISHED', '10.0.0.1:5000', '10.0.0.2:5432', { inode: 10, cookie: 12 }));
    expect(cells(ledger, second.ownStates)).toEqual([]);
    expect(second.stateByTuple[record.tupleSlot]).toBe(0);
    const third = join(ledger, rowOf('CLOSE_WAIT', '10.0.0.1:5000', '10.0.0.2:5432'));
    expect(cells(ledger, third.ownStates)).toEqual(['db CLOSE_WAIT 1']);
  });

  it('by its port alone: another process may share it', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 4711);
    const column = join(
      ledger,
      rowOf('ESTABLISHED', '10.0.0.1:80', '10.0.0.2:5000', { inode: 9 }),
      rowOf('CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5001', { inode: 10 }),
      rowOf('SYN_RECEIVED', '10.0.0.1:80', '10.0.0.2:5002'),
      rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0', { inode: 4712 }),
      rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0'),
    );
    expect(cells(ledger, column.ownStates)).toEqual([]);
    expect(cells(ledger, column.unattributedStates)).toEqual([]);
  });

  it('when a listener without a known inode stands beside it', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 0);
    const column = join(ledger, rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0'));
    expect(cells(ledger, column.ownStates)).toEqual([]);
  });

  it('when this process closed the tuple and somebody holds the row', () => {
    const ledger = new Ledger(20);
    const record = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    destroy(ledger, record, NOW_MS);
    const column = join(
      ledger,
      rowOf('ESTABLISHED', '10.0.0.1:5000', '10.0.0.2:5432', { inode: 9 }),
      rowOf('FIN_WAIT_1', '10.0.0.1:5000', '10.0.0.2:5432', { inode: 9 }),
      rowOf('ESTABLISHED', '10.0.0.1:5000', '10.0.0.2:5432'),
    );
    expect(cells(ledger, column.ownStates)).toEqual([]);
  });

  it('unless it was closed while the table was read: an event loop that was blocked has caught up', () => {
    const ledger = new Ledger(20);
    const record = openRecord(ledger, 'server', 'api', tupleOf('10.0.0.1:80', '10.0.0.2:5432'));
    const table = new Join(ledger, NOW_MS);
    destroy(ledger, record, NOW_MS + 5);
    offer(table, rowOf('CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5432', { inode: 9 }));
    const column = table.finish(NOW_MS + 9);
    expect(cells(ledger, column.ownStates)).toEqual(['api CLOSE_WAIT 1']);
    expect(column.suspects.factsAt(0)).toMatchObject({ own: true, tupleSlot: -1, key: 0 });
  });

  it('when the peer had closed first, so that this process could not be left with a TIME_WAIT', () => {
    const ledger = new Ledger(20);
    const record = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    ledger.apply(record, EVENT.eof, NOW_MS * 10);
    destroy(ledger, record, NOW_MS);
    const column = join(
      ledger,
      rowOf('TIME_WAIT', '10.0.0.1:5000', '10.0.0.2:5432', { timer: 'timewait', timerMs: 60_000 }),
    );
    expect(cells(ledger, column.ownStates)).toEqual([]);
  });

  it('when its TIME_WAIT did not begin when this process closed the tuple', () => {
    const ledger = new Ledger(20);
    const record = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    destroy(ledger, record, NOW_MS - 50_000);
    const column = join(
      ledger,
      rowOf('TIME_WAIT', '10.0.0.1:5000', '10.0.0.2:5432', { timer: 'timewait', timerMs: 59_000 }),
    );
    expect(cells(ledger, column.ownStates)).toEqual([]);
  });

  it('when this process closed the tuple longer ago than a minute, and nothing since', () => {
    const ledger = new Ledger(20);
    const record = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    destroy(ledger, record, NOW_MS - 70_000);
    const column = join(ledger, rowOf('FIN_WAIT_2', '10.0.0.1:5000', '10.0.0.2:5432'));
    expect(cells(ledger, column.ownStates)).toEqual([]);
  });

  it('when this process gave the socket to another', () => {
    const ledger = new Ledger(20);
    const record = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    ledger.release(record, NOW_MS * 10);
    const column = join(ledger, rowOf('TIME_WAIT', '10.0.0.1:5000', '10.0.0.2:5432'));
    expect(cells(ledger, column.ownStates)).toEqual([]);
  });

  it('when only the wildcard record of another port has its peer', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 0);
    openRecord(ledger, 'server', 'api', tupleOf('[::]:80', '10.0.0.2:5000'));
    const column = join(ledger, rowOf('ESTABLISHED', '10.0.0.1:81', '10.0.0.2:5000', { inode: 9 }));
    expect(cells(ledger, column.ownStates)).toEqual([]);
  });
});

describe('a row that nobody holds and nobody proves', () => {
  const ownerless = ['FIN_WAIT_1', 'FIN_WAIT_2', 'CLOSING', 'LAST_ACK', 'TIME_WAIT'] as const;

  it('is unattributed at a port of ours', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 4711);
    const column = join(ledger, ...ownerless.map((state) => rowOf(state, '10.0.0.1:80', '10.0.0.2:5000')));
    expect(cells(ledger, column.ownStates)).toEqual([]);
    expect(cells(ledger, column.unattributedStates)).toEqual(ownerless.map((state) => `api ${state} 1`));
  });

  it('is unattributed towards an upstream of ours, under the name that last used it', () => {
    const ledger = new Ledger(20);
    const record = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    ledger.upstreams.name(ledger.rememberUpstream(tupleOf('10.0.0.1:5000', '10.0.0.2:5432')), record.slot);
    const column = join(
      ledger,
      rowOf('TIME_WAIT', '10.0.0.1:6000', '10.0.0.2:5432'),
      rowOf('TIME_WAIT', '10.0.0.1:6001', '10.0.0.2:5433'),
      rowOf('ESTABLISHED', '10.0.0.1:6002', '10.0.0.2:5432', { inode: 9 }),
    );
    expect(cells(ledger, column.unattributedStates)).toEqual(['db TIME_WAIT 1']);
  });

  it('is nothing of ours at an upstream whose name was never told', () => {
    const ledger = new Ledger(20);
    ledger.rememberUpstream(tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    const column = join(ledger, rowOf('TIME_WAIT', '10.0.0.1:6000', '10.0.0.2:5432'));
    expect(cells(ledger, column.unattributedStates)).toEqual([]);
  });

  it('is unattributed where the timer says that it is not the one we closed', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 4711);
    const record = openRecord(ledger, 'server', 'api', tupleOf('[::]:80', '10.0.0.2:5000'));
    destroy(ledger, record, NOW_MS - 30_000);
    const column = join(
      ledger,
      rowOf('TIME_WAIT', '10.0.0.1:80', '10.0.0.2:5000', { timer: 'timewait', timerMs: 58_000 }),
    );
    expect(cells(ledger, column.ownStates)).toEqual([]);
    expect(cells(ledger, column.unattributedStates)).toEqual(['api TIME_WAIT 1']);
  });
});

describe('a table', () => {
  it('says which tuples it can know of', () => {
    const ledger = new Ledger(20);
    const before = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    const running = new Join(ledger, NOW_MS);
    const after = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5001', '10.0.0.2:5432'));
    offer(running, rowOf('ESTABLISHED', '10.0.0.1:5001', '10.0.0.2:5432', { inode: 9 }));
    const column = running.finish(NOW_MS);
    expect(ledger.serialAtTuple(before.tupleSlot)).toBeLessThanOrEqual(column.tupleSerial);
    expect(ledger.serialAtTuple(after.tupleSlot)).toBeGreaterThan(column.tupleSerial);
    expect(cells(ledger, column.ownStates)).toEqual(['db ESTABLISHED 1']);
  });

  it('gives the row of the socket before to nobody else where the tuple is used again meanwhile', () => {
    const ledger = new Ledger(20);
    const tuple = tupleOf('10.0.0.1:5000', '10.0.0.2:5432');
    destroy(ledger, openRecord(ledger, 'client', 'old', tuple), NOW_MS - 10_000);
    const running = new Join(ledger, NOW_MS);
    const live = openRecord(ledger, 'client', 'new', tuple);
    offer(
      running,
      rowOf('TIME_WAIT', '10.0.0.1:5000', '10.0.0.2:5432', { cookie: 11, timer: 'timewait', timerMs: 50_000 }),
    );
    expect(cells(ledger, running.finish(NOW_MS).ownStates)).toEqual(['old TIME_WAIT 1']);
    const next = join(ledger, rowOf('ESTABLISHED', '10.0.0.1:5000', '10.0.0.2:5432', { inode: 9, cookie: 12 }));
    expect(cells(ledger, next.ownStates)).toEqual(['new ESTABLISHED 1']);
    expect(next.stateByTuple[live.tupleSlot]).toBe(STATE.ESTABLISHED);
  });

  it('learns no cookie for a record that got its tuple while the table was read', () => {
    const ledger = new Ledger(20);
    const running = new Join(ledger, NOW_MS);
    const live = openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    offer(running, rowOf('ESTABLISHED', '10.0.0.1:5000', '10.0.0.2:5432', { inode: 9, cookie: 11 }));
    expect(ledger.cookieAtTuple(live.tupleSlot)).toBe(0);
  });

  describe.each([
    ['with its cookie', 11],
    ['of procfs, which has no cookie', 0],
  ])('keeps an orphan %s', (_title, cookie) => {
    const [LOCAL, PEER] = ['10.0.0.1:5000', '10.0.0.2:5432'];

    function orphaned(): Ledger {
      const ledger = new Ledger(20);
      destroy(ledger, openRecord(ledger, 'client', 'db', tupleOf(LOCAL, PEER)), NOW_MS);
      return ledger;
    }

    /** One table with the orphan in a state, or without it. */
    function table(ledger: Ledger, atMs: number, state?: StateName, facts: RowFacts = { cookie }): Join {
      const running = new Join(ledger, atMs);
      if (state !== undefined) offer(running, rowOf(state, LOCAL, PEER, facts));
      return running;
    }

    function keysOf({ suspects }: KernelColumn): number[] {
      return Array.from({ length: suspects.length }, (_, index) => suspects.factsAt(index).key);
    }

    it('for as long as tables show it, under one key, and until its TIME_WAIT is over', () => {
      const ledger = orphaned();
      const keys = new Set<number>();
      for (let atMs = NOW_MS; atMs <= NOW_MS + 900_000; atMs += 45_000) {
        const running = table(ledger, atMs, 'FIN_WAIT_1');
        const column = running.finish(atMs);
        running.settle();
        expect(cells(ledger, column.ownStates)).toEqual(['db FIN_WAIT_1 1']);
        for (const key of keysOf(column)) keys.add(key);
      }
      expect([...keys]).toEqual([expect.any(Number)]);
      expect([...keys][0]).toBeLessThan(0);
      const last = table(ledger, NOW_MS + 960_000, 'TIME_WAIT', { cookie, timer: 'timewait', timerMs: 10_000 });
      expect(cells(ledger, last.finish(0).ownStates)).toEqual(['db TIME_WAIT 1']);
    });

    it('until a complete table does not show it: whoever has the tuple then is somebody else', () => {
      const ledger = orphaned();
      table(ledger, NOW_MS, 'FIN_WAIT_1').settle();
      table(ledger, NOW_MS + 70_000).settle();
      const later = table(ledger, NOW_MS + 80_000, 'FIN_WAIT_1').finish(0);
      expect(cells(ledger, later.ownStates)).toEqual([]);
    });

    it('through tables that failed, which say nothing', () => {
      const ledger = orphaned();
      table(ledger, NOW_MS, 'FIN_WAIT_1').settle();
      for (let atMs = NOW_MS; atMs < NOW_MS + 200_000; atMs += 10_000) table(ledger, atMs).finish(atMs);
      const later = table(ledger, NOW_MS + 200_000, 'FIN_WAIT_1').finish(0);
      expect(cells(ledger, later.ownStates)).toEqual(['db FIN_WAIT_1 1']);
    });

    it('where an older table that overlaps is settled after a newer one has shown it', () => {
      const ledger = orphaned();
      const older = table(ledger, NOW_MS);
      const newer = table(ledger, NOW_MS + 1, 'FIN_WAIT_1');
      newer.settle();
      older.settle();
      expect(ledger.orphans.size).toBe(1);
    });

    it('not under a name that has gone', () => {
      const ledger = new Ledger(20);
      const record = new SocketRecord({}, 0, 0);
      ledger.assign(record, 'client', 'db', false, 0);
      ledger.add(record);
      ledger.apply(record, EVENT.adopt, 0);
      ledger.open(record, 0);
      ledger.setTuple(record, tupleOf(LOCAL, PEER));
      destroy(ledger, record, NOW_MS);
      const shown = table(ledger, NOW_MS, 'FIN_WAIT_1').finish(0);
      expect(cells(ledger, shown.ownStates)).toEqual(['db FIN_WAIT_1 1']);
      for (const slot of ledger.evictIdleNames(10 * (NOW_MS + NAME_IDLE_MS))) forgetSlot(shown, slot);
      expect(ledger.names.slotOf('client', 'another', false, 0)).toBe(record.slot);
      expect(shown.suspects.factsAt(0)).toMatchObject({ slot: -1, own: false, key: 0 });
      const later = table(ledger, NOW_MS + 70_000, 'FIN_WAIT_1').finish(0);
      expect(later.ownStates.every((count) => count === 0)).toBe(true);
    });

    it('not where we have the tuple again', () => {
      const ledger = orphaned();
      const [key] = keysOf(table(ledger, NOW_MS, 'FIN_WAIT_1').finish(0));
      const again = openRecord(ledger, 'client', 'next', tupleOf(LOCAL, PEER));
      const live = table(ledger, NOW_MS + 1, 'FIN_WAIT_1', { cookie: cookie && 12, inode: 9 });
      expect(keysOf(live.finish(0))).toEqual([ledger.serialAtTuple(again.tupleSlot)]);
      destroy(ledger, again, NOW_MS + 2);
      const next = table(ledger, NOW_MS + 3, 'FIN_WAIT_1', { cookie: cookie && 12 }).finish(0);
      expect(cells(ledger, next.ownStates)).toEqual(['next FIN_WAIT_1 1']);
      expect(keysOf(next)).not.toContain(key);
    });
  });

  it('counts the orphans that are too many to be remembered, and has them from what was closed', () => {
    const ledger = new Ledger(20);
    const running = new Join(ledger, NOW_MS);
    for (let port = 0; port < ORPHANS_LIMIT + 3; port++) {
      const [local, peer] = [`10.0.0.1:${port + 1}`, '10.0.0.2:5432'] as const;
      destroy(ledger, openRecord(ledger, 'client', 'db', tupleOf(local, peer)), NOW_MS);
      offer(running, rowOf('FIN_WAIT_2', local, peer, { cookie: port + 1 }));
    }
    const column = running.finish(NOW_MS);
    expect(column.omitted).toBe(3);
    expect(cells(ledger, column.ownStates)).toEqual([`db FIN_WAIT_2 ${ORPHANS_LIMIT + 3}`]);
    expect(ledger.orphans.size).toBe(ORPHANS_LIMIT);
    expect(column.suspects.factsAt(0).key).toBeLessThan(0);
    expect(column.suspects.factsAt(ORPHANS_LIMIT)).toMatchObject({ own: true, key: 0 });
  });

  it('has no key for a row whose tuple a record got while the table was read', () => {
    const ledger = new Ledger(20);
    const running = new Join(ledger, NOW_MS);
    openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    offer(running, rowOf('CLOSE_WAIT', '10.0.0.1:5000', '10.0.0.2:5432', { inode: 9 }));
    expect(running.finish(NOW_MS).suspects.factsAt(0)).toMatchObject({ own: true, key: 0 });
  });

  it('reads one row object that is filled again and again', () => {
    const ledger = new Ledger(20);
    openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5000', '10.0.0.2:5432'));
    openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:5001', '10.0.0.2:5432'));
    const row = rowOf('ESTABLISHED', '10.0.0.1:5000', '10.0.0.2:5432');
    const running = new Join(ledger, NOW_MS);
    offer(running, row);
    row.tuple[TUPLE.localPort] = 5001;
    row.state = STATE.CLOSE_WAIT;
    offer(running, row);
    expect(cells(ledger, running.finish(NOW_MS).ownStates)).toEqual(['db ESTABLISHED 1', 'db CLOSE_WAIT 1']);
  });
});

/** The numbers of the names that have one, as text. */
function numbers(ledger: Ledger, values: Float64Array | Int32Array): string[] {
  return ledger.names
    .entries()
    .filter(({ slot }) => (values[slot] ?? 0) !== 0)
    .map(({ slot, name }) => `${name} ${values[slot]}`);
}

describe('the accept queue', () => {
  it('is that of the rows with our inode, several listeners of one name summed', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 1);
    listen(ledger, 'api', 80, 2);
    listen(ledger, 'admin', 81, 3);
    const column = join(
      ledger,
      rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0', { inode: 1, receiveQueue: 3, sendQueue: 511 }),
      rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0', { inode: 2, receiveQueue: 4, sendQueue: 128 }),
      rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0', { inode: 9, receiveQueue: 100, sendQueue: 4_096 }),
      rowOf('LISTEN', '0.0.0.0:81', '0.0.0.0:0', { inode: 3, receiveQueue: 1, sendQueue: 16 }),
    );
    expect(numbers(ledger, column.acceptQueues)).toEqual(['api 7', 'admin 1']);
    expect(numbers(ledger, column.acceptLimits)).toEqual(['api 639', 'admin 16']);
  });

  it('has no limit where procfs tells none, and is not there at all without a row', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 1);
    listen(ledger, 'worker', 81, 0);
    const column = join(
      ledger,
      rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0', { inode: 1, receiveQueue: 3, sendQueue: Number.NaN }),
      rowOf('LISTEN', '0.0.0.0:81', '0.0.0.0:0', { inode: 7, receiveQueue: 3, sendQueue: 511 }),
    );
    expect(ledger.names.entries().map(({ slot }) => column.acceptQueues[slot])).toEqual([3, Number.NaN]);
    expect(ledger.names.entries().map(({ slot }) => column.acceptLimits[slot])).toEqual([Number.NaN, Number.NaN]);
  });

  it('is known by its connections too: established, or closed by the peer already, and given to nobody', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 1);
    const column = join(
      ledger,
      rowOf('ESTABLISHED', '10.0.0.1:80', '10.0.0.2:5000'),
      rowOf('CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5001', { receiveQueue: 1 }),
      rowOf('ESTABLISHED', '10.0.0.1:80', '10.0.0.2:5002', { inode: 9 }),
      rowOf('SYN_RECEIVED', '10.0.0.1:80', '10.0.0.2:5003'),
      rowOf('ESTABLISHED', '10.0.0.1:81', '10.0.0.2:5004'),
    );
    expect(numbers(ledger, column.waiting)).toEqual(['api 2']);
    expect(cells(ledger, column.ownStates)).toEqual([]);
  });
});

describe('bytes in the kernel', () => {
  it('are summed by name over the rows that are ours, orphans among them, listeners not', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 1);
    openRecord(ledger, 'server', 'api', tupleOf('10.0.0.1:80', '10.0.0.2:5000'));
    openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:6000', '10.0.0.2:5432'));
    destroy(ledger, openRecord(ledger, 'client', 'db', tupleOf('10.0.0.1:6001', '10.0.0.2:5432')), NOW_MS);
    const column = join(
      ledger,
      rowOf('LISTEN', '0.0.0.0:80', '0.0.0.0:0', { inode: 1, receiveQueue: 3, sendQueue: 511 }),
      rowOf('ESTABLISHED', '10.0.0.1:80', '10.0.0.2:5000', { inode: 2, receiveQueue: 10, sendQueue: 20 }),
      rowOf('ESTABLISHED', '10.0.0.1:80', '10.0.0.2:5001', { inode: 9, receiveQueue: 1_000, sendQueue: 1_000 }),
      rowOf('CLOSE_WAIT', '10.0.0.1:6000', '10.0.0.2:5432', { inode: 3, receiveQueue: 5 }),
      rowOf('FIN_WAIT_1', '10.0.0.1:6001', '10.0.0.2:5432', { sendQueue: 7 }),
    );
    expect(numbers(ledger, column.receiveQueues)).toEqual(['api 10', 'db 5']);
    expect(numbers(ledger, column.sendQueues)).toEqual(['api 20', 'db 7']);
  });
});

describe('the rows that are kept', () => {
  it('are suspicious, and ours or at a place of ours; each says which', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 1);
    const own = openRecord(ledger, 'server', 'api', tupleOf('10.0.0.1:80', '10.0.0.2:5000'));
    openRecord(ledger, 'server', 'api', tupleOf('10.0.0.1:80', '10.0.0.2:5001'));
    const slot = ledger.names.slotOf('client', 'db', true, 0);
    ledger.upstreams.name(ledger.rememberUpstream(tupleOf('10.0.0.1:1', '10.0.0.2:5432')), slot);
    const { suspects } = join(
      ledger,
      rowOf('CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5000', { inode: 2, receiveQueue: 1 }),
      rowOf('ESTABLISHED', '10.0.0.1:80', '10.0.0.2:5001', { inode: 3 }),
      rowOf('CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5002', { inode: 4 }),
      rowOf('SYN_SENT', '10.0.0.1:6000', '10.0.0.2:5432', { inode: 5, sendQueue: 1 }),
      rowOf('TIME_WAIT', '10.0.0.1:80', '10.0.0.2:5003'),
      rowOf('CLOSE_WAIT', '10.0.0.1:6000', '10.0.0.2:22', { inode: 6 }),
    );
    const kept = Array.from({ length: suspects.length }, (_, index) => {
      const row = rowOf('CLOSED', '[::]:0', '[::]:0');
      suspects.read(index, row);
      const { own: isOwn, slot: name, tupleSlot } = suspects.factsAt(index);
      return [stateName(row.state), row.inode, ledger.names.at(name)?.name, isOwn, tupleSlot];
    });
    expect(kept).toEqual([
      ['CLOSE_WAIT', 2, 'api', true, own.tupleSlot],
      ['SYN_SENT', 5, 'db', false, -1],
      // Put off until it was known that the inode is none of ours.
      ['CLOSE_WAIT', 4, 'api', false, -1],
    ]);
    expect(suspects.find(own.tupleSlot)).toBe(0);
  });

  it('and what had to be left out is counted', () => {
    const ledger = new Ledger(20);
    listen(ledger, 'api', 80, 1);
    const row = rowOf('CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5000', { inode: 4 });
    const column = join(ledger, ...Array.from({ length: 20_003 }, () => row));
    expect([column.suspects.length, column.omitted]).toEqual([20_000, 3]);
  });
});

describe('local ports', () => {
  it('are counted for a name by the settings of the namespace, and unknown without them', () => {
    const ledger = new Ledger(20);
    const slot = ledger.names.slotOf('client', 'db', true, 0);
    ledger.upstreams.name(ledger.rememberUpstream(tupleOf('10.0.0.1:1', '10.0.0.2:5432')), slot);
    const rows = [
      rowOf('ESTABLISHED', '10.0.0.1:40000', '10.0.0.2:5432', { inode: 9 }),
      rowOf('LISTEN', '0.0.0.0:40001', '0.0.0.0:0', { inode: 8 }),
    ];
    const settings = { localPortRange: { from: 40_000, to: 40_009 }, reservedPorts: [], timeWaitReuse: 2 };
    const running = new Join(ledger, NOW_MS, settings);
    for (const row of rows) offer(running, row);
    const column = running.finish(NOW_MS);
    expect([column.portsUsed[slot], column.portsLimit]).toEqual([1, 9]);
    const unknown = join(ledger, ...rows);
    expect([unknown.portsUsed[slot], unknown.portsLimit]).toEqual([Number.NaN, Number.NaN]);
  });
});
