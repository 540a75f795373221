import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRow, encodeRow, ROW_BYTES, rowMemory } from '../../../src/kernel/sharing/row-codec.ts';
import { blankRow, type KernelRow } from '../../../src/sockets/row.ts';
import { STATE } from '../../../src/tcp/state.ts';
import { anyRow, rowOf } from '../../support/rows.ts';

describe('a row of 72 bytes', () => {
  it('reads as it was written, wherever it stands, and touches nothing beside it', () => {
    fc.assert(
      fc.property(anyRow, fc.nat(5), (row, place) => {
        const memory = rowMemory(new ArrayBuffer(7 * ROW_BYTES));
        memory.words.fill(0xdeadbeef);
        encodeRow(row, memory, place * ROW_BYTES);
        const read = blankRow();
        expect(decodeRow(memory, place * ROW_BYTES, read)).toBe(true);
        expect(read).toEqual(row);
        const words = ROW_BYTES / 4;
        const around = [...memory.words.slice(0, place * words), ...memory.words.slice((place + 1) * words)];
        expect(around.every((value) => value === 0xdeadbeef)).toBe(true);
      }),
    );
  });

  it('keeps the limit of an accept queue that is not known apart from a send queue of 32 bits', () => {
    const memory = rowMemory(new ArrayBuffer(ROW_BYTES));
    const read = blankRow();
    for (const [state, sendQueue] of [
      [STATE.LISTEN, Number.NaN],
      [STATE.LISTEN, 0],
      [STATE.ESTABLISHED, 0xffffffff],
    ] as const) {
      encodeRow({ ...rowOf(1), state, sendQueue }, memory, 0);
      expect(decodeRow(memory, 0, read)).toBe(true);
      expect(read).toMatchObject({ state, sendQueue });
    }
  });

  const broken: readonly (readonly [string, Partial<Record<keyof KernelRow, unknown>>])[] = [
    ['state 0', { state: 0 }],
    ['state 12, which Linux has and no row shows', { state: 12 }],
    ['state 255', { state: 255 }],
    ['a cookie with a fraction', { cookie: 0.5 }],
    ['a cookie below zero', { cookie: -1 }],
    ['a cookie that is none', { cookie: Number.NaN }],
    ['a cookie of more than 53 bits', { cookie: 2 ** 53 }],
  ];
  it.each(broken)('is none with %s', (_title, fields) => {
    const memory = rowMemory(new ArrayBuffer(ROW_BYTES));
    encodeRow({ ...rowOf(1), ...fields } as KernelRow, memory, 0);
    expect(decodeRow(memory, 0, blankRow())).toBe(false);
  });

  it('has a byte for retransmissions: more than the kernel counts are as many as it can', () => {
    const memory = rowMemory(new ArrayBuffer(ROW_BYTES));
    const read = blankRow();
    for (const [given, kept] of [
      [0, 0],
      [255, 255],
      [256, 255],
      [70_000, 255],
    ] as const) {
      encodeRow({ ...rowOf(1), retransmits: given }, memory, 0);
      expect(decodeRow(memory, 0, read)).toBe(true);
      expect(read.retransmits).toBe(kept);
    }
    memory.words[13] = (memory.words[13] as number) | 0x1000000;
    expect(decodeRow(memory, 0, read)).toBe(false);
  });

  it('is none with a timer that nobody knows', () => {
    const memory = rowMemory(new ArrayBuffer(ROW_BYTES));
    encodeRow(rowOf(1), memory, 0);
    expect(decodeRow(memory, 0, blankRow())).toBe(true);
    memory.words[13] = (memory.words[13] as number) | 0xff00;
    expect(decodeRow(memory, 0, blankRow())).toBe(false);
  });
});
