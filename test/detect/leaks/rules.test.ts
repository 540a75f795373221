import { describe, expect, test } from 'vitest';
import { LEAK_CAUSES, type LeakFacts } from '../../../src/detect/leaks/leak.ts';
import { groupOf } from '../../../src/detect/leaks/leak-group.ts';
import { LEAK_RULES } from '../../../src/detect/leaks/rules.ts';
import { SOCKET_KINDS } from '../../../src/sockets/socket-kind.ts';
import { leakedSocket, leakFacts } from './facts.ts';

const every = LEAK_CAUSES.flatMap((cause) => SOCKET_KINDS.map((kind) => ({ cause, kind })));

describe('the words of every cause, for every kind of socket', () => {
  test.each(every)('$cause, $kind', ({ cause, kind }) => {
    for (const sockets of [1, 41]) {
      for (const bytes of [0, 1, 5_000_000]) {
        const facts = leakFacts({
          cause,
          kind,
          sockets,
          receiveQueue: bytes,
          sendQueue: bytes,
          unreadInNode: bytes,
          unsentInNode: bytes,
          pairedWith: bytes === 1 ? [{ value: 'billing', sockets }] : [],
        });
        const explanation = LEAK_RULES[cause].explain(facts);
        const fix = LEAK_RULES[cause].fix(facts);
        // Part of a sentence, and sentences; short enough to be read, and for the report's 4 kB.
        expect(explanation).toMatch(/^[a-z][\x20-\x7e]{20,200}[^.]$/);
        expect(fix.length).toBeGreaterThan(0);
        expect(fix.length).toBeLessThanOrEqual(3);
        for (const line of fix) expect(line).toMatch(/^[A-Z][\x20-\x7e]{25,260}[.]$/);
        expect([explanation, ...fix].join(' ')).not.toMatch(/undefined|NaN| {2}| -\d/);
        expect((`${[explanation, ...fix].join(' ')}`.match(/`/g) ?? []).length % 2).toBe(0);
      }
    }
  });
});

describe('the advice names the call for that kind', () => {
  test.each<[Partial<LeakFacts>, RegExp]>([
    [{ kind: 'upgraded' }, /`socket\.on\('end', \(\) => socket\.end\(\)\)`.*`socket\.allowHalfOpen = false`/],
    [{ kind: 'connect' }, /^Join the two sockets by `pipeline\(client, upstream, done\)`/],
    [{ kind: 'http' }, /`response\.end\(\)`.*`server\.httpAllowHalfOpen = true`/],
    [{ kind: 'net' }, /`socket\.end\(\)` on 'end', or leave `allowHalfOpen: true` away/],
    [{ kind: 'net', pairedWith: [{ value: 'x', sockets: 41 }] }, /^Join the two sockets by `pipeline/],
    [{ cause: 'unread_in_node', kind: 'http' }, /`request\.resume\(\)`/],
    [{ cause: 'unread_in_kernel', kind: 'agent', side: 'client' }, /`response\.resume\(\)`/],
    [{ cause: 'unread_in_node', kind: 'undici', side: 'client' }, /`await response\.body\.dump\(\)`/],
    [{ cause: 'unread_in_kernel', kind: 'net' }, /`socket\.resume\(\)`/],
    [{ cause: 'write_stalled', kind: 'http' }, /`server\.setTimeout\(60_000\)`.*`server\.timeout` is 0/],
    [{ cause: 'write_stalled', kind: 'upgraded' }, /`socket\.setTimeout\(60_000, \(\) => socket\.destroy\(\)\)`/],
    [{ cause: 'untracked', kind: 'unknown' }, /`monitor\.observeProcess\(\)`/],
    [{ cause: 'peer_keeps_open' }, /`socket\.end\(\); socket\.setTimeout\(10_000, \(\) => socket\.destroy\(\)\)`/],
    [{ cause: 'js_gone_fd_open' }, /`destroySoon\(\)`/],
    [{ cause: 'pooled_dead', kind: 'agent', side: 'client' }, /`agent\.destroy\(\)`/],
    [{ cause: 'undetermined' }, /^Recheck later/],
  ])('%j', (facts, advice) => {
    const whole = leakFacts(facts);
    expect(LEAK_RULES[whole.cause].fix(whole)[0]).toMatch(advice);
  });

  test.each<[Partial<LeakFacts>, RegExp]>([
    [{ kind: 'undici' }, /new Agent\(\{ connect: \{ timeout: 5_000 \} \}\)/],
    [{ kind: 'agent' }, /request\.on\('timeout'/],
    [{ kind: 'client' }, /net has no connect timeout/],
  ])('connecting is bounded: %j', (facts, advice) => {
    const fix = LEAK_RULES.syn_unanswered.fix(leakFacts({ cause: 'syn_unanswered', side: 'client', ...facts }));
    expect(fix[1]).toMatch(advice);
  });
});

describe('the numbers', () => {
  test.each<[Partial<LeakFacts>, string]>([
    [{ cause: 'unread_in_kernel', sockets: 2, receiveQueue: 2 }, 'the FIN waits in the kernel'],
    // Of 70,002 bytes two are FINs.
    [{ cause: 'unread_in_kernel', sockets: 2, receiveQueue: 70_002 }, 'the FIN waits in the kernel behind 70 kB'],
    [{ cause: 'unread_in_node', unreadInNode: 22_000 }, "'end' waits behind 22 kB in Node"],
    [{ cause: 'unread_in_node' }, "'end' waits behind bytes in Node"],
    [
      { cause: 'write_stalled', unsentInNode: 8_000_000, sendQueue: 3_724_288 },
      '8 MB in Node and 3.7 MB in the kernel wait',
    ],
    [
      { cause: 'fin_unacknowledged', sockets: 1, sendQueue: 1 },
      'closed here, and the peer does not acknowledge the FIN',
    ],
    [{ cause: 'fin_unacknowledged', sockets: 2, sendQueue: 9_002 }, 'the peers do not take the last 9 kB'],
    [{ cause: 'half_open', sendQueue: 512, sockets: 1 }, 'the peer does not acknowledge 512 B'],
    [{ cause: 'not_ended' }, "the peer's FIN was read and nobody called end()"],
  ])('%j', (facts, words) => {
    const whole = leakFacts(facts);
    const text = LEAK_RULES[whole.cause].explain(whole);
    expect(text.endsWith(words) || text.includes(`${words} `) || text.includes(`${words},`)).toBe(true);
  });
});

test('a group is its facts, its words and its samples', () => {
  const facts = leakFacts();
  const samples = [leakedSocket()];
  expect(groupOf('id', facts, samples)).toEqual({
    id: 'id',
    ...facts,
    headline: '41 CLOSE_WAIT on `api`, oldest 37 min, all upgraded sockets from GET /stream',
    explanation: "the peer's FIN was read and nobody called end()",
    fix: [expect.stringMatching(/^Handle 'end' on the upgraded socket/), expect.stringMatching(/^Bound it/)],
    samples,
  });
});
