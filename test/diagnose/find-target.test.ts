import { describe, expect, test } from 'vitest';
import { type FoundTarget, findTarget, type TargetQuery, type TargetWorld } from '../../src/diagnose/find-target.ts';

/** A server (10, with a worker 11) on 3000 and 9464, another one (20) on 5432, and a client (30). */
const WORLD: TargetWorld = {
  listeners: [
    { port: 3000, address: '127.0.0.1', inode: 1 },
    { port: 9464, address: '127.0.0.1', inode: 2 },
    { port: 5432, address: '::1', inode: 3 },
  ],
  findOwners: (inodes) => ({ pids: inodes.has(1) ? [10] : [20], denied: 0 }),
  tree: (pid) => (pid === 10 ? [10, 11] : [11, 20, 30, 40].includes(pid) ? [pid] : []),
  inodesOf: (pid) =>
    new Map([
      [10, new Set([1, 2])],
      [11, new Set([50])],
      [20, new Set([3])],
      [30, new Set([60])],
    ]).get(pid),
  titleOf: (pid) => `program ${pid}`,
  parentOf: (pid) => (pid === 11 ? 10 : 1),
  isElsewhere: (pid) => pid === 40,
};

const find = (query: Partial<TargetQuery>, world: Partial<TargetWorld> = {}): FoundTarget =>
  findTarget({ ports: [], pid: undefined, ...query }, { ...WORLD, ...world });

describe('by port', () => {
  test('the process that listens and what descends from it', () => {
    expect(find({ ports: [3000] })).toEqual({
      ok: true,
      target: { ports: [3000], pids: [10, 11], title: 'program 10' },
      notes: [],
    });
  });

  test("another user's process is watched by its port alone, and the reader is told", () => {
    const found = find({ ports: [3000] }, { findOwners: () => ({ pids: [], denied: 3 }) });
    expect(found).toMatchObject({
      ok: true,
      target: { ports: [3000], pids: [] },
      notes: [expect.stringMatching(/Not allowed .* as root/)],
    });
    const hidden = find({ ports: [3000] }, { findOwners: () => ({ pids: [], denied: 0 }) });
    expect(hidden).toMatchObject({ ok: true, notes: [expect.stringMatching(/another container/)] });
  });

  test('nobody there: the ports that are listened on are named', () => {
    expect(find({ ports: [3001] })).toMatchObject({
      ok: false,
      problem: expect.stringMatching(
        /nobody listens on port 3001 .* start the server first; listened on are 3000, 5432, 9464\./,
      ),
    });
    expect(find({ ports: [3001] }, { listeners: [] })).toMatchObject({
      problem: expect.stringMatching(/there are no listeners at all/),
    });
    const many = Array.from({ length: 20 }, (_, index) => ({
      port: 4000 + index,
      address: '127.0.0.1',
      inode: index,
    }));
    expect(find({ ports: [3001] }, { listeners: many })).toMatchObject({
      problem: expect.stringMatching(/4011 and 8 more/),
    });
  });
});

describe('by process', () => {
  test('all its ports, or those that are named', () => {
    expect(find({ pid: 10 })).toMatchObject({ ok: true, target: { ports: [3000, 9464], pids: [10, 11] } });
    expect(find({ pid: 10, ports: [3000] })).toMatchObject({ ok: true, target: { ports: [3000] } });
  });

  test('one that does not listen is watched for what it opens', () => {
    expect(find({ pid: 30 })).toMatchObject({
      ok: true,
      target: { ports: [], pids: [30] },
      notes: [expect.stringMatching(/does not listen: its outgoing connections are watched\.$/)],
    });
  });

  test('a worker whose primary listens: the reader is told whom to name', () => {
    const hint = /its parent listens on 3000, 9464: if this is a worker of a cluster, name that: --pid 10/;
    expect(find({ pid: 11 })).toMatchObject({ ok: true, notes: [expect.stringMatching(hint)] });
    expect(find({ pid: 11, ports: [3000] })).toMatchObject({ ok: false, problem: expect.stringMatching(hint) });
  });

  test.each<[string, Partial<TargetQuery>, RegExp]>([
    ['none of that number', { pid: 99 }, /no process 99 runs here/],
    ['in another network namespace', { pid: 40 }, /nsenter -t 40 -n npx finwait diagnose --pid 40/],
    [
      'a port of somebody else',
      { pid: 10, ports: [5432] },
      /process 10 does not listen on port 5432: listened on are 3000, 9464/,
    ],
  ])('%s: %j', (_, query, problem) => {
    expect(find(query)).toMatchObject({ ok: false, problem: expect.stringMatching(problem) });
  });

  test("another user's is refused with what to do, and watched by its port where that is named", () => {
    const denied = { inodesOf: () => undefined };
    expect(find({ pid: 10 }, denied)).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/as its user or as root, or name its port/),
    });
    expect(find({ pid: 10, ports: [3000] }, denied)).toMatchObject({
      ok: true,
      target: { ports: [3000], pids: [10, 11] },
      notes: [expect.stringMatching(/not proven/)],
    });
    expect(find({ pid: 10, ports: [1] }, denied)).toMatchObject({ ok: false });
  });
});
