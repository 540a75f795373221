import { writeSync } from 'node:fs';

/**
 * Writes one line to descriptor 2. Not through `process.stderr` or `process.emitWarning`: the first is made when it is
 * first read and may have been replaced, the second calls the program's own listeners.
 */
export function writeStderrLine(text: string): void {
  const line = text.replace(/\s*\n\s*/g, ' ');
  try {
    writeSync(2, line.startsWith('finwait: ') ? `${line}\n` : `finwait: ${line}\n`);
  } catch {
    // Closed, or a pipe that nobody empties: nobody reads it.
  }
}
