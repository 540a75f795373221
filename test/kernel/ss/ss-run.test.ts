import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SsOutcome, SsRun } from '../../../src/kernel/ss/ss-run.ts';
import { diagRow, done, failure } from '../../support/diag.ts';

const ROW = 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 ino:1 sk:1 <->\n';
const UNCONNECTED = 'UNCONN 0 0 127.0.0.1:1 0.0.0.0:* ino:1 sk:1 <->\n';

describe('what came of an ss', () => {
  it.each<readonly [string, string, string, number, number, object]>([
    ['a table', ROW + ROW, '', 0, 2, { ok: true, rows: 2, unparsed: 0 }],
    ['no sockets', '', '', 0, 0, { ok: true, rows: 0 }],
    ['no sockets where there are some', '', '', 0, 3, { reason: 'empty_suspect' }],
    ['harmless complaints', ROW, 'Failed to find cgroup2 mount\n', 0, 1, { ok: true, rows: 1 }],
    ['a new complaint', ROW, 'new', 0, 1, { ok: true, degraded: { reason: 'stderr', detail: 'new' } }],
    ['a bad line in a hundred', `${ROW.repeat(99)}UNDEF\n`, '', 0, 1, { ok: true, degraded: { reason: 'unparsed' } }],
    ['two bad lines in a hundred', `${ROW.repeat(98)}UNDEF\nUNDEF\n`, '', 0, 1, { reason: 'parse_ratio' }],
    ['a cut', `${ROW}ESTAB 0`, '', 0, 1, { reason: 'truncated' }],
    ['a cut by a signal', `${ROW}ESTAB 0`, '', 137, 1, { reason: 'signalled', detail: 'SIGKILL' }],
    ['a broken dump', ROW, 'EOF on netlink\n', 0, 1, { reason: 'netlink_partial', detail: 'EOF on netlink' }],
    ['a broken dump, then a signal', ROW, 'EOF on netlink\n', 137, 1, { reason: 'netlink_partial' }],
    ['a shell that finds no file', '', 'finwait: 9: /x: not found\n', 127, 1, { reason: 'enoent' }],
    ['a shell that may not run it', '', 'finwait: 9: /x: Permission denied\n', 126, 1, { reason: 'eacces' }],
    ['an old ss', '', 'Usage: ss\n', 255, 1, { reason: 'unsupported_option', detail: 'exit code 255: Usage: ss' }],
    ['a wrong word', '', 'wrong state name\n', 1, 1, { reason: 'usage', detail: 'exit code 1: wrong state name' }],
  ])('%s', (_, stdout, stderr, code, expectedRows, expected) => {
    expect(outcomeOf(stdout, stderr, code, expectedRows)).toMatchObject(expected);
  });

  it.each<readonly [string, readonly Buffer[], string, number, object]>([
    ['a table', [diagRow({}), done(), diagRow({}), done()], '', 2, { ok: true, rows: 2, unparsed: 0 }],
    ['no sockets', [done(), done()], '', 0, { ok: true, rows: 0 }],
    ['no sockets where there are some', [done(), done()], '', 3, { reason: 'empty_suspect' }],
    ['a cut between two messages', [diagRow({}), done(), diagRow({})], '', 1, { reason: 'truncated' }],
    ['a cut in a message', [diagRow({}), done(), done().subarray(0, 9)], '', 1, { reason: 'truncated' }],
    ['IPv4 alone', [diagRow({}), done()], '', 1, { reason: 'truncated', detail: 'cut off after 1 rows' }],
    ['a kernel without tcp_diag', [failure(2), failure(2)], '', 1, { reason: 'netlink_denied_fallback' }],
    ['another refusal', [diagRow({}), failure(16), done(), done()], '', 1, { reason: 'netlink_partial' }],
    ['a refusal of which ss speaks', [failure(1)], 'RTNETLINK answers: x', 1, { detail: 'RTNETLINK answers: x' }],
    ['a bad row in two', [diagRow({}), diagRow({ state: 0 }), done(), done()], '', 1, { reason: 'parse_ratio' }],
    [
      'a bad row in a hundred',
      [...Array.from({ length: 99 }, () => diagRow({})), diagRow({ state: 0 }), done(), done()],
      '',
      1,
      {
        ok: true,
        rows: 99,
        degraded: { reason: 'unparsed', detail: '1 of 100 rows, such as: a row of 88 bytes that is none' },
      },
    ],
  ])('in messages: %s', (_, messages, stderr, expectedRows, expected) => {
    const bytes = Buffer.concat(messages);
    for (const size of [bytes.length, 1, 3]) {
      const run = new SsRun(() => undefined);
      for (let at = 0; at < bytes.length; at += size) run.takeOutput(bytes.subarray(at, at + size));
      run.takeComplaint(Buffer.from(stderr));
      expect(run.end(0, expectedRows)).toMatchObject(expected);
    }
  });

  it('is known early when messages are followed by something else', () => {
    const run = new SsRun(() => undefined);
    expect(run.takeOutput(done())).toBeUndefined();
    expect(run.takeOutput(Buffer.from('ESTAB 0 0'))).toMatchObject({ reason: 'parse_ratio' });
  });

  it('is text where it is shorter than a message can be', () => {
    const run = new SsRun(() => undefined);
    run.takeOutput(Buffer.from('x\n'));
    expect(run.end(0, 0)).toMatchObject({ reason: 'parse_ratio', detail: '1 of 1 lines, such as: x' });
  });

  it('is known early when most lines of 10,000 are garbage', () => {
    const run = new SsRun(() => undefined);
    expect(run.takeOutput(Buffer.from('x\n'.repeat(9_999)))).toBeUndefined();
    expect(run.takeOutput(Buffer.from('x\n'))).toMatchObject({ reason: 'parse_ratio' });
  });

  it('is not known early when half of them are rows, or UNCONN', () => {
    const run = new SsRun(() => undefined);
    expect(run.takeOutput(Buffer.from(`x\n${ROW}x\n${UNCONNECTED}`.repeat(10_000)))).toBeUndefined();
  });

  it.each(['\n', ' ', 'x'])('is known early when 4 MiB of %j have no row', (text) => {
    const run = new SsRun(() => undefined);
    const chunk = Buffer.alloc(65_536, text);
    for (let each = 0; each < 63; each++) expect(run.takeOutput(chunk)).toBeUndefined();
    expect(run.takeOutput(chunk)).toMatchObject({ reason: 'parse_ratio' });
  });

  it('is known early when a complaint says so, or the caller throws', () => {
    expect(new SsRun(() => undefined).takeComplaint(Buffer.from('EOF on netlink\n'))).toMatchObject({
      reason: 'netlink_partial',
    });
    const run = new SsRun(() => {
      throw new Error('no room');
    });
    expect(run.takeOutput(Buffer.from(ROW))).toEqual({ ok: false, reason: 'consumer_threw', detail: 'no room' });
  });

  it('is something whatever is written', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(ROW, UNCONNECTED).map(Buffer.from),
      fc.constantFrom(diagRow({}), done(), failure(2)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), bytes)), fc.nat(255), (chunks, code) => {
        let rows = 0;
        const run = new SsRun(() => {
          rows++;
        });
        for (const [isOutput, chunk] of chunks) isOutput ? run.takeOutput(chunk) : run.takeComplaint(chunk);
        const outcome = run.end(code, 0);
        expect(outcome.ok ? outcome.rows : rows).toBe(rows);
        if (code !== 0) expect(outcome.ok).toBe(false);
      }),
    );
  });
});

function outcomeOf(stdout: string, stderr: string, code: number, expectedRows: number): SsOutcome {
  const run = new SsRun(() => undefined);
  run.takeOutput(Buffer.from(stdout));
  run.takeComplaint(Buffer.from(stderr));
  return run.end(code, expectedRows);
}
