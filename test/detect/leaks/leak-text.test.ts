import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LEAK_CAUSES, type LeakGroup, type LeakReport } from '../../../src/detect/leaks/leak.ts';
import { formatLeaks } from '../../../src/monitor/format-leaks.ts';
import { SOCKET_KINDS } from '../../../src/sockets/socket-kind.ts';
import { leakedSocket, leakGroup, leakReport } from './facts.ts';

const upgraded = leakGroup({}, [leakedSocket(), leakedSocket({ peer: '10.0.0.9:51235' })]);
const undici = leakGroup({
  cause: 'unread_in_node',
  side: 'client',
  name: 'billing',
  kind: 'undici',
  sockets: 2,
  requests: [],
  unreadInNode: 44_000,
});

describe('a line', () => {
  test('has the numbers, the largest group, its first advice, and how many more there are', () => {
    expect(formatLeaks(leakReport([upgraded, undici], { groupsOmitted: 3 }), { style: 'line' })).toBe(
      'leaked_sockets=43 groups=5 cause=not_ended: 41 CLOSE_WAIT on `api`, oldest 37 min, all upgraded sockets from GET /stream: ' +
        "the peer's FIN was read and nobody called end(). Fix: Handle 'end' on the upgraded socket: " +
        "`socket.on('end', () => socket.end())`, or set `socket.allowHalfOpen = false` in the 'upgrade' listener. And 4 more groups.",
    );
  });

  test('of one more group says so', () => {
    expect(formatLeaks(leakReport([upgraded, undici]), { style: 'line' })).toMatch(/ And 1 more group\.$/);
    expect(formatLeaks(leakReport([upgraded]), { style: 'line' })).not.toContain('more group');
  });

  test('is calm when nothing leaks', () => {
    expect(formatLeaks(leakReport([]), { style: 'line' })).toBe("No socket leaks: as of the kernel's table 1.2 s ago.");
  });
});

describe('a text', () => {
  test('has the totals, and of each group why, what to change, and some sockets', () => {
    const closeWait = { ...leakReport([]).closeWait, not_ended: 44, loop_blocked: 1 };
    expect(
      formatLeaks(leakReport([upgraded, undici], { closeWait, groupsOmitted: 1, sockets: 44 }), { width: 80 }),
    ).toBe(
      `44 leaked sockets in 3 groups, as of the kernel's table 1.2 s ago
CLOSE_WAIT now, young ones included: 44 not_ended, 1 loop_blocked

1. 41 CLOSE_WAIT on \`api\`, oldest 37 min, all upgraded sockets from GET /stream
   CLOSE_WAIT: the other side has hung up, and this process has not.
   Why: the peer's FIN was read and nobody called end().
   Fix: - Handle 'end' on the upgraded socket:
          \`socket.on('end', () => socket.end())\`, or set
          \`socket.allowHalfOpen = false\` in the 'upgrade' listener.
        - Bound it: \`socket.setTimeout(60_000, () => socket.destroy())\`. The
          server's timeouts do not close an upgraded socket.
   age     in     out     local          peer            flags          inode
   37 min  171 B  3.1 kB  10.0.0.1:8080  10.0.0.9:51234  readableEnded  31415
   37 min  171 B  3.1 kB  10.0.0.1:8080  10.0.0.9:51235  readableEnded  31415

2. 2 CLOSE_WAIT to \`billing\`, oldest 37 min, all undici connections
   Why: the peer has ended, and the program has not read all that it sent: 'end'
        waits behind 44 kB in Node.
   Fix: - Read the body of every response, or discard it:
          \`await response.body.dump()\` with undici,
          \`await response.body?.cancel()\` with fetch.
        - Bound it: an \`AbortSignal.timeout(...)\` as \`signal\`. undici's
          \`bodyTimeout\` does not run while nobody reads.

And 1 more group, with 1 socket.
`,
    );
  });

  test.each<[Partial<LeakReport>, string]>([
    [{}, "No socket leaks: as of the kernel's table 1.2 s ago.\n"],
    [{ ageMs: undefined }, "No leaks known: the kernel's table has not been read yet.\n"],
    [
      { closeWait: { ...leakReport([]).closeWait, not_ended: 1 } },
      "No socket leaks: as of the kernel's table 1.2 s ago. 1 socket in CLOSE_WAIT is young.\n",
    ],
    [
      { closeWait: { ...leakReport([]).closeWait, not_ended: 1, loop_blocked: 2 } },
      "No socket leaks: as of the kernel's table 1.2 s ago. 3 sockets in CLOSE_WAIT are young.\n",
    ],
  ])('is one calm line when nothing leaks: %j', (given, text) => expect(formatLeaks(leakReport([], given))).toBe(text));

  test('says one where there is one', () => {
    expect(formatLeaks(leakReport([leakGroup({ sockets: 1 })]))).toMatch(/^1 leaked socket in 1 group, /);
  });

  test('shows the largest group in full before it says anything else of the others', () => {
    const groups = Array.from({ length: 20 }, (_, index) =>
      leakGroup({ name: `service-${index}`, sockets: 500 - index }, [leakedSocket(), leakedSocket(), leakedSocket()]),
    );
    const text = formatLeaks(leakReport(groups));
    expect(text.split('10.0.0.9:51234').length - 1).toBeGreaterThanOrEqual(3);
    for (let index = 0; index < 8; index++) expect(text).toContain(`service-${index}\``);
    expect(text).toContain('And 12 more groups, with ');
  });

  test('is coloured only where that was asked for', () => {
    const plain = formatLeaks(leakReport([upgraded]));
    const coloured = formatLeaks(leakReport([upgraded]), { color: true });
    expect(plain).not.toContain('\x1b');
    expect(coloured).toContain('\x1b[33m1. 41 CLOSE_WAIT');
    expect(uncoloured(coloured)).toBe(plain);
  });
});

