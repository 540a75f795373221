// What having ss run does to the process that asks for it, and what is left when that process is gone.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../../support/child.ts';
import { FakeFolder, ROW } from '../../support/fake-ss.ts';
import { livingGroup, processes, processText } from '../../support/processes.ts';
import { testWith } from '../../support/tools.ts';
import { until } from '../../support/wait.ts';

const PROGRAM = fileURLToPath(new URL('../../fixtures/programs/ss-host.mjs', import.meta.url));
const ROOT = process.getuid?.() === 0;

let fakes: FakeFolder;
let library: BuiltLibrary;
const hosts: ChildProcess[] = [];

beforeAll(() => {
  fakes = new FakeFolder();
  library = buildLibrary();
  // Another user is to read them, who may not be able to read this repository.
  copyFileSync(PROGRAM, join(library.folder, 'ss-host.mjs'));
  for (const folder of [fakes.path, library.folder]) chmodSync(folder, 0o755);
});

afterEach(() => {
  for (const host of hosts.splice(0)) if (host.exitCode === null && host.signalCode === null) host.kill('SIGKILL');
});

afterAll(() => {
  fakes.remove();
  library.remove();
});

describe.skipIf(process.platform !== 'linux')('a process', () => {
  it('with a monitor and nothing else to do ends at once, and so does its helper', async () => {
    const startedAt = performance.now();
    const { lines, ended } = host('monitor', fakes.write('exec sleep 60'));
    expect(await ended).toBe(0);
    // Less than the first sample takes to come, and far less than the reads of a monitor may last.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await isGone(lines()[0]);
  });

  it('that reads and has nothing else to do ends without waiting for ss', async () => {
    const { lines, ended } = host('read and leave', fakes.write('exec sleep 60'));
    expect(await ended).toBe(13);
    expect(lines()).toHaveLength(1);
    await isGone(lines()[0]);
    await nothingRuns();
  });

  it('that asks for it stays until ss has ended', async () => {
    const { lines, ended } = host('read', fakes.write(`sleep 0.2; echo '${ROW}'`));
    expect(await ended).toBe(0);
    expect(lines()[1]).toMatchObject({ ok: true, rows: 1, via: 'helper' });
    await isGone(lines()[0]);
  });

  it.each(['exec sleep 60', `trap '' TERM INT HUP; while :; do sleep 60; done`])(
    'that is killed while ss hangs (%s) leaves nothing behind',
    async (script) => {
      const { child, lines } = host('hang', fakes.write(script));
      await until(
        () => lines().length === 1 && fakes.running().some(({ command }) => command.includes('sleep 60')),
        () => `ss runs: ${JSON.stringify(lines())}`,
      );
      child.kill('SIGKILL');
      await isGone(lines()[0]);
      await nothingRuns();
    },
  );

  testWith('prlimit', 'without a descriptor left reads through its helper, also after a timeout', async () => {
    const { lines, ended } = host('no descriptors', fakes.write(`sleep 0.05; echo '${ROW}'`), [
      'prlimit',
      '--nofile=64',
    ]);
    expect(await ended).toBe(0);
    expect(lines()).toEqual([
      { error: 'EMFILE' },
      [
        expect.objectContaining({ ok: true, rows: 1, via: 'helper' }),
        expect.objectContaining({ ok: false, reason: 'timeout', via: 'helper' }),
        expect.objectContaining({ ok: false, reason: 'spawn_failed', via: 'direct' }),
      ],
    ]);
  });

  it('has no listener and no descriptor more than before, and nothing that keeps it alive', async () => {
    const { lines, ended } = host('traces', fakes.write(`echo '${ROW}'`));
    expect(await ended).toBe(0);
    const { before, after, ...rest } = lines()[0] as Readonly<Record<string, unknown>>;
    expect(after).toEqual(before);
    expect(rest).toEqual({ resources: 0, descriptors: 0 });
  });
});

describe.skipIf(process.platform !== 'linux')('the ss of this machine, through the helper', () => {
  const under = async (command: readonly string[]): Promise<void> => {
    const { lines, ended } = host('read', undefined, command);
    expect(await ended).toBe(0);
    expect(lines()[1]).toMatchObject({ ok: true, via: 'helper' });
  };
  const readOnly = ['sh', '-c', 'mount -o remount,bind,ro / && [ ! -w / ] && exec "$@"', 'sh'];
  const unshared = ROOT ? ['unshare', '-m'] : ['unshare', '-rm'];
  const mayRemount =
    spawnSync(unshared[0] as string, [...unshared.slice(1), ...readOnly, 'true'], { stdio: 'ignore' }).status === 0;

  testWith('ss', 'reads as another user', () =>
    // Not being root is what it is about; who already is not needs no command.
    under(ROOT ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []),
  );

  const needed = mayRemount ? 'unshare' : 'unshare-of-a-root-that-may-be-remounted';
  testWith(needed, 'reads with a read-only root', () => under([...unshared, ...readOnly]));

  testWith('unshare', 'reads in a network namespace of its own', () => under([...unshared, '-n']));
});

interface Host {
  readonly child: ChildProcess;
  /** The lines it has written, each read as JSON. */
  lines(): unknown[];
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Starts a life of ss-host.mjs, if need be under some command. */
function host(life: string, path: string | undefined, under: readonly string[] = []): Host {
  const program = [process.execPath, join(library.folder, 'ss-host.mjs'), life, ...(path === undefined ? [] : [path])];
  const [command, ...rest] = [...under, ...program] as [string, ...string[]];
  const child = spawn(command, rest, {
    env: { PATH: process.env['PATH'] ?? '', FINWAIT_DIST: library.folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  hosts.push(child);
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  return {
    child,
    lines: () =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    ended: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(code ?? signal));
    }),
  };
}

/** Waits until nothing runs in the group of a host's only helper. */
async function isGone(line: unknown): Promise<void> {
  const { helpers } = line as { readonly helpers: readonly number[] };
  expect(helpers).toHaveLength(1);
  const [helper = 0] = helpers;
  await until(
    () => livingGroup(helper).length === 0,
    () => processText(livingGroup(helper)),
  );
}

async function nothingRuns(): Promise<void> {
  await until(
    () => fakes.running().length === 0,
    () => processText([...fakes.running(), ...processes().filter(({ command }) => command.includes('finwait'))]),
  );
}
