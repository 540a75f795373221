import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SsComplaints } from '../../../src/kernel/ss/ss-complaints.ts';

describe('what ss complains of', () => {
  it('is kept line by line, without repeats and without what means nothing', () => {
    expect(collect('one\none\nFailed to find cgroup2 mount\n\n two \ntwo')).toEqual({ text: 'one\ntwo' });
  });

  it('is a failure wherever the chunks end, the last line without a newline too', () => {
    const text = 'one\nFailed to find cgroup2 mount\nRTNETLINK answers: Device or resource busy';
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(text.length), (one, two) => {
        const cuts = [0, Math.min(one, two), Math.max(one, two), text.length];
        const chunks = [0, 1, 2].map((index) => text.slice(cuts[index], cuts[index + 1]));
        expect(collect(...chunks)).toEqual({
          text: 'one\nRTNETLINK answers: Device or resource busy',
          failure: 'netlink_partial',
        });
      }),
    );
  });

  it('is bounded: 4 KiB of text, and after a mebibyte failures only', () => {
    const flood = Array.from({ length: 200_000 }, (_, index) => `complaint ${index}`).join('\n');
    const { text, failure } = collect(flood, '\n', flood, '\nEOF on netlink\n', flood);
    expect(text).toHaveLength(4096);
    expect(failure).toBe('netlink_partial');
  });

  it('is bounded in a line without end', () => {
    const complaints = new SsComplaints();
    const before = process.memoryUsage().heapUsed;
    for (let each = 0; each < 2_000; each++) complaints.push(Buffer.alloc(65_536, 'x'));
    complaints.end();
    expect(complaints.text).toHaveLength(4096);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
  });

  it('never throws, and never exceeds its bound', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9_000, size: 'max' })), (chunks) => {
        const complaints = new SsComplaints();
        for (const chunk of chunks) complaints.push(chunk);
        complaints.end();
        expect(complaints.text.length).toBeLessThanOrEqual(4096);
      }),
    );
  });
});

function collect(...chunks: readonly string[]): { readonly text: string; readonly failure?: string } {
  const complaints = new SsComplaints();
  for (const chunk of chunks) complaints.push(Buffer.from(chunk));
  complaints.end();
  const { text, failure } = complaints;
  return failure === undefined ? { text } : { text, failure };
}
