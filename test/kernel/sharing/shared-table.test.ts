import { readdirSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ROW_BYTES } from '../../../src/kernel/sharing/row-codec.ts';
import type { SharedEnd, SharedResult } from '../../../src/kernel/sharing/shared-result.ts';
import {
  joinSharedTable,
  type SharedRole,
  type SharedTable,
  type SharedTableOptions,
  sharedTableName,
} from '../../../src/kernel/sharing/shared-table.ts';
import type { TableSink } from '../../../src/kernel/sharing/table-server.ts';
import { endFrame, helloFrame, startFrame, welcomeFrame } from '../../../src/kernel/sharing/table-stream.ts';
import type { KernelRow } from '../../../src/sockets/row.ts';
import { copyOf, rowOf } from '../../support/rows.ts';
import { until } from '../../support/wait.ts';

const RESULT: SharedResult = { ok: true, source: 'ss', rows: 2, durationMs: 1.5, nextIntervalMs: 15_000 };
const LOST = { ok: false, reason: 'leader_lost' };
const onLinux = process.platform === 'linux';
/** Several in one process share as well as one in each of several. */
const PATH = `\0${sharedTableName(process.pid)}`;
const ROWS_OF_20_MIB = 300_000;
const ROWS_PER_FRAME = 455;

const leaving: (() => void)[] = [];
afterEach(() => {
  for (const leave of leaving.splice(0)) leave();
});

describe.runIf(onLinux)('the processes of a cluster', () => {
  it('have one leader, and another when that one leaves', async () => {
    const members = [new Member(), new Member(), new Member()];
    await until(
      () => members.every(({ table }) => table.role !== 'alone'),
      () => `all have a role: ${members.map(({ table }) => table.role)}`,
    );
    const leader = members.find(({ table }) => table.role === 'leader') as Member;
    const followers = members.filter((member) => member !== leader);
    expect(followers.map(({ table }) => table.role)).toEqual(['follower', 'follower']);
    await round(leader, followers);

    leader.table.close();
    expect(leader.table.role).toBe('alone');
    await until(
      () => followers.every(({ table }) => table.role !== 'alone') && followers.some((m) => m.table.role === 'leader'),
      () => `the others have found a leader: ${followers.map(({ table }) => table.role)}`,
    );
    expect(followers.map(({ table }) => table.role).sort()).toEqual(['follower', 'leader']);
    const [first, second] = followers as [Member, Member];
    if (first.table.role === 'leader') await round(first, [second]);
    else await round(second, [first]);
  });

  it('are told all rows, when the table began and how it ended', async () => {
    const { leader, follower } = await pair();
    const startedAt = performance.now();
    broadcast(leader, [rowOf(1), rowOf(2)], RESULT, startedAt);
    await follower.hears(1);
    expect(follower.tables).toEqual([{ startedAt: expect.any(Number), rows: [rowOf(1), rowOf(2)], end: RESULT }]);
    expect(Math.abs((follower.tables[0]?.startedAt ?? 0) - startedAt)).toBeLessThan(0.01);
    expect(follower.table.lastHeardAt).toBeGreaterThanOrEqual(startedAt);
    expect(leader.table.lastHeardAt).toBeUndefined();

    const failed: SharedResult = { ok: false, reason: 'timeout', detail: 'slow', durationMs: 1, nextIntervalMs: 2 };
    broadcast(leader, [rowOf(3)], failed);
    await follower.hears(2);
    expect(follower.tables[1]).toMatchObject({ rows: [rowOf(3)], end: failed });
  });

  it('copy nothing when nobody listens', async () => {
    const leader = new Member();
    await leader.becomes('leader');
    expect(leader.table.beginSample(performance.now())).toBeUndefined();
    const follower = new Member();
    await follower.becomes('follower');
    expect(follower.table.beginSample(performance.now())).toBeUndefined();
  });

  it('are told no half of a table when they come in its middle', async () => {
    const { leader, follower } = await pair();
    const sink = begin(leader);
    sink.row(rowOf(1));
    const late = new Member();
    await late.becomes('follower');
    sink.row(rowOf(2));
    sink.end(RESULT);
    await follower.hears(1);
    broadcast(leader, [rowOf(3)]);
    await late.hears(1);
    expect(late.tables[0]?.rows).toEqual([rowOf(3)]);
  });

  it('hear that a table is lost when its reader leaves', async () => {
    const { leader, follower } = await pair();
    const sink = begin(leader);
    sink.row(rowOf(1));
    await until(
      () => follower.open,
      () => 'the table has begun',
    );
    leader.table.close();
    sink.row(rowOf(2));
    sink.end(RESULT);
    await follower.hears(1);
    expect(follower.tables[0]?.end).toMatchObject(LOST);
    await follower.becomes('leader');
  });

  it('hear another start, and no end before it, when the table begins anew', async () => {
    const { leader, follower } = await pair();
    const first = begin(leader);
    for (let index = 0; index < ROWS_PER_FRAME; index++) first.row(rowOf(1));
    await until(
      () => follower.tables[0]?.rows.length === ROWS_PER_FRAME,
      () => 'the first has begun',
    );
    const second = begin(leader);
    first.row(rowOf(1));
    first.end(RESULT);
    second.row(rowOf(2));
    second.end(RESULT);
    second.end(RESULT);
    await follower.hears(2);
    expect(follower.tables).toEqual([
      { startedAt: expect.any(Number), rows: Array.from({ length: ROWS_PER_FRAME }, () => rowOf(1)) },
      { startedAt: expect.any(Number), rows: [rowOf(2)], end: RESULT },
    ]);
    expect(follower.roles).toEqual(['follower']);
  });

  it('are not blamed for what an attempt before this one did to them', async () => {
    const { leader, follower } = await pair();
    follower.throwsIn = 'onStart';
    begin(leader);
    broadcast(leader, [rowOf(2)]);
    await follower.hears(2);
    expect(follower.tables.map(({ end }) => end)).toEqual([undefined, RESULT]);
  });

  it('are not dropped for want of time between one start of a table and the next', async () => {
    const { leader, follower } = await pair();
    const slow = await joinedStranger(leader);
    const sockets = socketsOpen();
    begin(leader);
    begin(leader);
    broadcast(leader, [rowOf(1)]);
    await follower.hears(3);
    expect(socketsOpen()).toBe(sockets);
    expect(slow.destroyed).toBe(false);
  });

  it('hear of their own loss when they leave in the middle', async () => {
    const { leader, follower } = await pair();
    begin(leader);
    await until(
      () => follower.open,
      () => 'the table has begun',
    );
    follower.table.close();
    expect(follower.tables[0]?.end).toMatchObject(LOST);
    expect(follower.table.role).toBe('alone');
  });

  it('are alone when there is no cluster', () => {
    const { table } = new Member({ primaryPid: undefined });
    expect(table.role).toBe('alone');
    expect(table.beginSample(0)).toBeUndefined();
    table.request();
    table.close();
    table.close();
    expect(socketsOpen()).toBe(0);
  });
});

