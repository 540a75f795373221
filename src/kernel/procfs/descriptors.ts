import { type Dir, opendir, statSync } from 'node:fs';
import { ProcFile } from './proc-file.ts';

/** This process's descriptors. Undefined is unknown. */
export interface DescriptorCounts {
  readonly open: number | undefined;
  /** RLIMIT_NOFILE, the soft limit: no descriptor has this number or a higher one. Infinity where there is none. */
  readonly limit: number | undefined;
}

/** How to count. */
export interface DescriptorReaderOptions {
  /** How many descriptors are open, 0 where this kernel does not say. For tests of older kernels. */
  readonly countByStat?: () => number;
}

/**
 * Counts this process's descriptors, also when they have run out.
 *
 * Since Linux 6.2 the size of /proc/self/fd is their number: one stat(2), 0.05 ms with 20,000 of them, and it needs no
 * descriptor itself. Before, the folder has to be listed: 30 ms for 20,000, and 200 ms the first time, nearly all of it
 * in the kernel and therefore in a thread of libuv's pool. That needs a descriptor, and if there is none the limit is
 * reached, which is an answer too. The limit can be changed from outside, so it is read each time, from a file that is
 * kept open.
 *
 * @example
 * const descriptors = new DescriptorReader();
 * await descriptors.read(); // { open: 27, limit: 1024 }
 * descriptors.close();
 */
export class DescriptorReader {
  readonly #limits: ProcFile = new ProcFile('/proc/self/limits');
  readonly #countByStat: () => number;

  constructor({ countByStat = sizeOfFolder }: DescriptorReaderOptions = {}) {
    this.#countByStat = countByStat;
  }

  /** Never rejects. */
  async read(): Promise<DescriptorCounts> {
    const limit = parseDescriptorLimit(this.#limits.readText() ?? '');
    const open = this.#countByStat();
    return { open: open > 0 ? open : await countByListing(limit), limit };
  }

  close(): void {
    this.#limits.close();
  }
}

/** The soft limit of `Max open files` in the text of /proc/self/limits. */
export function parseDescriptorLimit(text: string): number | undefined {
  const soft = /^Max open files +(\d+|unlimited) /m.exec(text)?.[1];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

/** How many descriptors are open, that of the look itself not counted; 0 where this kernel does not say (before 6.2). */
export function sizeOfFolder(): number {
  try {
    return statSync(FOLDER).size;
  } catch {
    // No /proc.
    return 0;
  }
}

function countByListing(limit: number | undefined): Promise<number | undefined> {
  return new Promise((resolve) => {
    opendir(FOLDER, { bufferSize: ENTRIES_A_TIME }, (error, folder) => {
      // EMFILE and no other: ENFILE is the whole system's limit.
      if (error !== null) resolve(error.code === 'EMFILE' ? limit : undefined);
      else countEntries(folder, resolve);
    });
  });
}

function countEntries(folder: Dir, done: (count: number | undefined) => void): void {
  // The folder's own descriptor is in the list.
  let count = -1;
  const next = (): void => {
    folder.read((error, entry) => {
      if (error === null && entry !== null) {
        count++;
        next();
        return;
      }
      folder.close(() => done(error === null ? count : undefined));
    });
  };
  next();
}

const FOLDER = '/proc/self/fd';
const ENTRIES_A_TIME = 512;
