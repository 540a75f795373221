// One ss, run by the helper and directly: what comes of each way in which it may fail.
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { findSs } from '../../../src/kernel/ss/find-ss.ts';
import { type SsRead, type SsReadOptions, SsRunner, type SsRunnerOptions } from '../../../src/kernel/ss/ss-runner.ts';
import { TUPLE } from '../../../src/sockets/tuple.ts';
import { STATE } from '../../../src/tcp/state.ts';
import { FakeFolder, QUICK_FAULTS, ROW, SLOW_FAULTS } from '../../support/fake-ss.ts';
import { childrenOf, livingGroup, processText } from '../../support/processes.ts';
import { until } from '../../support/wait.ts';

const REAL_SS = findSs((process.env['PATH'] ?? '').split(':'));

const HELPER = 'finwait: runs ss';

let fakes: FakeFolder;
const runners: SsRunner[] = [];

beforeAll(() => {
  fakes = new FakeFolder();
});

afterAll(() => fakes.remove());

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const runner of runners.splice(0)) runner.close();
  await until(
    () => fakes.running().length === 0 && childrenOf(process.pid).every(({ command }) => !command.includes(HELPER)),
    () => processText([...fakes.running(), ...childrenOf(process.pid)]),
  );
});

describe.each([
  ['helper', true],
  ['direct', false],
] as const)('ss through the way "%s"', (via, helper) => {
  const create = (script: string, options: SsRunnerOptions = {}): SsRunner =>
    open({ path: fakes.write(script), helper, ...options });

  it.each([...QUICK_FAULTS, ...SLOW_FAULTS])('$name', async ({ script, mode, options, expected, direct }) => {
    const runner = open({ path: fakes.write(script, mode), helper });
    const { read } = await run(runner, options);
    expect(read).toMatchObject({ ...(helper ? expected : (direct ?? expected)), via });
    await until(
      () => fakes.running().length === 0,
      () => processText(fakes.running()),
    );
  });

  it('is missing: enoent', async () => {
    const runner = open({ path: join(fakes.path, 'absent'), helper });
    expect((await run(runner)).read).toMatchObject({ ok: false, reason: 'enoent', via });
  });

  it('is a folder: eacces', async () => {
    const runner = open({ path: fakes.path, helper });
    expect((await run(runner)).read).toMatchObject({ ok: false, reason: 'eacces', via });
  });

  it('gives rows and what they cost', async () => {
    const { read, rows } = await run(create(`echo '${ROW}'; echo '${ROW}'`));
    expect(read).toEqual({
      ok: true,
      rows: 2,
      unparsed: 0,
      via,
      durationMs: expect.any(Number),
      blockedMs: expect.any(Number),
    });
    expect(rows).toBe(2);
    expect(read.blockedMs).toBeGreaterThan(0);
    expect(read.durationMs).toBeGreaterThanOrEqual(read.blockedMs);
  });

  it('is asked for all of TCP as the kernel tells it, numeric with timers and details if it must be text, or for what the caller wants', async () => {
    const runner = create(`[ "$#:$*" = '3:-Htanoe -D -' ] && echo '${ROW}'; [ "$#:$2" = '6:*' ] && echo '${ROW}'; :`);
    expect((await run(runner)).read).toMatchObject({ ok: true, rows: 1 });
    const args = ['-Htn', '*', '(', 'sport', ':8080', ')'];
    expect((await run(runner, { args })).read).toMatchObject({ ok: true, rows: 1, via });
  });

  it('is given arguments with blanks as they are, if need be without the helper', async () => {
    const runner = create(`[ "$#:$1" = '1:a $(b) "c' ] && echo '${ROW}'; :`);
    expect((await run(runner, { args: ['a $(b) "c'] })).read).toMatchObject({ ok: true, rows: 1, via: 'direct' });
  });

  it('sees nothing of our environment, has no stdin, no other descriptor, and is at home in /', async () => {
    vi.stubEnv('PROC_ROOT', '/nonexistent');
    vi.stubEnv('NODE_OPTIONS', '--no-warnings');
    const descriptors = 'for each in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$each ] || exit 3; done';
    const script = `read -r line; [ -z "$PROC_ROOT$NODE_OPTIONS$HOME" ] && [ "$LC_ALL$(pwd)" = C/ ] || exit 2`;
    expect((await run(create(`${script}; ${descriptors}; echo '${ROW}'`))).read).toMatchObject({ ok: true, rows: 1 });
  });

  it('has a path with blanks, quotes and dollars', async () => {
    const path = join(fakes.path, `a "b' $(c) * \\d`);
    fakes.replace(path, `echo '${ROW}'`);
    expect((await run(open({ path, helper }))).read).toMatchObject({ ok: true, rows: 1, via });
  });

  it('is replaced and removed between two reads', async () => {
    const path = fakes.write(`echo '${ROW}'`);
    const runner = open({ path, helper });
    expect((await run(runner)).read).toMatchObject({ ok: true, rows: 1 });
    fakes.replace(path, `echo '${ROW}'; echo '${ROW}'`);
    expect((await run(runner)).read).toMatchObject({ ok: true, rows: 2 });
    fakes.replace(path, `echo '${ROW}'`, 0o644);
    expect((await run(runner)).read).toMatchObject({ reason: 'eacces' });
    rmSync(path);
    expect((await run(runner)).read).toMatchObject({ reason: 'enoent' });
    fakes.replace(path, `echo '${ROW}'`);
    expect((await run(runner)).read).toMatchObject({ ok: true, rows: 1, via });
  });

  it('prints 200 MB of garbage and is ended early, and the memory stays', async () => {
    const before = process.memoryUsage().rss;
    const { read } = await run(create('yes nonsense | head -c 200000000'));
    expect(read.ok ? '' : read.detail).toMatch(/^\d+ of \d{5} lines, such as: nonsense$/);
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
  });

  it('floods stderr, of which 4 KiB are kept', async () => {
    const { read } = await run(create(`seq 1 2000000 >&2; echo '${ROW}'`));
    expect(read.ok && read.degraded?.detail).toHaveLength(4096);
  });

  it('is looked for in PATH, and again when it is gone from there', async () => {
    const [one, two] = ['one', 'two'].map((name) => join(fakes.path, `${name}-${via}`)) as [string, string];
    for (const folder of [one, two]) mkdirSync(folder);
    vi.stubEnv('PATH', `${one}:${two}`);
    fakes.replace(join(one, 'ss'), `echo '${ROW}'`);
    const runner = open({ helper });
    expect((await run(runner)).read).toMatchObject({ ok: true, rows: 1, via });
    renameSync(join(one, 'ss'), join(two, 'ss'));
    expect((await run(runner)).read).toMatchObject({ ok: true, rows: 1, via });
  });

  it('is given up by the caller: signalled, at once', async () => {
    const abort = new AbortController();
    let rows = 0;
    const runner = create(`echo '${ROW}'; exec sleep 60`);
    const options = { timeoutMs: 20_000, signal: abort.signal };
    const read = runner.read({ ...options, onRow: () => rows++ });
    // The helper holds the newest bytes back, so this row is not yet known to be one.
    await until(
      () => fakes.running().some(({ command }) => command.includes('sleep')),
      () => 'ss runs',
    );
    abort.abort();
    expect(await read).toMatchObject({ ok: false, reason: 'signalled', detail: 'given up by the caller' });
    expect(await runner.read({ ...options, onRow: () => rows++ })).toMatchObject({ reason: 'signalled' });
    await until(
      () => fakes.running().length === 0,
      () => processText(fakes.running()),
    );
  });

  it('runs for a caller that throws: consumer_threw, after one row', async () => {
    let calls = 0;
    const onRow = (): void => {
      calls++;
      throw new Error('no room');
    };
    const { read } = await run(create(`yes '${ROW}' | head -n 100000`), { onRow });
    expect(read).toMatchObject({ ok: false, reason: 'consumer_threw', detail: 'no room' });
    expect(calls).toBe(1);
  });

  it('runs once at a time, and each read gets its own rows', async () => {
    const busy = join(fakes.path, `busy-${via}`);
    const runner = create(`mkdir '${busy}' || exit 1; echo '${ROW}'; sleep 0.02; rmdir '${busy}'`);
    const reads = await Promise.all([run(runner), run(runner), run(runner)]);
    for (const { read, rows } of reads) {
      expect(read).toMatchObject({ ok: true, rows: 1, via });
      expect(rows).toBe(1);
    }
  });

  it('is not harmed by what a run before writes that was given up', async () => {
    const path = fakes.write(`trap '' TERM; while :; do echo '${ROW}'; sleep 0.01; done`);
    const runner = open({ path, helper });
    expect((await run(runner, { timeoutMs: 200 })).read).toMatchObject({ reason: 'timeout' });
    fakes.replace(path, `echo '${ROW}'; sleep 0.1; echo '${ROW}'`);
    for (let each = 0; each < 3; each++) {
      const { read, rows } = await run(runner);
      expect(read).toMatchObject({ ok: true, rows: 2, unparsed: 0 });
      expect(rows).toBe(2);
    }
  });

  it('ends with close(), and later reads have a result', async () => {
    const runner = create('exec sleep 60');
    const [read, queued] = [run(runner), run(runner)];
    await until(
      () => fakes.running().length > 0,
      () => 'ss runs',
    );
    runner.close();
    runner.close();
    expect((await read).read).toMatchObject({ ok: false, reason: 'signalled' });
    expect((await queued).read).toMatchObject({ ok: false, reason: 'signalled' });
    expect((await run(runner)).read).toMatchObject({ ok: false, reason: 'signalled' });
    await until(
      () => fakes.running().length === 0,
      () => processText(fakes.running()),
    );
  });

  it.skipIf(REAL_SS === undefined)('shows a listener of this process, by the ss of this machine', async (context) => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const states: number[] = [];
    const { read } = await run(open({ helper }), {
      onRow: (row) => {
        if (row.tuple[TUPLE.localPort] === port) states.push(row.state);
      },
    });
    server.close();
    context.skip(!read.ok && read.reason === 'netlink_denied_fallback', 'netlink is not allowed here');
    expect(read).toMatchObject({ ok: true, unparsed: 0, via });
    expect(states).toEqual([STATE.LISTEN]);
  });
});