describe.runIf(onLinux)('a request', () => {
  it('of several followers at once asks the leader once, and for each table anew', async () => {
    const leader = new Member();
    await leader.becomes('leader');
    const followers = [new Member(), new Member()];
    for (const follower of followers) await follower.becomes('follower');
    for (const { table } of followers) for (let times = 0; times < 3; times++) table.request();
    await until(
      () => leader.requests > 0,
      () => 'the leader is asked',
    );
    // One more, heard before the table begins: by the time of its welcome the leader has heard it.
    const stranger = await connected();
    stranger.write('JRAA');
    await new Promise((resolve) => stranger.once('data', resolve));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await round(leader, followers);
    expect(leader.requests).toBe(1);
    for (const { table } of followers) table.request();
    await until(
      () => leader.requests > 1,
      () => 'the leader is asked again',
    );
    await round(leader, followers);
    expect(leader.requests).toBe(2);
  });

  it('waits for the minimum interval as it is when the request comes', async () => {
    let minIntervalMs = 3_600_000;
    let looked = 0;
    const { leader, follower } = await pair({
      minIntervalMs: () => {
        looked++;
        return minIntervalMs;
      },
    });
    await round(leader, [follower]);
    follower.table.request();
    await until(
      () => looked === 1,
      () => 'the leader has heard it',
    );
    expect(leader.requests).toBe(0);
    minIntervalMs = 0;
    await round(leader, [follower]);
    follower.table.request();
    await until(
      () => leader.requests === 1,
      () => 'the leader is asked',
    );
  });

  it('waits for a second where the minimum interval cannot be told', async () => {
    const { leader, follower } = await pair({
      minIntervalMs: () => {
        throw new Error('no idea');
      },
    });
    await round(leader, [follower]);
    const begunAt = performance.now();
    follower.table.request();
    await until(
      () => leader.requests === 1,
      () => 'the leader is asked',
    );
    expect(performance.now() - begunAt).toBeGreaterThan(900);
  });

  it('waits for the minimum interval, and is forgotten when a table begins meanwhile', async () => {
    let now = 0;
    const leader = new Member({ now: () => now, minIntervalMs: () => 200 });
    await leader.becomes('leader');
    const follower = new Member();
    await follower.becomes('follower');
    await round(leader, [follower]);
    follower.table.request();
    const askedAt = performance.now();
    await until(
      () => leader.requests === 1,
      () => 'the leader is asked',
    );
    expect(performance.now() - askedAt).toBeGreaterThan(150);

    now = 1000;
    await round(leader, [follower]);
    follower.table.request();
    await round(leader, [follower]);
    now = 2000;
    follower.table.request();
    await until(
      () => leader.requests >= 2,
      () => 'the leader is asked',
    );
    expect(leader.requests).toBe(2);
  });

  it('that comes while a table is read is for the next one', async () => {
    const { leader, follower } = await pair();
    const sink = begin(leader);
    follower.table.request();
    await until(
      () => follower.open,
      () => 'the table has begun',
    );
    // What follows the request on its connection is in the leader's hands now.
    const late = new Member();
    await late.becomes('follower');
    late.table.request();
    expect(leader.requests).toBe(0);
    sink.end(RESULT);
    await until(
      () => leader.requests === 1,
      () => 'the leader is asked after the end',
    );
  });

  it("that makes the leader throw is nobody else's", async () => {
    const { leader, follower } = await pair({
      onRequest: () => {
        throw new Error('not now');
      },
    });
    follower.table.request();
    await until(
      () => leader.requests === 1,
      () => 'the leader is asked',
    );
    await round(leader, [follower]);
  });
});

