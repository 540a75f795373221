import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RowAges, type Sighting, type Traffic } from '../../src/sockets/row-ages.ts';
import { STATE, type State } from '../../src/tcp/state.ts';

const QUIET: Traffic = { received: 10, sent: 20, queued: 1 };

/** Tells one table, and returns what came of each row. */
function tell(
  ages: RowAges<string>,
  atMs: number,
  rows: readonly (readonly [key: number, state: State, traffic?: Traffic, provedMs?: number])[],
): Sighting<string>[] {
  ages.begin();
  const sightings = rows.map(([key, state, traffic = QUIET, provedMs = atMs]) =>
    ages.see(key, state, atMs, traffic, provedMs),
  );
  ages.end();
  return sightings.map((sighting) => ({ ...sighting }));
}

describe('ages', () => {
  test('count from the first table that shows the state', () => {
    const ages = new RowAges<string>();
    tell(ages, 100, [[1, STATE.CLOSE_WAIT]]);
    const [sighting] = tell(ages, 900, [[1, STATE.CLOSE_WAIT]]);
    expect(sighting).toMatchObject({ sinceMs: 100, movedAtMs: 100, tables: 2 });
  });

  test('begin anew in another state, and for another socket', () => {
    const ages = new RowAges<string>();
    tell(ages, 100, [[1, STATE.ESTABLISHED]]);
    expect(tell(ages, 200, [[1, STATE.CLOSE_WAIT]])[0]).toMatchObject({ sinceMs: 200, tables: 1 });
    expect(tell(ages, 300, [[2, STATE.CLOSE_WAIT]])[0]).toMatchObject({ sinceMs: 300, tables: 1 });
  });

  test('end with the first table that does not show the socket', () => {
    const ages = new RowAges<string>();
    tell(ages, 100, [[1, STATE.CLOSE_WAIT]]);
    tell(ages, 200, []);
    expect(tell(ages, 300, [[1, STATE.CLOSE_WAIT]])[0]).toMatchObject({ sinceMs: 300, tables: 1 });
  });

  test('survive a table that is not told', () => {
    const ages = new RowAges<string>();
    tell(ages, 100, [[1, STATE.CLOSE_WAIT]]);
    // At 200 the sample failed.
    expect(tell(ages, 300, [[1, STATE.CLOSE_WAIT]])[0]).toMatchObject({ sinceMs: 100, tables: 2 });
  });

  test('begin earlier where Node has proved the state', () => {
    expect(tell(new RowAges<string>(), 100, [[1, STATE.CLOSE_WAIT, QUIET, 40]])[0]).toMatchObject({
      sinceMs: 40,
      movedAtMs: 100,
    });
  });

  test.each([
    ['received', { ...QUIET, received: 11 }],
    ['sent', { ...QUIET, sent: 21 }],
    ['taken out of a queue', { ...QUIET, queued: 0 }],
  ])('do not hide that bytes were %s', (_, traffic) => {
    const ages = new RowAges<string>();
    tell(ages, 100, [[1, STATE.FIN_WAIT_2]]);
    expect(tell(ages, 200, [[1, STATE.FIN_WAIT_2, traffic]])[0]).toMatchObject({ sinceMs: 100, movedAtMs: 200 });
    expect(tell(ages, 300, [[1, STATE.FIN_WAIT_2, traffic]])[0]).toMatchObject({ sinceMs: 100, movedAtMs: 200 });
  });

  test('a row that a table shows twice counts once', () => {
    const [, second] = tell(new RowAges<string>(), 100, [
      [1, STATE.CLOSE_WAIT],
      [1, STATE.CLOSE_WAIT],
    ]);
    expect(second?.tables).toBe(1);
  });

  test('are never more than the truth, whatever the tables show', () => {
    const tables = fc.array(fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(1, 5, 8))), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(tables, (all) => {
        const ages = new RowAges<string>();
        const since = new Map<number, { state: number; atMs: number }>();
        all.forEach((rows, index) => {
          const atMs = index * 100;
          const byKey = new Map(rows as [number, State][]);
          for (const key of since.keys()) if (!byKey.has(key)) since.delete(key);
          for (const [key, state] of byKey) {
            if (since.get(key)?.state !== state) since.set(key, { state, atMs });
          }
          const told = tell(ages, atMs, [...byKey]);
          [...byKey.keys()].forEach((key, at) => {
            expect(told[at]?.sinceMs).toBe(since.get(key)?.atMs);
          });
        });
      }),
    );
  });
});
