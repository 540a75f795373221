import { closeSync, fstatSync, mkdtempSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProcFile } from '../../../src/kernel/procfs/proc-file.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finwait-proc-'));
  path = join(folder, 'file');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a file under /proc', () => {
  it('is opened once and shows what is in it now', () => {
    writeFileSync(path, 'one');
    const file = new ProcFile(path);
    expect(file.readText()).toBe('one');
    writeFileSync(path, 'two and more');
    expect(file.readText()).toBe('two and more');
    // The same descriptor still: the name is of no use any more.
    renameSync(path, `${path}-moved`);
    expect(file.readText()).toBe('two and more');
    file.close();
  });

  it('that is longer than one read gives is read to its end, and at most 64 KiB of it', () => {
    writeFileSync(path, 'x'.repeat(70_000));
    const file = new ProcFile(path);
    expect(file.readText()).toBe('x'.repeat(65_536));
    file.close();
  });

  it('that is not there yet is opened by a later read', () => {
    const file = new ProcFile(path);
    expect(file.failure).toBe('ENOENT');
    expect(file.readText()).toBeUndefined();
    writeFileSync(path, 'here');
    expect(file.readText()).toBe('here');
    expect(file.failure).toBeUndefined();
    file.close();
  });

  it('is read from any position, by this thread or another', async () => {
    writeFileSync(path, '0123456789');
    const file = new ProcFile(path);
    const buffer = Buffer.alloc(4);
    expect(file.read(buffer, 3)).toBe(4);
    expect(buffer.toString()).toBe('3456');
    expect(await file.readOffThread(buffer, 6)).toBe(4);
    expect(buffer.toString()).toBe('6789');
    expect(await file.readOffThread(buffer, 10)).toBe(0);
    file.close();
  });

  it('that cannot be read, such as a folder, says why and throws nothing', async () => {
    const file = new ProcFile(folder);
    expect(file.readText()).toBeUndefined();
    expect(file.failure).toBe('EISDIR');
    expect(await file.readOffThread(Buffer.alloc(4), 0)).toBe(-1);
    expect(file.failure).toBe('EISDIR');
    file.close();
  });

  it('that is closed stays closed', async () => {
    writeFileSync(path, 'text');
    const file = new ProcFile(path);
    file.close();
    expect(file.readText()).toBeUndefined();
    expect(await file.readOffThread(Buffer.alloc(4), 0)).toBe(-1);
    expect(file.failure).toBe('EBADF');
    file.close();
  });

  it('that is closed while a thread reads from it is closed when that is done', async () => {
    writeFileSync(path, 'text');
    const file = new ProcFile(path);
    const fd = descriptorOf(path);
    const buffer = Buffer.alloc(4);
    const reading = file.readOffThread(buffer, 0);
    file.close();
    expect(fstatSync(fd).ino).toBe(statSync(path).ino);
    expect(await reading).toBe(4);
    expect(descriptorOf(path)).toBe(-1);
  });

  it('whose descriptor the program closed and used again is opened anew, and the other file left alone', () => {
    writeFileSync(path, 'ours');
    const file = new ProcFile(path);
    const fd = descriptorOf(path);
    closeSync(fd);
    const theirs = openSync(folder, 'r');
    expect(theirs).toBe(fd);
    // This read fails, because a folder cannot be read, and the next one works.
    expect(file.readText()).toBeUndefined();
    expect(file.readText()).toBe('ours');
    file.close();
    expect(fstatSync(theirs).isDirectory()).toBe(true);
    closeSync(theirs);
  });

  it('whose descriptor the program closed is opened anew', () => {
    writeFileSync(path, 'ours');
    const file = new ProcFile(path);
    closeSync(descriptorOf(path));
    expect(file.readText()).toBeUndefined();
    expect(file.failure).toBe('EBADF');
    expect(file.readText()).toBe('ours');
    file.close();
    expect(descriptorOf(path)).toBe(-1);
  });
});

/** Our descriptor of a file, or -1. */
function descriptorOf(name: string): number {
  const { dev, ino } = statSync(name);
  for (let fd = 3; fd < 1024; fd++) {
    try {
      const found = fstatSync(fd);
      if (found.ino === ino && found.dev === dev) return fd;
    } catch {
      // Not an open one.
    }
  }
  return -1;
}
