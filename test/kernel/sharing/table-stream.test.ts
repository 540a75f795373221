import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SharedResult } from '../../../src/kernel/sharing/shared-result.ts';
import {
  endFrame,
  helloFrame,
  type LeaderClaim,
  MAX_FRAME_BYTES,
  RowPacker,
  startFrame,
  TableReader,
  welcomeFrame,
} from '../../../src/kernel/sharing/table-stream.ts';
import type { KernelRow } from '../../../src/sockets/row.ts';
import { anyRow, copyOf, rowOf } from '../../support/rows.ts';

const RESULT: SharedResult = { ok: true, source: 'ss', rows: 3, durationMs: 1.5, nextIntervalMs: 15_000 };

describe('a stream', () => {
  it('says what was said, wherever its chunks end', () => {
    fc.assert(
      fc.property(
        fc.array(anyRow, { maxLength: 40 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 90 })),
        (rows, cuts) => {
          const bytes = Buffer.concat([
            helloFrame({ pid: 4_000_000, fd: -1 }),
            welcomeFrame(),
            startFrame(1234.5),
            ...framesOf(rows),
            endFrame(RESULT),
          ]);
          const heard = new Heard();
          let frames = 0;
          for (let at = 0; at < bytes.length; ) {
            const length = cuts.next().value as number;
            frames += heard.reader.push(bytes.subarray(at, at + length));
            at += length;
          }
          expect(heard).toMatchObject({
            hellos: [{ pid: 4_000_000, fd: -1 }],
            welcomes: 1,
            starts: [1234.5],
            ends: [RESULT],
          });
          expect(heard.rows).toEqual(rows);
          expect(heard.malformed).toEqual([]);
          expect(frames).toBe(4 + framesOf(rows).length);
        },
      ),
    );
  });

  it('carries 10,000 rows in frames that a socket takes at once', () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => rowOf(index));
    const frames = framesOf(rows);
    expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThanOrEqual(MAX_FRAME_BYTES);
    expect(frames).toHaveLength(Math.ceil(10_000 / 455));
    const heard = new Heard();
    heard.reader.push(Buffer.concat(frames));
    expect(heard.rows).toEqual(rows);
  });

  it('copies a row at once: the packer may be given one object again and again', () => {
    const row = rowOf(0);
    const frames: Uint8Array[] = [];
    const packer = new RowPacker((frame) => frames.push(frame));
    for (let index = 0; index < 3; index++) {
      row.inode = index;
      packer.add(row);
    }
    packer.flush();
    packer.flush();
    expect(frames).toHaveLength(1);
    const heard = new Heard();
    heard.reader.push(frames[0] as Uint8Array);
    expect(heard.rows.map(({ inode }) => inode)).toEqual([0, 1, 2]);
  });

  it('hands on nothing after stop(), not even the rest of a chunk', () => {
    const heard = new Heard();
    heard.onHearRow = () => heard.reader.stop();
    heard.reader.push(Buffer.concat([startFrame(1), ...framesOf([rowOf(1), rowOf(2)]), endFrame(RESULT)]));
    heard.reader.push(startFrame(2));
    expect(heard).toMatchObject({ starts: [1], rows: [rowOf(1)], ends: [], malformed: [] });
  });
});

describe('bytes that are no stream', () => {
  const [rows = Buffer.alloc(0)] = framesOf([rowOf(1), rowOf(2)]);
  it.each([
    ['a frame of a kind that is none', changed(startFrame(1), 0, 99), /kind 99/],
    ['a welcome of 8 bytes', changed(welcomeFrame(), 4, 8), /with 8 bytes/],
    ['a length beyond all frames', changed(startFrame(1), 4, MAX_FRAME_BYTES), /frame of 32768 bytes/],
    ['a start of 4 bytes', changed(startFrame(1), 4, 4), /with 4 bytes/],
    ['a start without a time', startFrame(Number.NaN), /without a time/],
    ['a hello of 0 bytes', changed(helloFrame({ pid: 1, fd: 1 }), 4, 0), /with 0 bytes/],
    ['no rows in a frame of rows', changed(rows, 4, 0), /^0 bytes of rows/],
    ['half a row', changed(rows, 4, 108), /^108 bytes of rows/],
    ['a row in no state', changed(rows, 8 + 52, 0), /row that is none/],
    ['an end without a result', changed(endFrame(RESULT), 8, 0), /end without a result/],
  ])('%s are reported once, and what follows is not looked at', (_title, bytes, detail) => {
    const heard = new Heard();
    heard.reader.push(bytes);
    heard.reader.push(Buffer.concat([startFrame(7), bytes]));
    expect(heard.malformed).toEqual([expect.stringMatching(detail)]);
    expect(heard).toMatchObject({ starts: [], ends: [], hellos: [] });
  });

  it('never throw, whatever they are', () => {
    const good = Buffer.concat([helloFrame({ pid: 1, fd: 2 }), startFrame(5), rows, endFrame(RESULT)]);
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.oneof(damage, fc.uint8Array({ maxLength: 500 })), (bytes) => {
        const heard = new Heard();
        if (bytes instanceof Uint8Array) heard.reader.push(bytes);
        else {
          const damaged = Buffer.from(good);
          for (const [at, value] of bytes) damaged[at] = value;
          heard.reader.push(damaged);
        }
        expect(heard.malformed.length).toBeLessThanOrEqual(1);
        expect(heard.rows.length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 500 },
    );
  });
});

/** Everything that one stream said. */
class Heard {
  readonly hellos: LeaderClaim[] = [];
  welcomes = 0;
  readonly starts: number[] = [];
  readonly rows: KernelRow[] = [];
  readonly ends: SharedResult[] = [];
  readonly malformed: string[] = [];
  onHearRow: () => void = () => {};
  readonly reader: TableReader = new TableReader({
    onHello: (claim) => this.hellos.push(claim),
    onWelcome: () => {
      this.welcomes++;
    },
    onStart: (startedAtMs) => this.starts.push(startedAtMs),
    onRow: (row) => {
      this.rows.push(copyOf(row));
      this.onHearRow();
    },
    onEnd: (result) => this.ends.push(result),
    onMalformed: (detail) => this.malformed.push(detail),
  });
}

function framesOf(rows: readonly KernelRow[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const packer = new RowPacker((frame) => frames.push(frame));
  for (const row of rows) packer.add(row);
  packer.flush();
  return frames;
}

/** A copy in which one word is another. */
function changed(frame: Uint8Array, at: number, word: number): Buffer {
  const copy = Buffer.from(frame);
  copy.set(new Uint8Array(Uint32Array.of(word).buffer), at);
  return copy;
}
