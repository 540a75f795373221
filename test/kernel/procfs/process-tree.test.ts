import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { isRunning, readPids, readProcessTree, readTitle } from '../../../src/kernel/procfs/process-tree.ts';
import { until } from '../../support/wait.ts';

const started: ChildProcess[] = [];
afterEach(() => {
  for (const { pid } of started.splice(0)) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
});

test('a shell and what it has started are a tree, the shell first', async () => {
  const shell = spawn('sh', ['-c', 'sleep 60 & sleep 60 & wait'], { detached: true });
  started.push(shell);
  const pid = shell.pid ?? 0;
  await until(
    () => readProcessTree(pid).length === 3,
    () => `three processes: ${readProcessTree(pid)}`,
  );
  const [first, ...children] = readProcessTree(pid);
  expect(first).toBe(pid);
  await until(
    () => children.every((child) => readTitle(child) === 'sleep 60'),
    () => `two sleeps: ${children.map((child) => readTitle(child))}`,
  );
  expect(readPids()).toEqual(expect.arrayContaining([pid, ...children]));
});

test('a process that has ended has no tree and no title, also before anybody has waited for it', async () => {
  const shell = spawn('sh', ['-c', 'sleep 0 & exec sleep 60'], { detached: true });
  started.push(shell);
  const pid = shell.pid ?? 0;
  // The first sleep ends, and the second, which the shell has become, never waits for it.
  await until(
    () => readTitle(pid) === 'sleep 60' && readProcessTree(pid).length === 1,
    () => `the second sleep alone: ${readProcessTree(pid).map((each) => readTitle(each))}`,
  );
  const gone = spawn('true');
  await once(gone, 'exit');
  expect(readProcessTree(gone.pid ?? 0)).toEqual([]);
  expect(readTitle(gone.pid ?? 0)).toBeUndefined();
  expect(isRunning(gone.pid ?? 0)).toBe(false);
});

test('without CONFIG_PROC_CHILDREN the parents of all processes tell', () => {
  const root = mkdtempSync(join(tmpdir(), 'finwait-proc-'));
  try {
    const parents: readonly (readonly [number, number])[] = [
      [1, 0],
      [10, 1],
      [11, 10],
      [12, 11],
      [20, 1],
    ];
    for (const [pid, parent] of parents) {
      mkdirSync(join(root, `${pid}/task/${pid}`), { recursive: true });
      writeFileSync(join(root, `${pid}/stat`), `${pid} (a b) S ${parent}${' 0'.repeat(48)}\n`);
    }
    expect(readProcessTree(10, undefined, root)).toEqual([10, 11, 12]);
    expect(readProcessTree(1, 11, root)).toEqual([1, 10, 20]);
    expect(readProcessTree(99, undefined, root)).toEqual([]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