describe('whatever the report', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom(
      '\x1b[2J\x1b]0;x\x07'.repeat(20),
      '\r\n\u2028\u0085'.repeat(40),
      `GET /${'a'.repeat(195)}`,
      '`'.repeat(200),
      '',
    ),
  );
  const count = fc.oneof(fc.nat({ max: 10_000 }), fc.constantFrom(0, 1, 2 ** 40));
  const age = fc.double({ min: 0, max: 1e12, noNaN: true });
  const share = fc.record({ value: text, sockets: count });
  const socket = fc.record({
    local: fc.option(text, { nil: undefined }),
    peer: fc.option(text, { nil: undefined }),
    state: fc.constantFrom('close_wait' as const, 'fin_wait_2' as const),
    ageMs: age,
    idleMs: age,
    bytesReceived: count,
    bytesSent: count,
    receiveQueue: count,
    sendQueue: count,
    unreadInNode: count,
    unsentInNode: count,
    inode: fc.option(count, { nil: undefined }),
    flags: fc.array(text, { maxLength: 20 }),
    request: fc.option(text, { nil: undefined }),
    site: fc.option(text, { nil: undefined }),
    pairedWith: fc.option(text, { nil: undefined }),
  });
  const facts = fc.record({
    cause: fc.constantFrom(...LEAK_CAUSES),
    kind: fc.constantFrom(...SOCKET_KINDS),
    side: fc.constantFrom('server' as const, 'client' as const, 'unknown' as const),
    name: text,
    sockets: count,
    oldestAgeMs: age,
    requests: fc.array(share, { maxLength: 3 }),
    sites: fc.array(share, { maxLength: 3 }),
    pairedWith: fc.array(share, { maxLength: 3 }),
    receiveQueue: count,
    sendQueue: count,
    unreadInNode: count,
    unsentInNode: count,
    paused: count,
  });
  const group = fc
    .tuple(facts, fc.array(socket, { maxLength: 10 }))
    .map(([given, samples]) => leakGroup(given, samples));
  // Not of our making: as it comes out of somebody's JSON.
  const foreign = fc.tuple(group, text, text).map(
    ([given, headline, fix]): LeakGroup => ({
      ...given,
      headline: headline.repeat(20),
      explanation: headline.repeat(9),
      fix: [fix.repeat(9), fix, fix, fix, fix],
    }),
  );
  const report = fc
    .tuple(fc.array(fc.oneof(group, foreign), { maxLength: 24 }), count, fc.option(age, { nil: undefined }))
    .map(([groups, groupsOmitted, ageMs]) => leakReport(groups, { groupsOmitted, ageMs }));

  test('a line is one line of printable ASCII, at most 500 characters', () => {
    fc.assert(
      fc.property(report, (given) => {
        expect(formatLeaks(given, { style: 'line' })).toMatch(/^[\x20-\x7e]{1,500}$/);
      }),
      { numRuns: 300 },
    );
  });

  test('a text is printable ASCII below 4 kB, no line longer than the width, its escapes ours only', () => {
    fc.assert(
      fc.property(report, fc.integer({ min: 20, max: 1_000 }), fc.boolean(), (given, width, color) => {
        const shown = formatLeaks(given, { width, color });
        expect(Buffer.byteLength(shown)).toBeLessThan(4_096);
        expect(shown.endsWith('\n')).toBe(true);
        const plain = color ? uncoloured(shown) : shown;
        expect(plain).toMatch(/^[\x20-\x7e\n]*$/);
        for (const line of plain.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
      }),
      { numRuns: 300 },
    );
  });

  test('10,000 sockets under 20 names with requests of 200 characters fit, and take no time', () => {
    const request = `GET /${'x'.repeat(195)}`;
    const samples = Array.from({ length: 10 }, () =>
      leakedSocket({
        local: '[2001:db8:1111:2222:3333:4444:5555:6666]:65535',
        peer: '[2001:db8:1111:2222:3333:4444:5555:7777]:65535',
        request,
      }),
    );
    const groups = Array.from({ length: 20 }, (_, index) =>
      leakGroup(
        { name: `service-${index}`.padEnd(64, 'x'), sockets: 500, requests: [{ value: request, sockets: 500 }] },
        samples,
      ),
    );
    const begun = performance.now();
    const shown = formatLeaks(leakReport(groups), { color: true });
    expect(performance.now() - begun).toBeLessThan(500);
    expect(shown.length).toBeLessThan(4_096);
    expect(shown).toContain('10,000 leaked sockets in 20 groups');
    expect(shown).toContain('2001:db8');
    // Not left empty for fear of the limit.
    expect(shown.length).toBeGreaterThan(3_000);
  });
});

