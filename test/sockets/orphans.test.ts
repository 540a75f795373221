import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ORPHANS_LIMIT, Orphans } from '../../src/sockets/orphans.ts';
import type { StateName } from '../../src/tcp/state.ts';
import { rowOf } from '../support/row.ts';
import { tupleOf } from '../support/tuple.ts';

const LOCAL = '10.0.0.1:80';
const PEER = '10.0.0.2:5000';
const unknown = Number.NaN;

function counting(): Orphans {
  let last = 0;
  return new Orphans(() => --last);
}

describe('without a cookie a row is the orphan', () => {
  const following: readonly (readonly [StateName, readonly StateName[]])[] = [
    ['FIN_WAIT_1', ['FIN_WAIT_1', 'FIN_WAIT_2', 'CLOSING', 'TIME_WAIT']],
    ['FIN_WAIT_2', ['FIN_WAIT_2', 'TIME_WAIT']],
    ['CLOSING', ['CLOSING', 'TIME_WAIT']],
    ['LAST_ACK', ['LAST_ACK']],
  ];
  it.each(following)('from %s on in %j', (from, to) => {
    for (const state of ['FIN_WAIT_1', 'FIN_WAIT_2', 'CLOSING', 'LAST_ACK', 'TIME_WAIT'] as const) {
      const orphans = counting();
      orphans.remember(rowOf(from, LOCAL, PEER), 3, orphans.begin(), 0);
      const found = orphans.find(rowOf(state, LOCAL, PEER), orphans.begin(), unknown, 1);
      expect(found >= 0).toBe(to.includes(state));
      if (found >= 0) expect(orphans.nameSlotAt(found)).toBe(3);
    }
  });

  it('in one TIME_WAIT, and not in the next that begins later', () => {
    const orphans = counting();
    orphans.remember(rowOf('FIN_WAIT_2', LOCAL, PEER), 3, orphans.begin(), 0);
    const row = rowOf('TIME_WAIT', LOCAL, PEER);
    expect(orphans.find(row, orphans.begin(), 9_000, 10_000)).toBeGreaterThanOrEqual(0);
    expect(orphans.find(row, orphans.begin(), 12_000, 20_000)).toBeGreaterThanOrEqual(0);
    expect(orphans.find(row, orphans.begin(), 22_100, 30_000)).toBe(-1);
    expect(orphans.find(rowOf('FIN_WAIT_2', LOCAL, PEER), orphans.begin(), unknown, 30_000)).toBe(-1);
  });
});

it('with a cookie a row is the orphan in any state, and with another one in none', () => {
  const orphans = counting();
  orphans.remember(rowOf('FIN_WAIT_2', LOCAL, PEER), 3, orphans.begin(), 0);
  const find = (state: StateName, cookie: number): number =>
    orphans.find(rowOf(state, LOCAL, PEER, { cookie }), orphans.begin(), unknown, 1);
  // Learned from the first row that has one.
  expect(find('FIN_WAIT_2', 7)).toBeGreaterThanOrEqual(0);
  expect(find('FIN_WAIT_2', 8)).toBe(-1);
  expect(find('LAST_ACK', 7)).toBeGreaterThanOrEqual(0);
});

it('whatever comes and goes, keys are given out once, and what the last table has shown is there', () => {
  const table = fc.record({ shown: fc.uniqueArray(fc.nat(150), { maxLength: 150 }), settles: fc.boolean() });
  fc.assert(
    fc.property(fc.array(table, { maxLength: 20 }), (tables) => {
      const given: number[] = [];
      const orphans = new Orphans(() => {
        given.push(-given.length - 1);
        return -given.length;
      });
      const known = new Map<number, number>();
      for (const { shown, settles } of tables) {
        const number = orphans.begin();
        for (const port of shown) {
          const row = rowOf('LAST_ACK', `10.0.0.1:${port + 1}`, PEER);
          const key = known.get(port);
          expect(orphans.find(row, number, unknown, 0) >= 0).toBe(key !== undefined);
          if (key === undefined) expect(orphans.remember(row, port, number, 0)).toBe(true);
          else expect(orphans.keyOf(row.tuple)).toBe(key);
          known.set(port, orphans.keyOf(row.tuple));
        }
        if (!settles) continue;
        orphans.settle(number);
        for (const port of known.keys()) if (!shown.includes(port)) known.delete(port);
        expect(orphans.size).toBe(known.size);
      }
      expect(new Set(known.values()).size).toBe(known.size);
    }),
    { numRuns: 100 },
  );
});

it(`remembers ${ORPHANS_LIMIT} at most, and has room again when some are gone`, () => {
  const orphans = counting();
  const table = orphans.begin();
  const rows = Array.from({ length: ORPHANS_LIMIT }, (_, port) => rowOf('LAST_ACK', `10.0.0.1:${port + 1}`, PEER));
  for (const row of rows) expect(orphans.remember(row, 3, table, 0)).toBe(true);
  const more = rowOf('LAST_ACK', '10.0.0.9:1', PEER);
  expect(orphans.remember(more, 3, table, 0)).toBe(false);
  expect(orphans.keyOf(more.tuple)).toBe(0);
  orphans.forget(tupleOf('10.0.0.1:77', PEER));
  expect(orphans.remember(more, 4, table, 0)).toBe(true);
  expect(orphans.size).toBe(ORPHANS_LIMIT);
  orphans.forgetName(3);
  expect(orphans.size).toBe(1);
  orphans.settle(orphans.begin());
  expect(orphans.size).toBe(0);
});
