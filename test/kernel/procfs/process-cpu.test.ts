import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readProcessCpu } from '../../../src/kernel/procfs/process-cpu.ts';
import { parseProcessStat } from '../../../src/kernel/procfs/process-stat.ts';

const STAT =
  '4711 (node) S 4700 4711 4700 34816 4711 4194304 9083 120 3 0 250 31 7 5 20 0 11 0 1234567 1040384000 12000 184467\n';

test('user and system time are ticks of 10 ms, those of children beside them', () => {
  expect(parseProcessStat(STAT)).toEqual({ parent: 4700, group: 4711, state: 'S', ownMs: 2_810, childrenMs: 120 });
});

test('a process may call itself what it likes', () => {
  for (const name of ['a b', 'x) R 1 2 3 (', ')', '((', 'tab\there']) {
    expect(parseProcessStat(STAT.replace('(node)', `(${name})`)), name).toEqual(parseProcessStat(STAT));
  }
});

test('what is no such text is undefined, and never throws', () => {
  for (const text of ['', '1 (a)', '1 (a) S', STAT.slice(0, 40), STAT.replace('250', 'x')]) {
    expect(parseProcessStat(text), text).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      const stat = parseProcessStat(text);
      expect(stat === undefined || Number.isFinite(stat.ownMs)).toBe(true);
    }),
  );
});

test('the main thread of this process is among its threads, and has used what it has used', () => {
  const before = readProcessCpu(process.ppid);
  expect(before?.threads.size).toBeGreaterThan(0);
  const mine = readProcessCpu(process.pid);
  const { user, system } = process.cpuUsage();
  // The text is cut to ticks, and the process goes on meanwhile.
  expect(mine?.ownMs).toBeLessThanOrEqual((user + system) / 1000);
  expect(mine?.ownMs).toBeGreaterThan((user + system) / 1000 - 500);
  expect(mine?.threads.get(process.pid)).toBeGreaterThan(0);
  expect([...(mine?.waits?.keys() ?? [])].every((thread) => mine?.threads.has(thread))).toBe(true);
  expect([...(mine?.waits?.values() ?? [])].every((ms) => ms >= 0)).toBe(true);
});

test('a process that has ended is undefined', async () => {
  const child = spawn('true');
  await once(child, 'exit');
  expect(readProcessCpu(child.pid ?? 0)).toBeUndefined();
});
