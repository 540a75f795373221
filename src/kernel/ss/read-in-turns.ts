import type { Readable } from 'node:stream';
import { setImmediate } from '../../globals.ts';

/** The size of libuv's buffer: as long as a read fills it, libuv reads again within the same turn, up to 32 times. */
export const READ_BYTES = 65_536;

/**
 * Hands on what a pipe brings, and gives the event loop a turn after each full read, whose rows take half a millisecond:
 * whoever writes as fast as we read would else hold it for megabytes.
 */
export function readInTurns(pipe: Readable, onChunk: (chunk: Uint8Array) => void): void {
  pipe.on('data', (chunk: Uint8Array) => {
    if (chunk.length >= READ_BYTES) {
      pipe.pause();
      // Referenced, or a loop with nothing else to do would sleep; it keeps no process alive for longer than a turn.
      setImmediate(() => pipe.resume());
    }
    onChunk(chunk);
  });
}