describe('the helper', () => {
  it('survives an ss that hangs, and runs the next one', async () => {
    const path = fakes.write('exec sleep 60');
    const failures: string[] = [];
    const runner = open({ path, onHelperFailure: ({ message }) => failures.push(message) });
    const [helper] = helpers();
    expect((await run(runner, { timeoutMs: 50 })).read).toMatchObject({ reason: 'timeout', via: 'helper' });
    fakes.replace(path, `echo '${ROW}'`);
    await until(
      async () => (await run(runner)).read.via === 'helper',
      () => 'a read through the helper',
    );
    expect(helpers()).toEqual([helper]);
    expect(failures).toEqual([]);
  });

  it('that dies is replaced after 1 s, then 2, then 4 and so on to 5 minutes; meanwhile reads are direct', async () => {
    let clockMs = 0;
    const failures: string[] = [];
    const path = fakes.write(`grep -q '${HELPER}' /proc/$PPID/cmdline && kill -KILL $PPID; echo '${ROW}'`);
    const runner = open({ path, now: () => clockMs, onHelperFailure: ({ message }) => failures.push(message) });
    for (const delayS of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]) {
      expect((await run(runner)).read).toMatchObject({ ok: false, reason: 'helper_died', via: 'helper' });
      expect(failures.splice(0)).toEqual(['the helper that runs ss: it ended by SIGKILL']);
      clockMs += delayS * 1000 - 1;
      expect((await run(runner)).read).toMatchObject({ ok: true, rows: 1, via: 'direct' });
      clockMs++;
    }
    fakes.replace(path, `echo '${ROW}'`);
    expect((await run(runner)).read).toMatchObject({ ok: true, rows: 1, via: 'helper' });
    // A run that went well: the next failure is the first one again.
    process.kill(only(helpers()), 'SIGKILL');
    await until(
      () => failures.length === 1,
      () => 'the failure is told',
    );
    expect((await run(runner)).read).toMatchObject({ ok: true, via: 'direct' });
    clockMs += 1000;
    expect((await run(runner)).read).toMatchObject({ ok: true, via: 'helper' });
  });

  it('ends what ss leaves behind, at the latest with itself', async () => {
    const path = fakes.write(`sleep 60 & echo '${ROW}'`);
    const runner = open({ path });
    expect((await run(runner)).read).toMatchObject({ ok: true, rows: 1, via: 'helper' });
    await until(
      () => fakes.running().length === 0,
      () => processText(fakes.running()),
    );
    const deaf = join(fakes.path, 'deaf');
    const untilDeaf = `while [ ! -e '${deaf}' ]; do sleep 0.01; done`;
    fakes.replace(path, `(trap '' TERM; : >'${deaf}'; exec sleep 60) & ${untilDeaf}; echo '${ROW}'`);
    expect((await run(runner)).read).toMatchObject({ ok: true, rows: 1, via: 'helper' });
    expect(fakes.running()).not.toEqual([]);
    runner.close();
    await until(
      () => fakes.running().length === 0,
      () => processText(fakes.running()),
    );
  });

  it('in which an earlier run still writes is given up, with everything it started', async () => {
    const failures: string[] = [];
    const deaf = join(fakes.path, 'deaf-writer');
    const writer = `(trap '' TERM; : >'${deaf}'; while :; do echo '${ROW}'; sleep 0.02; done)`;
    const untilDeaf = `while [ ! -e '${deaf}' ]; do sleep 0.01; done`;
    const runner = open({
      path: fakes.write(`${writer} & ${untilDeaf}; echo '${ROW}'`),
      onHelperFailure: ({ message }) => failures.push(message),
    });
    await run(runner);
    await until(
      () => failures.length === 1,
      () => 'the failure is told',
    );
    // Whichever is noticed first: on a busy machine the shell is late to say that the run is over.
    expect(failures[0]).toMatch(/^the helper that runs ss: (it wrote without being asked|ss did not end by SIGTERM)$/);
    await until(
      () => fakes.running().length === 0,
      () => processText(fakes.running()),
    );
  });

  it('is not needed: without a shell reads are direct, and nothing has failed', async () => {
    const failures: string[] = [];
    const onHelperFailure = ({ message }: Error): number => failures.push(message);
    const runner = open({ path: fakes.write(`echo '${ROW}'`), shell: '/nonexistent/sh', onHelperFailure });
    expect((await run(runner)).read).toMatchObject({ ok: true, rows: 1, via: 'direct' });
    expect(failures).toEqual([]);
  });

  it.each([
    ['is none', 'exit 3', 'the helper that runs ss: it ended by exit code 3'],
    ['has no interpreter', '#!/nonexistent', 'the helper that runs ss: spawn '],
  ])('that %s is told once, and reads are direct', async (_, script, message) => {
    const failures: string[] = [];
    const onHelperFailure = (failure: Error): never => {
      failures.push(failure.message);
      throw failure;
    };
    const runner = open({
      path: fakes.write(`echo '${ROW}'`),
      shell: fakes.write(script),
      onHelperFailure,
      now: () => 0,
    });
    await until(
      () => failures.length === 1,
      () => 'the failure is told',
    );
    expect((await run(runner)).read).toMatchObject({ ok: true, rows: 1, via: 'direct' });
    expect(failures).toEqual([expect.stringContaining(message)]);
  });

  it('that stands still is ended by the timeout', async () => {
    const failures: string[] = [];
    const runner = open({
      path: fakes.write(`echo '${ROW}'`),
      onHelperFailure: ({ message }) => failures.push(message),
    });
    const helper = only(helpers());
    await run(runner);
    process.kill(helper, 'SIGSTOP');
    expect((await run(runner, { timeoutMs: 50 })).read).toMatchObject({ reason: 'timeout', via: 'helper' });
    expect((await run(runner)).read).toMatchObject({ ok: true, via: 'direct' });
    await until(
      () => failures.length === 1 && livingGroup(helper).length === 0,
      () => processText(livingGroup(helper)),
    );
  });
});

function helpers(): number[] {
  return childrenOf(process.pid)
    .filter(({ command, state }) => command.includes(HELPER) && state !== 'Z')
    .map(({ pid }) => pid);
}

function only(list: readonly number[]): number {
  expect(list).toHaveLength(1);
  return list[0] as number;
}

function open(options: SsRunnerOptions): SsRunner {
  const runner = new SsRunner(options);
  runners.push(runner);
  return runner;
}

async function run(
  runner: SsRunner,
  options: Partial<SsReadOptions> = {},
): Promise<{ readonly read: SsRead; readonly rows: number }> {
  let rows = 0;
  const onRow = (): void => {
    rows++;
  };
  const read = await runner.read({ timeoutMs: 15_000, onRow, ...options });
  return { read, rows };
}
