import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { findSs, type ReadSsOptions, readSs, type SsRead } from '../../src/kernel/read-ss.ts';
import { TUPLE } from '../../src/sockets/tuple.ts';
import { STATE } from '../../src/tcp/state.ts';

const ROW = 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 ino:1 sk:1 <->';
const FIXTURES = fileURLToPath(new URL('../fixtures/ss', import.meta.url));
const REAL_SS = findSs((process.env['PATH'] ?? '').split(':'));

let folder: string;
let scripts = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'finwait-ss-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

afterEach(() => vi.unstubAllEnvs());

describe('an ss that works', () => {
  it('gives its rows while it runs, and what the run cost', async () => {
    const { read, rows } = await run(`cat '${FIXTURES}/versions/ss-6.1.Htanoe.txt'`);
    expect(read).toEqual({
      ok: true,
      rows: 62,
      unparsed: 0,
      durationMs: expect.any(Number),
      blockedMs: expect.any(Number),
    });
    expect(rows).toBe(62);
    expect(read.blockedMs).toBeGreaterThan(0);
    expect(read.durationMs).toBeGreaterThanOrEqual(read.blockedMs);
  });

  it('is asked for all of TCP, numeric, with timers and details', async () => {
    expect((await run(`[ "$*" = '-Htanoe' ] && echo '${ROW}'`)).read).toMatchObject({ ok: true, rows: 1 });
  });

  it('sees nothing of our environment and has no stdin', async () => {
    vi.stubEnv('PROC_ROOT', '/nonexistent');
    vi.stubEnv('NODE_OPTIONS', '--no-warnings');
    const script = `read -r line; [ -z "$PROC_ROOT$NODE_OPTIONS$HOME" ] && [ "$LC_ALL" = C ] && echo '${ROW}'`;
    expect((await run(script)).read).toMatchObject({ ok: true, rows: 1 });
  });

  it('may find no sockets', async () => {
    expect((await run('exit 0')).read).toMatchObject({ ok: true, rows: 0 });
  });

  it('may complain once per row that it cannot name the cgroup', async () => {
    const script = `yes 'Failed to find cgroup2 mount' | head -n 100000 >&2; echo '${ROW}'`;
    const { read } = await run(script);
    expect(read).toMatchObject({ ok: true, rows: 1 });
    expect(read).not.toHaveProperty('degraded');
  });

  it.skipIf(REAL_SS === undefined)('shows a listener of this process', async (context) => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const states: number[] = [];
    const read = await readSs({
      path: REAL_SS as string,
      timeoutMs: 5000,
      onRow: (row) => {
        if (row.tuple[TUPLE.localPort] === port) states.push(row.state);
      },
    });
    server.close();
    context.skip(!read.ok && read.reason === 'netlink_denied_fallback', 'netlink is not allowed here');
    expect(read).toMatchObject({ ok: true, unparsed: 0 });
    expect(states).toEqual([STATE.LISTEN]);
  });
});

describe('an ss that works less than well', () => {
  it('is degraded by a complaint that nobody knows', async () => {
    expect((await run(`echo 'something new' >&2; echo '${ROW}'`)).read).toMatchObject({
      ok: true,
      rows: 1,
      degraded: { reason: 'stderr', detail: 'something new' },
    });
  });

  it('is degraded by one bad line in a hundred', async () => {
    expect((await run(`yes '${ROW}' | head -n 99; echo UNDEF`)).read).toMatchObject({
      ok: true,
      rows: 99,
      unparsed: 1,
      degraded: { reason: 'unparsed', detail: '1 of 100 lines, such as: UNDEF' },
    });
  });

  it('floods stderr with different lines, of which 4 KiB are kept', async () => {
    const { read } = await run(`seq 1 200000 >&2; echo '${ROW}'`);
    expect(read).toMatchObject({ ok: true, rows: 1, degraded: { reason: 'stderr' } });
    expect(read.ok && read.degraded?.detail).toHaveLength(4096);
  });
});

