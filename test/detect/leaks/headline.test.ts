import { describe, expect, test } from 'vitest';
import { headline } from '../../../src/detect/leaks/headline.ts';
import { LEAK_CAUSES, type LeakFacts } from '../../../src/detect/leaks/leak.ts';
import { SOCKET_KINDS } from '../../../src/sockets/socket-kind.ts';
import { leakFacts } from './facts.ts';

describe('a headline', () => {
  test.each<[Partial<LeakFacts>, string]>([
    [{}, '41 CLOSE_WAIT on `api`, oldest 37 min, all upgraded sockets from GET /stream'],
    [{ sockets: 1 }, '1 CLOSE_WAIT on `api`, for 37 min, an upgraded socket from GET /stream'],
    [
      {
        requests: [
          { value: 'GET /stream', sockets: 35 },
          { value: 'GET /x', sockets: 6 },
        ],
      },
      '41 CLOSE_WAIT on `api`, oldest 37 min, all upgraded sockets, most from GET /stream (35 of 41)',
    ],
    [
      { requests: [{ value: 'GET /stream', sockets: 20 }] },
      '41 CLOSE_WAIT on `api`, oldest 37 min, all upgraded sockets, 20 of 41 from GET /stream',
    ],
    [
      {
        side: 'client',
        name: 'billing',
        kind: 'undici',
        requests: [{ value: 'GET /v1/:id', sockets: 41 }],
        sites: [{ value: 'lib/proxy.ts:118', sockets: 16 }],
      },
      '41 CLOSE_WAIT to `billing`, oldest 37 min, all undici connections for GET /v1/:id, opened at lib/proxy.ts:118',
    ],
    [
      {
        side: 'client',
        name: 'redis',
        kind: 'client',
        requests: [],
        sites: [
          { value: 'a.ts:1', sockets: 9 },
          { value: 'b.ts:2', sockets: 1 },
        ],
      },
      '41 CLOSE_WAIT to `redis`, oldest 37 min, all client sockets, most opened at a.ts:1',
    ],
    [
      {
        side: 'client',
        kind: 'client',
        requests: [],
        sites: [
          { value: 'a.ts:1', sockets: 5 },
          { value: 'b.ts:2', sockets: 5 },
        ],
      },
      '41 CLOSE_WAIT to `api`, oldest 37 min, all client sockets, some opened at a.ts:1',
    ],
    [
      { kind: 'connect', requests: [], pairedWith: [{ value: 'billing', sockets: 41 }] },
      '41 CLOSE_WAIT on `api`, oldest 37 min, all CONNECT tunnels, piped into or from `billing`',
    ],
    [
      { kind: 'net', requests: [], pairedWith: [{ value: 'billing', sockets: 40 }] },
      '41 CLOSE_WAIT on `api`, oldest 37 min, all net sockets, some piped into or from `billing`',
    ],
    [
      { cause: 'untracked', side: 'unknown', name: '_untracked', kind: 'unknown', requests: [], sockets: 1_200 },
      '1,200 CLOSE_WAIT, oldest 37 min',
    ],
    [{ kind: 'unknown' }, '41 CLOSE_WAIT on `api`, oldest 37 min, all from GET /stream'],
    [{ kind: 'unknown', sockets: 1 }, '1 CLOSE_WAIT on `api`, for 37 min, from GET /stream'],
    [{ side: 'unknown', requests: [], kind: 'unknown' }, '41 CLOSE_WAIT under `api`, oldest 37 min'],
    [
      { cause: 'pooled_dead', side: 'client', name: 'billing', kind: 'agent', requests: [], sockets: 2 },
      '2 dead connections in the pool to `billing`, oldest 37 min, all http.Agent connections',
    ],
    [
      { cause: 'js_gone_fd_open', kind: 'closed', requests: [], sockets: 3 },
      '3 forgotten descriptors on `api`, oldest 37 min',
    ],
    [
      { cause: 'half_open', side: 'client', name: 'redis', kind: 'client', requests: [], oldestAgeMs: 125_000 },
      '41 ESTABLISHED to `redis`, oldest 2 min, all client sockets',
    ],
  ])('of %j', (facts, text) => expect(headline(leakFacts(facts))).toBe(text));

  test('exists for every cause, kind and number', () => {
    for (const cause of LEAK_CAUSES) {
      for (const kind of SOCKET_KINDS) {
        for (const sockets of [1, 2, 10_000]) {
          const text = headline(leakFacts({ cause, kind, sockets }));
          expect(text).toMatch(/^[\d,]+ \S/);
          expect(text).not.toMatch(/undefined|NaN| {2}|,,|\b1 [a-z]+ing sockets/);
          expect(text.includes('oldest')).toBe(sockets > 1);
        }
      }
    }
  });

  test('is one line of printable ASCII whatever a name or a request contains', () => {
    const hostile = '\x1b]0;owned\x07\r\n`\u202e\u{1f4a3}'.repeat(50);
    const text = headline(
      leakFacts({
        name: hostile,
        requests: [{ value: hostile, sockets: 41 }],
        sites: [{ value: hostile, sockets: 1 }],
        pairedWith: [{ value: hostile, sockets: 41 }],
      }),
    );
    expect(text).toMatch(/^[\x20-\x7e]{1,400}$/);
    // Backticks are ours only: two around each of two names.
    expect(headline(leakFacts({ name: 'a`b', requests: [] }))).toContain("on `a'b`");
  });
});
