import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findSs } from '../../../src/kernel/ss/find-ss.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'finwait-ss-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('ss is found', () => {
  const having =
    (...present: readonly string[]) =>
    (path: string): boolean =>
      present.includes(path);

  it('in the first folder of the search path that has it', () => {
    expect(findSs(['/a', '/b/', '/c'], having('/b/ss', '/c/ss', '/usr/bin/ss'))).toBe('/b/ss');
  });

  it('where systems keep it, if the search path lacks it', () => {
    expect(findSs([], having('/bin/ss', '/usr/sbin/ss'))).toBe('/usr/sbin/ss');
    expect(findSs(['/a'], having('/bin/ss'))).toBe('/bin/ss');
  });

  it('in no folder whose name depends on the working directory', () => {
    expect(findSs(['', '.', 'bin'], (path) => !path.startsWith('/'))).toBeUndefined();
  });

  it('nowhere, if it is nowhere', () => {
    expect(findSs(['/a'], having())).toBeUndefined();
  });

  it('only if it is a file that can be executed', () => {
    const [plain, runnable, directory] = ['plain', 'runnable', 'directory'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [plain, runnable, directory]) mkdirSync(path);
    mkdirSync(join(directory, 'ss'));
    writeFileSync(join(plain, 'ss'), '', { mode: 0o644 });
    writeFileSync(join(runnable, 'ss'), '', { mode: 0o755 });
    expect(findSs([directory, plain, runnable])).toBe(join(runnable, 'ss'));
  });
});