describe('an ss that fails', () => {
  it('is missing: enoent', async () => {
    const read = await readSs({ path: join(folder, 'absent'), timeoutMs: 5000, onRow: () => {} });
    expect(read).toMatchObject({ ok: false, reason: 'enoent', detail: expect.stringContaining('ENOENT') });
  });

  it('is not executable: eacces', async () => {
    expect((await run(`echo '${ROW}'`, {}, 0o644)).read).toMatchObject({ ok: false, reason: 'eacces' });
    expect(await readSs({ path: folder, timeoutMs: 5000, onRow: () => {} })).toMatchObject({ reason: 'eacces' });
  });

  it('cannot be spawned at all: spawn_failed', async () => {
    const read = await readSs({ path: 'no\0path', timeoutMs: 5000, onRow: () => {} });
    expect(read).toMatchObject({ ok: false, reason: 'spawn_failed' });
  });

  it('does not know an option: unsupported_option', async () => {
    expect((await run('echo "ss: invalid option -- \'O\'" >&2; exit 255')).read).toMatchObject({
      ok: false,
      reason: 'unsupported_option',
      detail: "exit code 255: ss: invalid option -- 'O'",
    });
  });

  it('exits with another code: usage', async () => {
    expect((await run(`echo '${ROW}'; exit 1`)).read).toMatchObject({ ok: false, reason: 'usage' });
  });

  it('fell back to procfs, which it says: netlink_denied_fallback', async () => {
    const complaint = 'Cannot open netlink socket: Operation not permitted';
    expect((await run(`echo '${complaint}' >&2; echo '${ROW}'`)).read).toMatchObject({
      ok: false,
      reason: 'netlink_denied_fallback',
      detail: complaint,
    });
  });

  it('fell back to procfs without a word: netlink_denied_fallback', async () => {
    const { read } = await run(`cat '${FIXTURES}/fallback-procfs.tanoe.txt'`);
    expect(read).toMatchObject({ ok: false, reason: 'netlink_denied_fallback' });
  });

  it('breaks off its dump with exit code 0: netlink_partial', async () => {
    const complaint = 'netlink receive error No buffer space available (105)';
    expect((await run(`echo '${ROW}'; printf '%s' '${complaint}' >&2`)).read).toMatchObject({
      ok: false,
      reason: 'netlink_partial',
      detail: complaint,
    });
  });

  it('breaks off its dump behind a flood of harmless lines: netlink_partial', async () => {
    const flood = "yes 'Failed to find cgroup2 mount' | head -n 10000 >&2";
    const { read } = await run(`${flood}; echo '${ROW}'; echo 'RTNETLINK answers: Device or resource busy' >&2`);
    expect(read).toMatchObject({ ok: false, reason: 'netlink_partial' });
  });

  it('is ended by a signal: signalled', async () => {
    expect((await run(`echo '${ROW}'; kill -SYS $$`)).read).toMatchObject({
      ok: false,
      reason: 'signalled',
      detail: 'SIGSYS',
    });
  });

  it('hangs: timeout', async () => {
    const { read, rows } = await run(`echo '${ROW}'; exec sleep 60`, { timeoutMs: 300 });
    expect(read).toMatchObject({ ok: false, reason: 'timeout' });
    expect(read.durationMs).toBeGreaterThanOrEqual(299);
    expect(rows).toBeLessThanOrEqual(1);
  });

  it('hangs in a grandchild that holds the pipes: timeout all the same', async () => {
    expect((await run('sleep 5 & wait', { timeoutMs: 100 })).read).toMatchObject({ ok: false, reason: 'timeout' });
  });

  it('stops in the middle of a line: truncated', async () => {
    expect((await run(`echo '${ROW}'; printf 'ESTAB 0 0 127.0.0.1:1'`)).read).toMatchObject({
      ok: false,
      reason: 'truncated',
      detail: 'cut off after 1 rows',
    });
  });

  it('prints garbage: parse_ratio', async () => {
    expect((await run('yes nonsense | head -n 1000')).read).toMatchObject({
      ok: false,
      reason: 'parse_ratio',
      detail: '1000 of 1000 lines, such as: nonsense',
    });
  });

  it('prints nothing where there are sockets: empty_suspect', async () => {
    expect((await run('exit 0', { expectedRows: 7 })).read).toMatchObject({ ok: false, reason: 'empty_suspect' });
    expect((await run(`echo '${ROW}'`, { expectedRows: 7 })).read).toMatchObject({ ok: true });
  });
});

describe('a caller', () => {
  it('that throws stops the run and gets a result', async () => {
    let calls = 0;
    const onRow = (): void => {
      calls++;
      throw new Error('no room');
    };
    const { read } = await run(`yes '${ROW}' | head -n 100000`, { onRow });
    expect(read).toMatchObject({ ok: false, reason: 'consumer_threw', detail: 'no room' });
    expect(calls).toBe(1);
  });

  it('with nothing else to do exits without waiting for ss', async () => {
    expect(await host({ timeoutMs: 60_000, keepAlive: false })).toBe('');
  });

  it('that asks for it stays until ss has ended', async () => {
    expect(await host({ timeoutMs: 200, keepAlive: true })).toBe('timeout');
  });
});

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

/** Reads from a shell script in place of ss. */
async function run(
  script: string,
  options: Partial<ReadSsOptions> = {},
  mode = 0o755,
): Promise<{ read: SsRead; rows: number }> {
  let rows = 0;
  const onRow = (): void => {
    rows++;
  };
  const read = await readSs({ path: fake(script, mode), timeoutMs: 20_000, onRow, ...options });
  return { read, rows };
}

function fake(script: string, mode = 0o755): string {
  const path = join(folder, `ss-${++scripts}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode });
  return path;
}

/** What a process prints that does nothing but read from an ss that hangs. */
function host(options: { timeoutMs: number; keepAlive: boolean }): Promise<string> {
  const reader = new URL('../../src/kernel/read-ss.ts', import.meta.url);
  const call = JSON.stringify({ ...options, path: fake('exec sleep 5') });
  const program = join(folder, 'host.mjs');
  writeFileSync(
    program,
    `import { readSs } from '${reader}';\n` +
      `void readSs({ ...${call}, onRow() {} }).then((read) => process.stdout.write(read.reason));\n`,
  );
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}
