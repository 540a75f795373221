import { once } from 'node:events';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { READ_BYTES, readInTurns } from '../../../src/kernel/ss/read-in-turns.ts';

describe('a pipe', () => {
  it('that always has more gives the event loop its turns, and every byte comes', async () => {
    const sizes = Array.from({ length: 300 }, () => READ_BYTES);
    const { bytes, readsByTurn } = await readAll(sizes);
    expect(bytes).toBe(300 * READ_BYTES);
    expect(Math.max(...readsByTurn.values())).toBe(1);
  });

  it('whose reads are not full waits for its next bytes anyway, and is read on and on', async () => {
    const sizes = Array.from({ length: 300 }, () => READ_BYTES - 1);
    const { bytes, readsByTurn } = await readAll(sizes);
    expect(bytes).toBe(300 * (READ_BYTES - 1));
    expect([...readsByTurn.values()]).toEqual([300]);
  });
});

/** Reads a stream that brings chunks of these sizes as fast as they are taken. */
async function readAll(
  sizes: readonly number[],
): Promise<{ readonly bytes: number; readonly readsByTurn: ReadonlyMap<number, number> }> {
  let next = 0;
  const pipe = new Readable({
    highWaterMark: READ_BYTES,
    read() {
      this.push(next < sizes.length ? Buffer.alloc(sizes[next++] as number) : null);
    },
  });
  let bytes = 0;
  let turn = 0;
  let ended = false;
  const readsByTurn = new Map<number, number>();
  const count = (): void => {
    turn++;
    if (!ended) setImmediate(count);
  };
  count();
  readInTurns(pipe, (chunk) => {
    bytes += chunk.length;
    readsByTurn.set(turn, (readsByTurn.get(turn) ?? 0) + 1);
  });
  await once(pipe, 'end');
  ended = true;
  return { bytes, readsByTurn };
}
