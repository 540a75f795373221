import { readdirSync, readFileSync, statSync } from 'node:fs';
import { type DescriptorCounts, parseDescriptorLimit } from './descriptors.ts';

/**
 * Counts the descriptors of any process, see {@link DescriptorReader} for our own. Unknown where it is another user's,
 * or has ended.
 *
 * @example readProcessDescriptors(4711) // { open: 27, limit: 1024 }
 */
export function readProcessDescriptors(pid: number, procRoot = '/proc'): DescriptorCounts {
  return { open: countOpen(`${procRoot}/${pid}/fd`), limit: readLimit(`${procRoot}/${pid}/limits`) };
}

/** Since Linux 6.2 the size of the folder is the number of descriptors; before, it is 0 and the folder is listed. */
function countOpen(folder: string): number | undefined {
  try {
    const { size } = statSync(folder);
    return size > 0 ? size : readdirSync(folder).length;
  } catch {
    return undefined;
  }
}

function readLimit(path: string): number | undefined {
  try {
    return parseDescriptorLimit(readFileSync(path, 'latin1'));
  } catch {
    return undefined;
  }
}
