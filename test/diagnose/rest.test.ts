import { expect, test } from 'vitest';
import type { TableSample } from '../../src/detect/load-test/load-sample.ts';
import { Rest } from '../../src/diagnose/rest.ts';
import { thinned } from '../../src/diagnose/thinned.ts';
import { STATE_LABELS, type StateLabel } from '../../src/tcp/state.ts';

type Counts = { readonly [state in StateLabel]?: number };

function table(server: Counts, connections = 0): TableSample {
  const zero = Object.fromEntries(STATE_LABELS.map((state) => [state, 0]));
  return {
    server: { ...zero, ...server },
    callers: zero,
    outbound: zero,
    acceptQueue: { connections, listeners: 1, waitedMs: 0 },
  } as unknown as TableSample;
}

test('what has not moved for a second and a half is quiet, whatever TIME_WAIT does', () => {
  const rest = new Rest(table({ established: 2 }));
  rest.add(table({ established: 5, time_wait: 9 }), 0);
  expect(rest.isQuiet(100)).toBe(false);
  rest.add(table({ established: 2, time_wait: 90 }), 250);
  rest.add(table({ established: 2, time_wait: 12 }), 1_700);
  expect(rest.isQuiet(1_700)).toBe(false);
  rest.add(table({ established: 2, time_wait: 3 }), 1_800);
  expect(rest.isQuiet(1_800)).toBe(true);
  expect(rest.isClean).toBe(true);
});

test('a remainder is quiet and not clean', () => {
  const rest = new Rest(table({ established: 2 }));
  rest.add(table({ established: 2, close_wait: 1 }), 0);
  rest.add(table({ established: 2, close_wait: 1 }), 2_000);
  expect([rest.isQuiet(2_000), rest.isClean]).toEqual([true, false]);
});

test('an accept queue that moves is not quiet', () => {
  const rest = new Rest(undefined);
  rest.add(table({}, 3), 0);
  rest.add(table({}, 2), 2_000);
  expect(rest.isQuiet(2_000)).toBe(false);
});

test('without a table nothing is known to be quiet', () => {
  expect(new Rest(undefined).isQuiet(60_000)).toBe(false);
});

test('a long recording stays in bounds, with its first and its newest look', () => {
  let samples: number[] = [];
  for (let look = 0; look < 1_000; look++) {
    samples.push(look);
    samples = thinned(samples, 40);
    expect(samples.length).toBeLessThanOrEqual(40);
    expect([samples[0], samples.at(-1)]).toEqual([0, look]);
  }
  expect(samples).toEqual([...samples].sort((one, other) => one - other));
});
