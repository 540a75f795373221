import { afterEach, expect, test, vi } from 'vitest';
import { performance, setImmediate } from '../../src/globals.ts';
import { settleInSlices, walkInSlices } from '../../src/monitor/sliced-walk.ts';
import type { ObserveContext } from '../../src/observe/context.ts';
import { Ledger } from '../../src/sockets/ledger.ts';
import { SocketRecord } from '../../src/sockets/record.ts';
import { tupleOf } from '../support/tuple.ts';

vi.mock(import('../../src/globals.ts'), async (original) => {
  const real = await original();
  return {
    ...real,
    performance: { now: vi.fn(real.performance.now) },
    setImmediate: vi.fn(real.setImmediate) as unknown as typeof real.setImmediate,
  };
});

afterEach(() => {
  vi.clearAllMocks();
});

/** Records that note when they are looked at. */
function contextWith(count: number, seen: number[]): ObserveContext {
  const ledger = new Ledger(20);
  for (let index = 0; index < count; index++) {
    const socket = {
      connecting: true,
      get _handle(): null {
        seen.push(index);
        return null;
      },
    };
    ledger.add(new SocketRecord(socket, 0, 0));
  }
  // Of a socket that has no handle yet nothing else is asked.
  return { ledger, now: () => 0 } as ObserveContext;
}

function newestFirst(count: number): number[] {
  return Array.from({ length: count }, (_, index) => count - 1 - index);
}

test.each([
  ['the time', 5, 300, 5],
  ['the number of records', 0, 2_500, 3],
])('every record is looked at once, newest first, where %s ends the slices', async (_, stepMs, count, slices) => {
  const seen: number[] = [];
  const context = contextWith(count, seen);
  let now = 0;
  vi.mocked(performance.now).mockImplementation(() => {
    now += stepMs;
    return now;
  });
  const walkMs = await walkInSlices(context);
  expect(seen).toEqual(newestFirst(count));
  expect(setImmediate).toHaveBeenCalledTimes(slices - 1);
  // What the other work of the loop took between two slices is not the walk's.
  expect(walkMs).toBeLessThanOrEqual(2 * slices * stepMs);
});

test('a ledger without records takes no time', async () => {
  expect(await walkInSlices(contextWith(0, []))).toBe(0);
});

test('tuples are made ready in as many slices as it takes', async () => {
  const { ledger, ...rest } = contextWith(0, []);
  for (let port = 1; port <= 1_000; port++) ledger.tuples.insert(tupleOf('127.0.0.1:80', `127.0.0.1:${port}`));
  let now = 0;
  vi.mocked(performance.now).mockImplementation(() => {
    now += 5;
    return now;
  });
  await settleInSlices({ ledger, ...rest });
  expect(setImmediate).toHaveBeenCalledTimes(3);
  expect(ledger.settleTuples(0)).toBe(true);
  expect(ledger.tuples.find(tupleOf('127.0.0.1:80', '127.0.0.1:1000'))).toBe(999);
});
