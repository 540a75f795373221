import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { causeOf } from '../../../src/detect/leaks/close-wait-cause.ts';
import type { CloseWaitFacts } from '../../../src/detect/leaks/close-wait-facts.ts';
import { CLOSE_WAIT_CAUSES, type CloseWaitCause } from '../../../src/detect/leaks/leak.ts';
import { closeWaitFacts } from './facts.ts';

const ENDED: Partial<CloseWaitFacts> = { eofRead: true, endEmitted: true };

describe('what was measured on real sockets, on Node 20 to 26', () => {
  test.each<[string, Partial<CloseWaitFacts>, CloseWaitCause]>([
    ['allowHalfOpen, reads to the end, never ends', ENDED, 'not_ended'],
    ["an 'upgrade' listener without an end", ENDED, 'not_ended'],
    ["an 'upgrade' listener that ignores the socket", ENDED, 'not_ended'],
    ["a 'connect' listener that ignores the socket", ENDED, 'not_ended'],
    ['httpAllowHalfOpen, never responds', ENDED, 'not_ended'],
    [
      'TLS: the alert was read, and the FIN behind it was not',
      { ...ENDED, receiveQueue: 1, isReading: false },
      'not_ended',
    ],
    ['1 kB to a paused reader', { eofRead: true, unreadInNode: 1_000 }, 'unread_in_node'],
    ['an upgraded socket whose tail nobody reads', { eofRead: true, unreadInNode: 3 }, 'unread_in_node'],
    ['fetch, body of 150 kB unread', { eofRead: true, unreadInNode: 22_000 }, 'unread_in_node'],
    ['fetch, the same on Node 20', { isReading: false, unreadInNode: 84_507 }, 'unread_in_node'],
    ['a request whose client died, body unread: recv(2) took the FIN too', { isReading: false }, 'unread_in_node'],
    ['the same on Node 20', { isReading: false, receiveQueue: 34_517 }, 'unread_in_kernel'],
    ['100 kB to a paused reader', { isReading: false, receiveQueue: 34_465, unreadInNode: 65_536 }, 'unread_in_kernel'],
    ['pauseOnConnect', { isReading: false, receiveQueue: 1 }, 'unread_in_kernel'],
    ['a request piped into what is stuck', { isReading: false, receiveQueue: 6_465 }, 'unread_in_kernel'],
    [
      'http.get, body of 200 kB unread',
      { isReading: false, receiveQueue: 6_465, unreadInNode: 65_536 },
      'unread_in_kernel',
    ],
    [
      'end() after 8 MB that the peer does not read',
      { ...ENDED, writableEnded: true, unsentInNode: 8_000_000, sendQueue: 3_724_288 },
      'write_stalled',
    ],
    [
      'a response that a half-closed client does not read',
      { ...ENDED, writableEnded: true, unsentInNode: 8_000_128, sendQueue: 3_724_288 },
      'write_stalled',
    ],
    [
      'the loop blocked for 900 ms, five clients end meanwhile',
      { receiveQueue: 1, loopBlockedMs: 900 },
      'loop_blocked',
    ],
    [
      'the same, and Node has read the end since',
      { ...ENDED, writableEnded: true, isReading: undefined, isComparable: false, receiveQueue: 1, loopBlockedMs: 900 },
      'loop_blocked',
    ],
    ['a handle without a Socket', { isTracked: false, receiveQueue: 1 }, 'untracked'],
    ['a socket that has ended since the table', { ...ENDED, writableEnded: true, isComparable: false }, 'undetermined'],
    ['an end that Node is about to read', { receiveQueue: 1 }, 'undetermined'],
  ])('%s', (_what, facts, cause) => expect(causeOf(closeWaitFacts(facts))).toBe(cause));
});

describe('the boundaries', () => {
  test.each<[string, Partial<CloseWaitFacts>, CloseWaitCause]>([
    ['a turn of 99 ms explains nothing', { loopBlockedMs: 99 }, 'undetermined'],
    ['a turn of 100 ms does', { loopBlockedMs: 100 }, 'loop_blocked'],
    [
      'no turn explains what the program does not read',
      { loopBlockedMs: 5_000, isReading: false, receiveQueue: 1 },
      'unread_in_kernel',
    ],
    ['no turn explains an end that was read before', { ...ENDED, loopBlockedMs: 5_000 }, 'not_ended'],
    ['bytes in the kernel are no stall while nobody called end()', { ...ENDED, sendQueue: 9_000 }, 'not_ended'],
    ['bytes in Node are', { ...ENDED, unsentInNode: 1 }, 'write_stalled'],
    ['end() with nothing queued is a FIN about to be sent', { ...ENDED, writableEnded: true }, 'undetermined'],
    [
      'a stalled write is the cause even where bytes are unread',
      { eofRead: true, unreadInNode: 5, unsentInNode: 5 },
      'write_stalled',
    ],
    [
      'a handle that does not say whether it reads is none that does not',
      { isReading: undefined, receiveQueue: 1 },
      'undetermined',
    ],
  ])('%s', (_what, facts, cause) => expect(causeOf(closeWaitFacts(facts))).toBe(cause));
});

/** A case of the table: what must hold, and what must not. Unlike the rules, the rows are disjoint, so they have no order. */
interface Row {
  readonly cause: CloseWaitCause;
  readonly when: { readonly [condition in keyof typeof CONDITIONS]?: boolean };
}