describe.runIf(onLinux)('a consumer that throws', () => {
  it.each(['onStart', 'onRow'] as const)('in %s ends that table, and the next one is told', async (place) => {
    const leader = new Member();
    await leader.becomes('leader');
    const follower = new Member();
    follower.throwsIn = place;
    await follower.becomes('follower');
    broadcast(leader, [rowOf(1), rowOf(2)]);
    await follower.hears(1);
    expect(follower.tables[0]?.end).toEqual({ ok: false, reason: 'consumer_threw', detail: `thrown in ${place}` });
    await round(leader, [follower]);
  });

  it('in onEnd does no harm', async () => {
    const leader = new Member();
    await leader.becomes('leader');
    const follower = new Member();
    follower.throwsIn = 'onEnd';
    await follower.becomes('follower');
    await round(leader, [follower]);
    await round(leader, [follower]);
  });

  it('in onRoleChange does no harm', async () => {
    const leader = new Member();
    await leader.becomes('leader');
    const follower = new Member({
      onRoleChange: () => {
        throw new Error('no part for me');
      },
    });
    await follower.becomes('follower');
    await round(leader, [follower]);
  });
});

describe.runIf(onLinux)('a follower that does not behave', () => {
  it.each([
    ['says a word that is none', 'x'],
    ['took frames that it was never sent', 'A'.repeat(50)],
    ['asks before it has joined', 'R'],
    ['speaks HTTP', 'GET / HTTP/1.1\r\n\r\n'],
  ])('%s: it is dropped, and the others stay', async (_title, words) => {
    const { leader, follower } = await pair();
    const stranger = await connected();
    stranger.resume();
    stranger.write(words);
    await until(
      () => stranger.destroyed,
      () => 'the stranger is dropped',
    );
    expect(leader.requests).toBe(0);
    await round(leader, [follower]);
  });

  it('does not read: it is dropped when 16 MiB wait for it, and the others hear everything', async () => {
    const { leader, follower } = await pair();
    const stranger = await joinedStranger(leader);
    const sockets = socketsOpen();
    const sink = begin(leader);
    let droppedAt = 0;
    for (let index = 0; index < ROWS_OF_20_MIB; index++) {
      sink.row(rowOf(index));
      if (index % 1000 !== 0) continue;
      // The one that reads takes its rows in the turns between.
      await turn();
      if (droppedAt === 0 && socketsOpen() < sockets) droppedAt = index;
    }
    sink.end({ ...RESULT, rows: ROWS_OF_20_MIB });
    expect(droppedAt * ROW_BYTES).toBeGreaterThan(16 * 1024 * 1024);
    expect(droppedAt * ROW_BYTES).toBeLessThan(18 * 1024 * 1024);
    await follower.hears(1);
    expect(follower.tables[0]?.end).toMatchObject({ ok: true });
    expect(follower.tables[0]?.rows).toHaveLength(ROWS_OF_20_MIB);
    stranger.resume();
    await until(
      () => stranger.destroyed,
      () => 'the one that did not read is dropped',
    );
    expect(stranger.bytesRead).toBeLessThan(256 * 1024);
  });

  it('does not read small tables either: it is dropped with the third', async () => {
    const { leader, follower } = await pair();
    const stranger = await joinedStranger(leader);
    for (let tables = 0; tables < 3; tables++) await round(leader, [follower]);
    stranger.resume();
    await until(
      () => stranger.destroyed,
      () => 'the one that did not read is dropped',
    );
    await round(leader, [follower]);
  });

  it('comes three hundred times: 256 are let in', async () => {
    const leader = new Member();
    await leader.becomes('leader');
    const strangers = await Promise.all(Array.from({ length: 300 }, () => connected()));
    for (const stranger of strangers) stranger.resume();
    const refused = (): number => strangers.filter(({ destroyed }) => destroyed).length;
    await until(
      () => refused() === 44,
      () => `44 are refused, not ${refused()}`,
    );
  });
});

