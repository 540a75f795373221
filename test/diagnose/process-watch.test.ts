import { expect, test } from 'vitest';
import { OwnCost } from '../../src/diagnose/own-cost.ts';
import { type ProcessReading, ProcessWatch } from '../../src/diagnose/process-watch.ts';

const reading = (
  ownMs: number,
  threads: readonly [number, number][],
  openFds = 10,
  fdLimit = 1_024,
): ProcessReading => ({
  cpu: { ownMs, childrenMs: 0, threads: new Map(threads) },
  openFds,
  fdLimit,
});
const GONE: ProcessReading = { cpu: undefined, openFds: undefined, fdLimit: undefined };

function watched(looks: readonly ReadonlyMap<number, ProcessReading>[]): ReturnType<ProcessWatch['look']>[] {
  let now: ReadonlyMap<number, ProcessReading> = new Map();
  const watch = new ProcessWatch((pid) => now.get(pid) ?? GONE);
  return looks.map((look, index) => {
    now = look;
    return watch.look([1, 2], index * 1_000);
  });
}

test('between two looks: all processes together in cores, the busiest thread as a share of one', () => {
  const [first, second] = watched([
    new Map([
      [1, reading(100, [[1, 90]])],
      [2, reading(0, [[2, 0]])],
    ]),
    new Map([
      [
        1,
        reading(900, [
          [1, 690],
          [3, 200],
        ]),
      ],
      [2, reading(500, [[2, 500]])],
    ]),
  ]);
  expect(first).toEqual({ processes: 2, openFds: 10, fdLimit: 1_024 });
  expect(second).toEqual({ processes: 2, cpuCores: 1.3, busiestThread: 0.6, openFds: 10, fdLimit: 1_024 });
});

test('one that has come or gone since counts in neither', () => {
  const [, second, third] = watched([
    new Map([[1, reading(100, [])]]),
    new Map([[2, reading(5_000, [[2, 5_000]])]]),
    new Map(),
  ]);
  expect(second).toMatchObject({ processes: 1, cpuCores: 0, busiestThread: 0 });
  expect(third).toEqual({ processes: 0, cpuCores: 0, busiestThread: 0 });
});

test('children that came and went between two looks count with the parent that waited for them, and no part twice', () => {
  const parent = (ownMs: number, childrenMs: number): ProcessReading => ({
    cpu: { ownMs, childrenMs, threads: new Map() },
    openFds: undefined,
    fdLimit: undefined,
  });
  const [, second, third, fourth] = watched([
    new Map([
      [1, parent(10, 50)],
      [2, parent(100, 20)],
    ]),
    new Map([
      [1, parent(20, 350)],
      [2, parent(300, 20)],
    ]),
    // 2 has ended after another 80 ms, and 1 has waited for it.
    new Map([[1, parent(20, 350 + 320 + 80)]]),
    new Map([[1, parent(20, 750)]]),
  ]);
  expect(second).toMatchObject({ cpuCores: 0.51 });
  expect(third).toMatchObject({ cpuCores: 0.08 });
  expect(fourth).toMatchObject({ cpuCores: 0 });
});

test('the thread that wanted a processor most tells how long it had none', () => {
  const waiting = (threads: readonly [number, number][], waits: readonly [number, number][]): ProcessReading => ({
    cpu: { ownMs: 0, childrenMs: 0, threads: new Map(threads), waits: new Map(waits) },
    openFds: undefined,
    fdLimit: undefined,
  });
  const [first, second, third] = watched([
    new Map([
      [
        1,
        waiting(
          [
            [1, 0],
            [3, 0],
          ],
          [
            [1, 500],
            [3, 0],
          ],
        ),
      ],
    ]),
    new Map([
      [
        1,
        waiting(
          [
            [1, 200],
            [3, 300],
          ],
          [
            [1, 1_200],
            [3, 100],
          ],
        ),
      ],
    ]),
    new Map([
      [
        1,
        waiting(
          [
            [1, 200],
            [3, 300],
          ],
          [],
        ),
      ],
    ]),
  ]);
  expect(first).toEqual({ processes: 1 });
  expect(second).toMatchObject({ busiestThread: 0.3, waitedForProcessor: 0.7 });
  expect(third).not.toHaveProperty('waitedForProcessor');
});

test('the descriptors shown are of the process that is nearest to its limit', () => {
  const [look] = watched([
    new Map([
      [1, reading(0, [], 500, 1_024)],
      [2, reading(0, [], 250, 256)],
    ]),
  ]);
  expect(look).toMatchObject({ openFds: 250, fdLimit: 256 });
  const [without] = watched([new Map([[1, reading(0, [], 5, Number.POSITIVE_INFINITY)]])]);
  expect(without).toEqual({ processes: 1 });
});

test('looking costs what this process and its helper use, not what the load does', () => {
  const used = new Map([
    [1, 1_000],
    [2, 50],
    [3, 0],
  ]);
  const cpuOf = (pid: number): ReturnType<ConstructorParameters<typeof OwnCost>[1] & object> => {
    const ownMs = used.get(pid);
    return ownMs === undefined ? undefined : { ownMs, childrenMs: 7 };
  };
  const cost = new OwnCost(1, cpuOf, (_, load) => (load === 3 ? [1, 2] : [1, 2, 3]));
  expect(cost.spentMs(3)).toBe(0);
  used.set(1, 1_100).set(2, 80).set(3, 9_000);
  expect(cost.spentMs(3)).toBe(130 - 7);
});
