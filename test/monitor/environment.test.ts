// A monitor in the places a process may find itself in: other users, namespaces, what is missing and what is used up.
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { SampleResult } from 'finwait';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DescriptorCounts } from '../../src/kernel/procfs/descriptors.ts';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { testWith } from '../support/tools.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/programs/environment.mjs', import.meta.url));
const NO_NETLINK = fileURLToPath(new URL('../fixtures/programs/no-netlink.pl', import.meta.url));
const ROOT = process.getuid?.() === 0;
/** A mount namespace in which this process may mount. */
const OWN_MOUNTS = ROOT ? ['unshare', '-m'] : ['unshare', '-rm'];
const OWN_NETWORK = ROOT ? ['unshare', '-n'] : ['unshare', '-rn'];
const OTHER_USER = ROOT ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
/** Names for what a machine must allow: a test that lacks it says so. */
const MAY_MOUNT = may([...OWN_MOUNTS, 'sh', '-c', 'mount --bind /dev/null /etc/hostname'], 'a-mount-namespace');
const MAY_REMOUNT = may(shell('mount -o remount,bind,ro / && [ ! -w / ]', ['true']), 'a-root-that-may-be-remounted');

const DEADLINE_MS = 15_000;
/** The server and both ends of its connection. */
const OURS = { 'server listen': 1, 'server established': 1, 'client established': 1 };
const BY_SS = { ok: true, source: 'ss' };
const BY_PROCFS = { ok: true, source: 'procfs' };
const WORKS = { up: [1], kernel: OURS, node: OURS, netns: 11, internal: [] };
const NO_TABLE = { up: [0], kernel: {}, node: OURS, netns: 0, internal: [] };

let library: BuiltLibrary;
let ss = '';

beforeAll(() => {
  library = buildLibrary();
  chmodSync(library.folder, 0o755);
  ss = spawnSync('sh', ['-c', 'command -v ss'], { encoding: 'utf8' }).stdout.trim();
});
afterAll(() => library.remove());

