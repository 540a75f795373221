import { closeSync, fstatSync, openSync, read, readSync } from 'node:fs';

/**
 * A file under /proc that is opened once and read from its beginning again and again, with pread(2): it can still be
 * read when the process has run out of descriptors, which is the incident it is for. The opening is tried at once, and
 * again at every read while it fails. Nothing throws.
 *
 * What the kernel shows is made anew when a read starts at position 0. One reader at a time: a read that does not
 * go on where the one before it ended makes the kernel start over, and the text may have changed meanwhile.
 *
 * @example
 * const sockstat = new ProcFile('/proc/net/sockstat');
 * sockstat.readText(); // 'sockets: used 58\nTCP: inuse 45 orphan 7 tw 5 alloc 77 mem 991\n...'
 */
export class ProcFile {
  readonly path: string;
  #fd = -1;
  /** Which file the descriptor was opened on, see {@link #release}. */
  #identity = '';
  #failure: string | undefined;
  #underWay = 0;
  #closed = false;

  constructor(path: string) {
    this.path = path;
    this.#open();
  }

  /** The code of the error that kept the last read from being made, such as `ENOENT` or `EMFILE`. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /**
   * Reads from a position into the buffer. Returns how many bytes; 0 at the end, -1 if it failed. A file of the kernel
   * gives at most a page (4 KiB) at a time, in whole lines.
   */
  read(buffer: Uint8Array, position: number): number {
    if (!this.#open()) return -1;
    try {
      return readSync(this.#fd, buffer, 0, buffer.length, position);
    } catch (error) {
      this.#drop(error);
      return -1;
    }
  }

  /** The same in a thread of libuv's pool. The buffer is in use until then, also when nobody waits any more. */
  readOffThread(buffer: Uint8Array, position: number): Promise<number> {
    if (!this.#open()) return Promise.resolve(-1);
    this.#underWay++;
    return new Promise((resolve) => {
      read(this.#fd, buffer, 0, buffer.length, position, (error, length) => {
        this.#underWay--;
        if (error !== null) this.#drop(error);
        else if (this.#closed) this.#release();
        resolve(error === null ? length : -1);
      });
    });
  }

  /** The whole text, at most its first 64 KiB; undefined if it cannot be read. */
  readText(): string | undefined {
    let length = 0;
    while (length < TEXT.length) {
      const got = this.read(TEXT.subarray(length), length);
      if (got < 0) return undefined;
      if (got === 0) break;
      length += got;
    }
    return TEXT.toString('latin1', 0, length);
  }

  /** Closes the file for good: every later read fails with `EBADF`. */
  close(): void {
    this.#closed = true;
    this.#failure = 'EBADF';
    this.#release();
  }

  #open(): boolean {
    if (this.#fd >= 0) return true;
    if (this.#closed) return false;
    try {
      this.#fd = openSync(this.path, 'r');
      this.#identity = identityOf(this.#fd);
      this.#failure = undefined;
      return true;
    } catch (error) {
      this.#failure = codeOf(error);
      return false;
    }
  }

  #drop(error: unknown): void {
    this.#failure = codeOf(error);
    this.#release();
  }

  /**
   * Gives the descriptor back, unless a thread still reads from it: its number would be another file's by then. The same
   * holds where the program itself closed all descriptors it does not know, as daemons do: the number may be that of
   * one of its own files now, which is not ours to close.
   */
  #release(): void {
    if (this.#fd < 0 || this.#underWay > 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    try {
      if (identityOf(fd) === this.#identity) closeSync(fd);
    } catch {
      // It was closed already.
    }
  }
}

/** Texts are read synchronously, so one buffer serves all files. */
const TEXT: Buffer = Buffer.alloc(65_536);

function identityOf(fd: number): string {
  const { dev, ino } = fstatSync(fd);
  return `${dev} ${ino}`;
}

function codeOf(error: unknown): string {
  return (error instanceof Error && (error as NodeJS.ErrnoException).code) || 'UNKNOWN';
}