describe('a wrong option is refused with what was received', () => {
  test.each<[unknown, string]>([
    [null, 'formatLeaks: options are an object, received null'],
    [[], 'formatLeaks: options are an object, received an instance of Array'],
    [{ colour: true }, "formatLeaks: unknown option 'colour', known are style, width, color"],
    [{ style: 'html' }, "formatLeaks: style is 'line' or 'terminal', received 'html'"],
    [{ color: 1 }, 'formatLeaks: color is a boolean, received 1'],
    [{ width: '80' }, "formatLeaks: width is an integer, received '80'"],
    [{ width: 19 }, 'formatLeaks: width is between 20 and 1000, received 19'],
    [{ width: 1_001 }, 'formatLeaks: width is between 20 and 1000, received 1001'],
    [{ width: () => 80 }, 'formatLeaks: width is an integer, received a function'],
  ])('%j', (options, message) => {
    expect(() => formatLeaks(leakReport([]), options as never)).toThrow(message);
  });

  test('undefined is not given', () => {
    const none = { style: undefined, width: undefined, color: undefined };
    expect(formatLeaks(leakReport([upgraded]), none)).toBe(formatLeaks(leakReport([upgraded])));
  });
});

/** Without our own two pairs of escapes. */
function uncoloured(text: string): string {
  return [0, 1, 32, 33].reduce((plain, code) => plain.replaceAll(`\x1b[${code}m`, ''), text);
}
