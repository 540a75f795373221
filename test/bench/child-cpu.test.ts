import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { childCpuMs } from '../../bench/programs/child-cpu.ts';

const BUSY = `sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'`;
/** Two numbers of procfs, each cut to 10 ms, beside two of times(1), which may be cut as well. */
const ROUNDING_MS = 40;

let shell: ChildProcessWithoutNullStreams;
let lines: AsyncIterator<string>;

beforeEach(() => {
  shell = spawn('sh');
  lines = createInterface(shell.stdout)[Symbol.asyncIterator]();
});

afterEach(() => shell.kill('SIGKILL'));

it('counts what children have used that have ended, as the shell that reaped them does', async () => {
  const pid = shell.pid as number;
  const before = childCpuMs(pid);
  await ask(`${BUSY}; ${BUSY}; echo done`);
  const used = childCpuMs(pid) - before;
  shell.stdin.write('times\n');
  await lines.next();
  const children = ((await lines.next()).value as string).split(' ').map(msOf);
  const expected = children.reduce((sum, ms) => sum + ms, 0);
  expect(expected).toBeGreaterThan(ROUNDING_MS);
  expect(Math.abs(used - expected)).toBeLessThan(ROUNDING_MS);
});

it('counts what a child uses that runs still, and what it has reaped, but not the process itself', async () => {
  const pid = shell.pid as number;
  const before = childCpuMs(process.pid);
  await ask('i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done');
  const own = childCpuMs(process.pid) - before;
  expect(own).toBeGreaterThan(ROUNDING_MS);
  expect(childCpuMs(pid)).toBe(0);
  await ask(`${BUSY}; echo done`);
  const reaped = childCpuMs(pid);
  expect(reaped).toBeGreaterThan(ROUNDING_MS);
  expect(childCpuMs(process.pid) - before - own).toBeGreaterThanOrEqual(reaped - ROUNDING_MS / 2);
});

it('throws where there is no such process', () => {
  expect(() => childCpuMs(0)).toThrow(/ENOENT/);
});

async function ask(command: string): Promise<void> {
  shell.stdin.write(`${command}\n`);
  expect((await lines.next()).value).toBe('done');
}

/** `0m0.120000s` */
function msOf(text: string): number {
  const [minutes, seconds] = text.replace('s', '').split('m');
  return (Number(minutes) * 60 + Number(seconds)) * 1_000;
}
