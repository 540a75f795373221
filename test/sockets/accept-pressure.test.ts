import { describe, expect, test } from 'vitest';
import { AcceptPressure } from '../../src/sockets/accept-pressure.ts';
import type { KernelColumn } from '../../src/sockets/join.ts';
import type { NameEntry } from '../../src/sockets/names.ts';

const SERVERS: readonly NameEntry[] = [{ slot: 2, side: 'server', name: 'api', chosen: true, usedAtMs: 0 }];

function column(endedAt: number, connections: number, limit: number): KernelColumn {
  const acceptQueues = new Float64Array(4).fill(Number.NaN);
  const acceptLimits = new Float64Array(4).fill(Number.NaN);
  acceptQueues[2] = connections;
  acceptLimits[2] = limit;
  return { endedAt, acceptQueues, acceptLimits } as KernelColumn;
}

describe('an accept queue', () => {
  test.each([
    ['is full with one more than its backlog', 5, 4, true],
    ['has room for one more than its backlog', 4, 4, false],
    ['is not known to be full where the source has no limit', 600, Number.NaN, false],
    ['that is not in the table is not full', Number.NaN, Number.NaN, false],
  ])('%s', (_, connections, limit, full) => {
    const pressure = new AcceptPressure();
    pressure.update(column(100, connections, limit), SERVERS, 7, 0);
    expect(pressure.saturation(2)).toEqual(
      full ? { atMs: 100, connections, limit: limit + 1, loopBlockedMs: 7 } : undefined,
    );
  });

  test('that was full is remembered when it is empty again, until its name goes', () => {
    const pressure = new AcceptPressure();
    pressure.update(column(100, 5, 4), SERVERS, 7, 0);
    pressure.update(column(200, 0, 4), SERVERS, 0, 0);
    expect(pressure.saturation(2)?.atMs).toBe(100);
    pressure.forget(2);
    expect(pressure.saturation(2)).toBeUndefined();
  });
});

describe('overflows', () => {
  test('are those between two tables, and nothing before the first', () => {
    const pressure = new AcceptPressure();
    pressure.update(column(100, 0, 4), SERVERS, 0, 5_000);
    expect(pressure.overflows).toBeUndefined();
    pressure.update(column(200, 0, 4), SERVERS, 0, undefined);
    pressure.update(column(300, 0, 4), SERVERS, 0, 5_012);
    expect(pressure.overflows).toEqual({ atMs: 300, count: 12, withinMs: 200 });
  });
});
