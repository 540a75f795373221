import type { Readable } from 'node:stream';
import { setImmediate } from '../../globals.ts';

/** The size of libuv's buffer: as long as a read fills it, libuv reads again within the same turn, up to 32 times. */
export const READ_BYTES = 65_536;

/** So many such reads may be in one turn of the event loop: the rows in them take less than a millisecond. */
export const MAX_READS = 2;

/**
 * Hands on what a pipe brings, and gives the event loop a turn now and then: whoever writes as fast as we read would else
 * hold it for megabytes.
 */
export function readInTurns(pipe: Readable, onChunk: (chunk: Uint8Array) => void): void {
  let reads = 0;
  pipe.on('data', (chunk: Uint8Array) => {
    reads = chunk.length < READ_BYTES ? 0 : reads + 1;
    if (reads === MAX_READS) {
      reads = 0;
      pipe.pause();
      // Referenced, or a loop with nothing else to do would sleep; it keeps no process alive for longer than a turn.
      setImmediate(() => pipe.resume());
    }
    onChunk(chunk);
  });
}