const CONDITIONS = {
  tracked: (facts: CloseWaitFacts) => facts.isTracked,
  comparable: (facts: CloseWaitFacts) => facts.isComparable,
  blocked: (facts: CloseWaitFacts) => facts.loopBlockedMs >= 100,
  stopped: (facts: CloseWaitFacts) => facts.isReading === false,
  queued: (facts: CloseWaitFacts) => facts.receiveQueue > 0,
  eof: (facts: CloseWaitFacts) => facts.eofRead,
  end: (facts: CloseWaitFacts) => facts.endEmitted,
  ended: (facts: CloseWaitFacts) => facts.writableEnded,
  stalled: (facts: CloseWaitFacts) => facts.unsentInNode > 0 || (facts.writableEnded && facts.sendQueue > 0),
} as const;

const QUIET = { tracked: true, comparable: true, stalled: false } as const;

const TABLE: readonly Row[] = [
  { cause: 'untracked', when: { tracked: false } },
  { cause: 'loop_blocked', when: { tracked: true, blocked: true, stopped: false, eof: false } },
  { cause: 'loop_blocked', when: { tracked: true, blocked: true, stopped: false, eof: true, comparable: false } },
  { cause: 'undetermined', when: { tracked: true, comparable: false, blocked: false } },
  { cause: 'undetermined', when: { tracked: true, comparable: false, blocked: true, stopped: true } },
  { cause: 'write_stalled', when: { tracked: true, comparable: true, stalled: true, eof: true } },
  { cause: 'write_stalled', when: { tracked: true, comparable: true, stalled: true, eof: false, blocked: false } },
  {
    cause: 'write_stalled',
    when: { tracked: true, comparable: true, stalled: true, eof: false, blocked: true, stopped: true },
  },
  { cause: 'unread_in_kernel', when: { ...QUIET, eof: false, stopped: true, queued: true } },
  { cause: 'unread_in_node', when: { ...QUIET, eof: false, stopped: true, queued: false } },
  { cause: 'unread_in_node', when: { ...QUIET, eof: true, end: false } },
  { cause: 'not_ended', when: { ...QUIET, eof: true, end: true, ended: false } },
  { cause: 'undetermined', when: { ...QUIET, eof: true, end: true, ended: true } },
  { cause: 'undetermined', when: { ...QUIET, eof: false, stopped: false, blocked: false } },
];

test('every combination of facts has the cause of the one row that it belongs to', () => {
  const counts = new Map<Row, number>();
  for (const facts of combinations()) {
    const rows = TABLE.filter(({ when }) =>
      Object.entries(when).every(
        ([condition, expected]) => CONDITIONS[condition as keyof typeof CONDITIONS](facts) === expected,
      ),
    );
    expect(rows, JSON.stringify(facts)).toHaveLength(1);
    const row = rows[0] as Row;
    expect(causeOf(facts), JSON.stringify(facts)).toBe(row.cause);
    counts.set(row, (counts.get(row) ?? 0) + 1);
  }
  expect(counts.size).toBe(TABLE.length);
});

test('any facts have exactly one of the causes', () => {
  const bytes = fc.nat({ max: 10_000_000 });
  const arbitrary: fc.Arbitrary<CloseWaitFacts> = fc.record({
    isTracked: fc.boolean(),
    isComparable: fc.boolean(),
    loopBlockedMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
    receiveQueue: bytes,
    sendQueue: bytes,
    isReading: fc.constantFrom(true, false, undefined),
    eofRead: fc.boolean(),
    endEmitted: fc.boolean(),
    unreadInNode: bytes,
    writableEnded: fc.boolean(),
    writableFinished: fc.boolean(),
    unsentInNode: bytes,
  });
  const seen = new Set<CloseWaitCause>();
  fc.assert(
    fc.property(arbitrary, (facts) => {
      const cause = causeOf(facts);
      seen.add(cause);
      expect(CLOSE_WAIT_CAUSES).toContain(cause);
      // The same facts, the same cause.
      expect(causeOf({ ...facts })).toBe(cause);
      if (!facts.isTracked) expect(cause).toBe('untracked');
      if (cause === 'not_ended') expect(facts.writableEnded).toBe(false);
    }),
    { numRuns: 2_000 },
  );
  expect(seen.size).toBeGreaterThan(3);
});

/** All that Node can say: 'end' comes after the end was read, and 'finish' after end(). */
function* combinations(): Generator<CloseWaitFacts> {
  const yesNo = [false, true];
  for (const isTracked of yesNo)
    for (const isComparable of yesNo)
      for (const loopBlockedMs of [0, 99, 100])
        for (const receiveQueue of [0, 1, 500])
          for (const sendQueue of [0, 10])
            for (const isReading of [true, false, undefined])
              for (const [eofRead, endEmitted] of [
                [false, false],
                [true, false],
                [true, true],
              ] as const)
                for (const unreadInNode of [0, 5])
                  for (const [writableEnded, writableFinished] of [
                    [false, false],
                    [true, false],
                    [true, true],
                  ] as const)
                    for (const unsentInNode of [0, 7])
                      yield {
                        isTracked,
                        isComparable,
                        loopBlockedMs,
                        receiveQueue,
                        sendQueue,
                        isReading,
                        eofRead,
                        endEmitted,
                        unreadInNode,
                        writableEnded,
                        writableFinished,
                        unsentInNode,
                      };
}
