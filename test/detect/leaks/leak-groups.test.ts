import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LeakEntry, LeakGroups } from '../../../src/detect/leaks/leak-groups.ts';

const ENTRY: LeakEntry = {
  cause: 'not_ended',
  state: 'close_wait',
  side: 'server',
  name: 'api',
  kind: 'upgraded',
  request: 'GET /stream',
  site: undefined,
  pairedWith: undefined,
  ageMs: 61_000,
  receiveQueue: 0,
  sendQueue: 0,
  unreadInNode: 0,
  unsentInNode: 0,
  isPaused: false,
};

function groupsOf(entries: readonly Partial<LeakEntry>[]): ReturnType<LeakGroups<LeakEntry>['finish']> {
  const groups = new LeakGroups<LeakEntry>();
  for (const entry of entries) groups.add({ ...ENTRY, ...entry });
  return groups.finish();
}

describe('leaked sockets', () => {
  test('with one culprit and one cause are one group, its sums, shares and oldest', () => {
    const [group, ...others] = groupsOf([
      { ageMs: 5, receiveQueue: 1, site: 'a.ts:1', isPaused: true },
      { ageMs: 9, sendQueue: 2, site: 'b.ts:2', pairedWith: 'billing' },
      { ageMs: 7, unreadInNode: 3, unsentInNode: 4, site: 'b.ts:2' },
    ]);
    expect(others).toEqual([]);
    expect(group?.facts).toMatchObject({
      sockets: 3,
      oldestAgeMs: 9,
      receiveQueue: 1,
      sendQueue: 2,
      unreadInNode: 3,
      unsentInNode: 4,
      paused: 1,
      requests: [{ value: 'GET /stream', sockets: 3 }],
      sites: [
        { value: 'b.ts:2', sockets: 2 },
        { value: 'a.ts:1', sockets: 1 },
      ],
      pairedWith: [{ value: 'billing', sockets: 1 }],
    });
    expect(group?.samples.map(({ ageMs }) => ageMs)).toEqual([9, 7, 5]);
  });

  test.each([
    ['state', { state: 'fin_wait_2' }],
    ['cause', { cause: 'unread_in_node' }],
    ['side', { side: 'client' }],
    ['name', { name: 'other' }],
    ['kind', { kind: 'http' }],
    ['request', { request: 'GET /events' }],
  ] as const)('that differ in %s are two groups, the larger first', (_, other) => {
    const groups = groupsOf([other, {}, {}]);
    expect(groups.map(({ facts }) => facts.sockets)).toEqual([2, 1]);
    expect(new Set(groups.map(({ id }) => id)).size).toBe(2);
  });

  test('of more than five requests of one culprit are one group, which names the three most frequent', () => {
    const entries = Array.from({ length: 6 }, (_, request) =>
      Array.from({ length: 6 - request }, () => ({ request: `GET /${request}` })),
    ).flat();
    const [group, ...others] = groupsOf(entries);
    expect(others).toEqual([]);
    expect(group?.id).toMatch(/upgraded\/\*$/);
    expect(group?.facts.sockets).toBe(entries.length);
    expect(group?.facts.requests.map(({ value }) => value)).toEqual(['GET /0', 'GET /1', 'GET /2']);
    expect(groupsOf(entries.slice(0, -1))).toHaveLength(5);
  });

  test('have the same ids in whatever order and number they are met', () => {
    const requests = Array.from({ length: 12 }, (_, index) => ({ request: `GET /${index % 7}` }));
    const ids = groupsOf(requests).map(({ id }) => id);
    expect(groupsOf([...requests].reverse()).map(({ id }) => id)).toEqual(ids);
    expect(groupsOf([...requests, ...requests.slice(5)]).map(({ id }) => id)).toEqual(ids);
  });

  test('have the same id whatever else leaks', () => {
    const alone = groupsOf([{}])[0]?.id;
    const among = groupsOf([{}, {}, { name: 'x' }, { request: 'GET /y' }]);
    expect(among[0]?.id).toBe(alone);
  });

  test('are all counted, in a bounded number of groups with at most five samples each', () => {
    const entry = fc.record(
      {
        name: fc.constantFrom('a', 'b'),
        kind: fc.constantFrom('http', 'net'),
        request: fc.option(fc.string({ maxLength: 3 }), { nil: undefined }),
        ageMs: fc.nat(1_000),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(entry as fc.Arbitrary<Partial<LeakEntry>>, { maxLength: 600 }), (entries) => {
        const groups = groupsOf(entries);
        expect(groups.reduce((sum, { facts }) => sum + facts.sockets, 0)).toBe(entries.length);
        expect(groups.length).toBeLessThanOrEqual(4 * 5);
        for (const { samples, facts } of groups) {
          expect(samples.length).toBe(Math.min(5, facts.sockets));
          expect(samples[0]?.ageMs).toBe(facts.oldestAgeMs);
        }
      }),
      { numRuns: 50 },
    );
  });
});