describe.runIf(onLinux)('a leader that does not behave', () => {
  it('that cannot prove itself is told nothing and not listened to', async () => {
    const fake = await fakeLeader((fd) => [helloFrame({ pid: process.pid, fd: fd + 1 }), ...TABLE]);
    const follower = new Member();
    await until(
      () => fake.connections > 1,
      () => 'it is tried again',
    );
    expect(follower.roles).toEqual([]);
    expect(follower.tables).toEqual([]);
    expect(fake.heard).not.toContain('J');
    fake.leave();
    await follower.becomes('leader');
  });

  it('that proves nothing is not listened to', async () => {
    const fake = await fakeLeader(() => TABLE);
    const follower = new Member();
    await until(
      () => fake.connections > 1,
      () => 'it is tried again',
    );
    expect(follower.roles).toEqual([]);
    expect(follower.tables).toEqual([]);
  });

  it.each([
    ['tells rows without a table', [TABLE_END]],
    ['introduces itself twice', undefined],
  ])('%s: it is left', async (_title, frames) => {
    const fake = await fakeLeader((fd) => {
      const hello = helloFrame({ pid: process.pid, fd });
      return [hello, welcomeFrame(), ...(frames ?? [hello])];
    });
    const follower = new Member();
    await until(
      () => fake.connections > 1,
      () => 'it is left and tried again',
    );
    expect(follower.roles.slice(0, 2)).toEqual(['follower', 'alone']);
    expect(follower.tables).toEqual([]);
  });

  it('talks nonsense in the middle of a table: the table ends as malformed', async () => {
    await fakeLeader((fd) => [helloFrame({ pid: process.pid, fd }), startFrame(1), Buffer.alloc(8, 0xff)]);
    const follower = new Member();
    await follower.hears(1);
    expect(follower.tables[0]?.end).toMatchObject({ ok: false, reason: 'malformed' });
  });
});

describe.runIf(onLinux)('what is left behind', () => {
  it('by a hundred who came and went, with a table or without, is no descriptor', async () => {
    await pair().then(({ leader, follower }) => round(leader, [follower]));
    leave();
    await until(
      () => socketsOpen() === 0,
      () => 'the first are gone',
    );
    for (let times = 0; times < 25; times++) {
      const { leader, follower } = await pair();
      begin(leader);
      new Member();
      new Member().table.close();
      leave();
      leader.table.close();
      follower.table.close();
    }
    await until(
      () => socketsOpen() === 0,
      () => `no sockets are left, not ${socketsOpen()}`,
    );
  });
});

interface HeardTable {
  readonly startedAt: number;
  readonly rows: KernelRow[];
  end?: SharedEnd;
}

type Place = 'onStart' | 'onRow' | 'onEnd';

/** One process's part, and what it was told. */
class Member {
  readonly tables: HeardTable[] = [];
  readonly roles: SharedRole[] = [];
  requests = 0;
  /** Throws there, once. */
  throwsIn: Place | undefined;
  readonly table: SharedTable;