describe.skipIf(process.platform !== 'linux')('a monitor', () => {
  testWith('ss && command -v setpriv', 'works as uid 65534', async () => {
    const report = await inPlace(OTHER_USER);
    if (ROOT) expect(report.uid).toBe(65_534);
    expect(report).toMatchObject({ ...WORKS, samples: [BY_SS, BY_SS], errors: {}, warnings: [], helpers: 1 });
    expect(report.counters).toMatchObject({ missing: 0 });
  });

  testWith('ss && command -v ip && command -v unshare', 'works in a network namespace of its own', async () => {
    const report = await inPlace(OWN_NETWORK, 'loopback');
    expect(report).toMatchObject({ ...WORKS, samples: [BY_SS, BY_SS], errors: {}, warnings: [] });
    // All there is in it is the server and its connection.
    expect(report.samples[1]).toMatchObject({ rows: 3, degraded: [] });
    expect(report.counters).toEqual({ missing: 0, currentEstablished: 2, activeOpens: 1 });
  });

  testWith(`ss && ${MAY_REMOUNT}`, 'works with a read-only root', async () => {
    const report = await inPlace(shell('mount -o remount,bind,ro / && [ ! -w / ]'));
    expect(report).toMatchObject({ ...WORKS, samples: [BY_SS, BY_SS], errors: {}, warnings: [] });
  });

  testWith(
    `ss && ${MAY_MOUNT}`,
    'works through ss where /proc/net is covered: no counter is known, none is 0',
    async () => {
      const report = await inPlace(shell('mount -t tmpfs none /proc/$$/net'));
      expect(report).toMatchObject({ ...WORKS, samples: [BY_SS, BY_SS], errors: {}, warnings: [], active: 'ss' });
      expect(report.counters).toEqual({ missing: 4 });
    },
  );

  testWith(`ss && ${MAY_MOUNT}`, 'works through ss where /proc shows processes only (subset=pid)', async () => {
    const under = [...OWN_MOUNTS, '-p', '-f', 'sh', '-c', 'mount -t proc -o subset=pid proc /proc && exec "$@"', 'sh'];
    const report = await inPlace(under);
    expect(report).toMatchObject({ ...WORKS, samples: [BY_SS, BY_SS], errors: {}, warnings: [], sysctls: 0 });
    expect(report.counters).toEqual({ missing: 4 });
    expect(report.descriptors?.open).toBeGreaterThan(2);
  });

  testWith('ss && command -v perl', 'works through procfs where a seccomp filter denies netlink', async () => {
    const report = await inPlace(['perl', NO_NETLINK]);
    expect(report).toMatchObject({ ...WORKS, samples: [BY_PROCFS, BY_PROCFS], active: 'procfs' });
    expect(report.errors).toMatchObject({ 'ss netlink_denied_fallback': 2 });
    expect(report.warnings).toEqual([
      expect.stringMatching(/by ss: netlink_denied_fallback \(Cannot open netlink.*; procfs serves instead$/),
    ]);
    expect(report.counters).toMatchObject({ missing: 0 });
  });

  testWith(MAY_MOUNT, 'works through procfs without ss, and without a helper for it', async () => {
    const report = await inPlace(without(ss));
    expect(report).toMatchObject({ ...WORKS, samples: [BY_PROCFS, BY_PROCFS], active: 'procfs', helpers: 0 });
    expect(report.errors).toMatchObject({ 'ss enoent': 2 });
    expect(report.warnings).toHaveLength(1);
    expect(report.counters).toMatchObject({ missing: 0 });
  });

  testWith(`ss && ${MAY_MOUNT}`, 'works through ss without sh: started directly', async () => {
    const report = await inPlace(without('/bin/sh'));
    expect(report).toMatchObject({ ...WORKS, samples: [BY_SS, BY_SS], errors: {}, warnings: [], helpers: 0 });
  });

  testWith(MAY_MOUNT, "has Node's column alone without ss and without /proc/net, and says so once", async () => {
    const report = await inPlace(shell(`mount -t tmpfs none /proc/$$/net; ${covered(ss)}`));
    expect(report).toMatchObject({ ...NO_TABLE, samples: [{ ok: false, reason: 'enoent' }, { ok: false }] });
    expect(report.errors).toEqual({ 'ss enoent': 2, 'procfs procfs_missing': 2 });
    expect(report.warnings).toHaveLength(2);
    expect(report.active).toBeUndefined();
    expect(report.counters).toEqual({ missing: 4 });
  });

  testWith('ss && command -v prlimit', 'reads rows and counters when all descriptors are in use', async () => {
    const report = await inPlace(['prlimit', '--nofile=128'], 'exhausted');
    expect(report.taken).toBeGreaterThan(50);
    expect(report).toMatchObject({ ...WORKS, samples: [BY_SS, BY_SS], errors: {}, warnings: [] });
    expect(report.counters).toMatchObject({ missing: 0, currentEstablished: expect.any(Number) });
    // More than that where some were inherited whose numbers are above the limit.
    expect(report.descriptors?.open).toBeGreaterThanOrEqual(128);
    expect(report.descriptors?.limit).toBe(128);
  });

  testWith(`prlimit && ${MAY_MOUNT}`, 'reads procfs when all descriptors are in use and there is no ss', async () => {
    const report = await inPlace([...without(ss), 'prlimit', '--nofile=128'], 'exhausted');
    expect(report).toMatchObject({ ...WORKS, samples: [BY_PROCFS, BY_PROCFS], active: 'procfs' });
    expect(report.counters).toMatchObject({ missing: 0 });
  });

  test("has Node's column alone on another platform, starts nothing and pretends nothing", async () => {
    const report = await inPlace([], 'darwin');
    const unsupported = { ok: false, reason: 'unsupported_platform', detail: expect.stringContaining('darwin') };
    expect(report).toMatchObject({
      samples: [unsupported, unsupported],
      up: [],
      kernel: {},
      netns: 0,
      node: OURS,
      errors: {},
      helpers: 0,
      internal: [],
      warnings: [],
      sysctls: 0,
    });
    expect(report.active).toBeUndefined();
    expect(report.counters).toBeUndefined();
    expect(report.descriptors).toBeUndefined();
  });
});

interface Report {
  readonly samples: readonly SampleResult[];
  readonly taken: number;
  readonly up: readonly number[];
  readonly active?: string;
  readonly errors: Readonly<Record<string, number>>;
  readonly kernel: Readonly<Record<string, number>>;
  readonly node: Readonly<Record<string, number>>;
  readonly netns: number;
  readonly counters?: { readonly missing: number; readonly currentEstablished?: number; readonly activeOpens?: number };
  readonly sysctls: number;
  readonly descriptors?: DescriptorCounts;
  readonly uid: number;
  readonly helpers: number;
  readonly internal: readonly unknown[];
  readonly warnings: readonly string[];
}

/** Runs the program under these words, and returns what it reports; anything it says besides is a failure. */
async function inPlace(under: readonly string[], ...wishes: readonly string[]): Promise<Report> {
  const [file = '', ...rest] = [...under, process.execPath, PROGRAM, ...wishes];
  const { stdout, stderr } = await promisify(execFile)(file, rest, {
    timeout: DEADLINE_MS,
    env: { PATH: process.env['PATH'], FINWAIT_DIST: library.folder },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Report;
}

/** Runs a command in a mount namespace, and then what follows in the same process. */
function shell(command: string, rest: readonly string[] = []): readonly string[] {
  return [...OWN_MOUNTS, 'sh', '-c', `${command} && exec "$@"`, 'sh', ...rest];
}

/** Puts what is no file in a program's place. */
function covered(path: string): string {
  return `mount --bind /dev/null '${path}'`;
}

function without(path: string): readonly string[] {
  return shell(path === '' ? 'true' : covered(path));
}

/** Something to be asked for by `testWith`: it is there if the command succeeds, and else has this name. */
function may(command: readonly string[], name: string): string {
  const [file = '', ...rest] = command;
  return spawnSync(file, rest, { stdio: 'ignore' }).status === 0 ? 'unshare' : name;
}
