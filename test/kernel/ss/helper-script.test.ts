// The helper's program in the shells that distributions call sh.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { HELPER_SCRIPT } from '../../../src/kernel/ss/helper-script.ts';
import { SsRunner } from '../../../src/kernel/ss/ss-runner.ts';
import { FakeFolder, ROW } from '../../support/fake-ss.ts';
import { livingGroup, processes, processText } from '../../support/processes.ts';
import { testWith } from '../../support/tools.ts';
import { until } from '../../support/wait.ts';

let fakes: FakeFolder;
let child: ChildProcess | undefined;
let runner: SsRunner | undefined;

beforeAll(() => {
  fakes = new FakeFolder();
});

afterEach(() => {
  runner?.close();
  if (child?.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
});

afterAll(() => fakes.remove());

describe.each(['dash', 'bash', 'busybox'])('in %s', (shell) => {
  const path = (): string => spawnSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }).stdout.trim();

  testWith(shell, `${shell} runs ss, tells how it ended, and survives its end by SIGTERM`, async () => {
    const fake = fakes.write(`echo '${ROW}'`);
    const failures: Error[] = [];
    runner = new SsRunner({ path: fake, shell: path(), onHelperFailure: (failure) => failures.push(failure) });
    const read = (timeoutMs: number) => (runner as SsRunner).read({ timeoutMs, onRow: () => undefined });
    expect(await read(8_000)).toMatchObject({ ok: true, rows: 1, via: 'helper' });
    fakes.replace(fake, 'kill -SYS $$');
    expect(await read(8_000)).toMatchObject({ reason: 'signalled', detail: 'SIGSYS', via: 'helper' });
    fakes.replace(fake, `echo '${ROW}'`, 0o644);
    expect(await read(8_000)).toMatchObject({ reason: 'eacces', via: 'helper' });
    fakes.replace(fake, 'exec sleep 60');
    expect(await read(100)).toMatchObject({ reason: 'timeout', via: 'helper' });
    fakes.replace(fake, `echo '${ROW}'`);
    await until(
      async () => (await read(8_000)).via === 'helper',
      () => 'a read through the helper',
    );
    expect(failures).toEqual([]);
  });

  testWith(shell, `${shell} keeps its head when it is sent SIGTERM at rest`, async () => {
    const { pid, output } = start(path());
    for (let each = 0; each < 20; each++) {
      // Before the first request it may not have come to its trap yet.
      if (each > 0) process.kill(-pid, 'SIGTERM');
      child?.stdin?.write(`token${each}\n${fakes.path}/absent\n-x\n`);
      await until(
        () => output().endsWith(`token${each} 127\n`),
        () => output(),
      );
    }
    expect(livingGroup(pid)).toHaveLength(2);
  });

  testWith(shell, `${shell} collects its children when its input ends`, async () => {
    const { pid } = start(path());
    child?.stdin?.write(`token\n${fakes.write('exec sleep 60')}\n-x\n`);
    await until(
      () => fakes.running().length > 0,
      () => 'ss runs',
    );
    const group = livingGroup(pid).map((info) => info.pid);
    expect(group).toHaveLength(3);
    child?.stdin?.destroy();
    process.kill(-pid, 'SIGTERM');
    await until(
      () => livingGroup(pid).length === 0,
      () => processText(livingGroup(pid)),
    );
    // Nothing that some other process would have to wait for: not even in state Z.
    const left = processes().filter((info) => info.pid !== pid && group.includes(info.pid));
    expect(processText(left)).toBe('');
  });

  testWith(shell, `${shell} and a hanging ss that ignores SIGTERM are gone when descriptor 3 ends`, async () => {
    const { pid } = start(path());
    child?.stdin?.write(`token\n${fakes.write(`trap '' TERM; while :; do sleep 60; done`)}\n-x\n`);
    await until(
      () => fakes.running().some(({ command }) => command.includes('sleep')),
      () => 'ss runs',
    );
    (child?.stdio[3] as { destroy(): void } | undefined)?.destroy();
    await until(
      () => livingGroup(pid).length === 0,
      () => processText(livingGroup(pid)),
    );
  });

  testWith(shell, `${shell} and its watchdog take less than 2 MB`, async () => {
    const { pid, output } = start(path());
    child?.stdin?.write(`token\n${fakes.path}/absent\n-x\n`);
    await until(
      () => output() !== '',
      () => 'the helper rests',
    );
    const kilobytes = livingGroup(pid).map((info) => {
      const [, pss] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${info.pid}/smaps_rollup`, 'utf8')) ?? [];
      return Number(pss);
    });
    expect(kilobytes).toHaveLength(2);
    expect(kilobytes.reduce((sum, each) => sum + each)).toBeLessThan(2048);
  });
});

/** The helper's shell, as SsHelper starts it. */
function start(shell: string): { readonly pid: number; output(): string } {
  child = spawn(shell, ['-c', HELPER_SCRIPT, 'finwait'], {
    argv0: 'sh',
    env: { LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
    detached: true,
  });
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  return { pid: child.pid ?? 0, output: () => text };
}