  constructor(options: Partial<SharedTableOptions> = {}) {
    this.table = joinSharedTable({
      primaryPid: process.pid,
      minIntervalMs: () => 0,
      consumer: {
        onStart: (startedAt) => {
          this.tables.push({ startedAt, rows: [] });
          this.#mayThrow('onStart');
        },
        onRow: (row) => {
          this.tables.at(-1)?.rows.push(copyOf(row));
          this.#mayThrow('onRow');
        },
        onEnd: (end) => {
          const table = this.tables.at(-1);
          if (table?.end !== undefined) throw new Error('a table ended twice');
          if (table !== undefined) table.end = end;
          this.#mayThrow('onEnd');
        },
      },
      ...options,
      onRequest: () => {
        this.requests++;
        options.onRequest?.();
      },
      onRoleChange: (role) => {
        this.roles.push(role);
        options.onRoleChange?.(role);
      },
    });
    leaving.push(() => this.table.close());
  }

  get open(): boolean {
    return this.tables.length > 0 && this.tables.at(-1)?.end === undefined;
  }

  async becomes(role: SharedRole): Promise<void> {
    await until(
      () => this.table.role === role,
      () => `it is ${role}, not ${this.table.role}`,
    );
  }

  /** Waits for the end of so many tables. */
  async hears(tables: number): Promise<void> {
    await until(
      () => this.tables.length >= tables && !this.open,
      () => `${tables} tables have ended, not ${this.tables.length}`,
    );
  }

  #mayThrow(place: Place): void {
    if (this.throwsIn !== place) return;
    this.throwsIn = undefined;
    throw new Error(`thrown in ${place}`);
  }
}

async function pair(
  leaderOptions: Partial<SharedTableOptions> = {},
): Promise<{ readonly leader: Member; readonly follower: Member }> {
  const leader = new Member(leaderOptions);
  await leader.becomes('leader');
  const follower = new Member();
  await follower.becomes('follower');
  return { leader, follower };
}

/** Begins a table that somebody listens to. */
function begin(leader: Member, startedAt: number = performance.now()): TableSink {
  const sink = leader.table.beginSample(startedAt);
  if (sink === undefined) throw new Error('nobody listens');
  return sink;
}

function broadcast(
  leader: Member,
  rows: readonly KernelRow[],
  result: SharedResult = RESULT,
  startedAt: number = performance.now(),
): void {
  const sink = begin(leader, startedAt);
  for (const row of rows) sink.row(row);
  sink.end(result);
}

/** One table that reaches everybody. */
async function round(leader: Member, followers: readonly Member[]): Promise<void> {
  const before = followers.map(({ tables }) => tables.length);
  broadcast(leader, [rowOf(1), rowOf(2)]);
  await Promise.all(followers.map((follower, index) => follower.hears((before[index] ?? 0) + 1)));
  for (const { tables } of followers) expect(tables.at(-1)).toMatchObject({ rows: [rowOf(1), rowOf(2)], end: RESULT });
}

const TABLE_END = endFrame(RESULT);
const TABLE = [startFrame(1), TABLE_END];

/** A leader of another make: greets each connection with what it is given. */
async function fakeLeader(
  greeting: (fd: number) => readonly Uint8Array[],
): Promise<{ readonly connections: number; readonly heard: string; readonly leave: () => void }> {
  const sockets: Socket[] = [];
  const state = { connections: 0, heard: '', leave: (): void => {} };
  const server = createServer((socket) => {
    state.connections++;
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (words) => {
      state.heard += words;
    });
    socket.write(Buffer.concat(greeting((server as unknown as { _handle: { fd: number } })._handle.fd)));
  });
  state.leave = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  leaving.push(state.leave);
  await new Promise<void>((resolve) => server.listen({ path: PATH }, resolve));
  return state;
}

async function connected(): Promise<Socket> {
  const socket = connect({ path: PATH });
  socket.on('error', () => {});
  leaving.push(() => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** One that has joined, and reads nothing. */
async function joinedStranger(leader: Member): Promise<Socket> {
  const stranger = await connected();
  const { requests } = leader;
  stranger.pause();
  stranger.write('JAR');
  await until(
    () => leader.requests > requests,
    () => 'the leader has heard it',
  );
  return stranger;
}

function leave(): void {
  for (const each of leaving.splice(0)) each();
}

/** Sockets of this process under the name: listeners, and both ends of connections have a descriptor of their own. */
function socketsOpen(): number {
  return readdirSync('/proc/self/fd').length - DESCRIPTORS_BEFORE;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const DESCRIPTORS_BEFORE = onLinux ? readdirSync('/proc/self/fd').length : 0;
