import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentRows } from '../../../src/kernel/procfs/recent-rows.ts';
import type { KernelRow } from '../../../src/sockets/row.ts';
import { STATE, type State } from '../../../src/tcp/state.ts';

describe('the last rows of a table', () => {
  it('hold a row that comes again', () => {
    const recent = new RecentRows();
    expect(recent.isRepeat(row(1))).toBe(false);
    expect(recent.isRepeat(row(2))).toBe(false);
    expect(recent.isRepeat(row(1))).toBe(true);
    expect(recent.isRepeat(row(1))).toBe(true);
  });

  it('tell apart what differs in one word, in the state or in the inode', () => {
    const recent = new RecentRows();
    expect(recent.isRepeat(row(7))).toBe(false);
    for (let word = 0; word < 10; word++) {
      const other = row(7);
      other.tuple[word] = 99;
      expect(recent.isRepeat(other)).toBe(false);
    }
    expect(recent.isRepeat(row(7, STATE.TIME_WAIT))).toBe(false);
    expect(recent.isRepeat(row(7, STATE.ESTABLISHED, 8))).toBe(false);
    expect(recent.isRepeat(row(7))).toBe(true);
  });

  it('reach back 8,192 rows and no further', () => {
    const recent = new RecentRows();
    for (let index = 0; index < 8192; index++) expect(recent.isRepeat(row(index))).toBe(false);
    expect(recent.isRepeat(row(0))).toBe(true);
    expect(recent.isRepeat(row(8192))).toBe(false);
    expect(recent.isRepeat(row(1))).toBe(true);
    expect(recent.isRepeat(row(0))).toBe(false);
  });

  it('agree with a plain list of them, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9000 }), { minLength: 9000, maxLength: 20_000 }), (numbers) => {
        const recent = new RecentRows();
        const plain: number[] = [];
        const held = new Set<number>();
        for (const number of numbers) {
          const repeat = held.has(number);
          if (recent.isRepeat(row(number)) !== repeat) return false;
          if (repeat) continue;
          held.add(number);
          plain.push(number);
          if (plain.length > 8192) held.delete(plain[plain.length - 8193] as number);
        }
        return true;
      }),
      { numRuns: 10 },
    );
  });
});

function row(number: number, state: State = STATE.ESTABLISHED, inode = 7): KernelRow {
  return {
    state,
    tuple: Uint32Array.of(0, 0, 0xffff, 0x7f000001, 0, 0, 0xffff, number, 80, number & 0xffff),
    receiveQueue: 0,
    sendQueue: 0,
    inode,
    cookie: 0,
    timer: 'none',
    timerMs: Number.NaN,
    retransmits: 0,
  };
}
