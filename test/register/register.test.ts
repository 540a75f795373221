// `node --import finwait/register program`: what is served, where, when, and that the program does not notice.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { processes } from '../support/processes.ts';
import { Program } from '../support/program.ts';
import { testWith } from '../support/tools.ts';
import { until } from '../support/wait.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROGRAM = join(ROOT, 'test/fixtures/programs/register.mjs');
const NAMESPACE = process.getuid?.() === 0 ? ['unshare', '-n'] : ['unshare', '-rn'];
/** A namespace of its own, with loopback up: there the default port is free. */
const ALONE = [...NAMESPACE, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
const MAY_BE_ALONE = `ss && command -v ip && command -v ${NAMESPACE.join(' ')} true`;

let library: BuiltLibrary;
let register = '';
const started: Program[] = [];

beforeAll(() => {
  library = buildLibrary();
  register = pathToFileURL(join(library.folder, 'register.js')).href;
  // As where both are installed in one project.
  mkdirSync(join(library.folder, 'node_modules'));
  for (const name of ['prom-client', '@opentelemetry', 'tdigest', 'bintrees']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(library.folder, 'node_modules', name));
  }
});
afterAll(() => library.remove());
afterEach(() => {
  for (const program of started.splice(0)) program.kill();
});

interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly program?: string;
  readonly cwd?: string;
}

function start(life: string, options: StartOptions = {}): Program {
  const { args = [], env = {}, flags = ['--import', register], program = PROGRAM, cwd } = options;
  const command = [process.execPath, ...flags, program, life, ...args];
  const variables = { PATH: process.env['PATH'] ?? '', FINWAIT_PORT: '0', TEST_REGISTER: register, ...env };
  const created = new Program(command, variables, cwd);
  started.push(created);
  return created;
}

async function scrape(program: Program): Promise<string> {
  const response = await fetch(await program.says('stderr', /^finwait: metrics at (\S+)$/m));
  expect(response.status).toBe(200);
  return response.text();
}

/** Series of a metric that are not 0. */
function series(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(`nodejs_tcp_${name}{`) && !line.endsWith(' 0'));
}

describe('a program with --import finwait/register', () => {
  it('has its metrics at /metrics, its servers and clients by name', async () => {
    const program = start('serve');
    const port = await program.says('stdout', /listening (\d+)/);
    const client = start('connect', { args: [port] });
    await until(
      async () => series(await scrape(program), 'open_connections').length > 0,
      () => 'the connection',
    );
    const text = await scrape(program);
    expect(series(text, 'open_connections')).toEqual([`nodejs_tcp_open_connections{side="server",name="${port}"} 1`]);
    expect(series(await scrape(client), 'open_connections')).toEqual([
      `nodejs_tcp_open_connections{side="client",name="ip:${port}"} 1`,
    ]);
    expect(await client.end()).toEqual({ code: 0, signal: null });
    expect(await program.end()).toEqual({ code: 0, signal: null });
    expect(program.stdout).toBe(`listening ${port}\n`);
    expect(program.stderr).toMatch(/^finwait: metrics at http:\/\/127\.0\.0\.1:\d+\/metrics\n$/);
  });

  it('sees the same by NODE_OPTIONS', async () => {
    const program = start('serve', { flags: [], env: { NODE_OPTIONS: `--import ${register}` } });
    const port = await program.says('stdout', /listening (\d+)/);
    expect(series(await scrape(program), 'node_sockets')).toEqual([
      `nodejs_tcp_node_sockets{side="server",name="${port}",state="listen"} 1`,
    ]);
    expect(await program.end()).toEqual({ code: 0, signal: null });
  });

  it("shows no socket of finwait's own, in neither column", async () => {
    const program = start('serve', { env: { FINWAIT_SAMPLE_INTERVAL_MS: '100' } });
    const port = await program.says('stdout', /listening (\d+)/);
    const own = new URL(await program.says('stderr', /metrics at (\S+)/)).port;
    let text = '';
    await until(
      async () => {
        text = await scrape(program);
        return series(text, 'sockets').length > 0;
      },
      () => `a sample in ${text}`,
    );
    expect(series(text, 'sockets')).toEqual([`nodejs_tcp_sockets{side="server",name="${port}",state="listen"} 1`]);
    expect(text).not.toContain(`name="${own}"`);
    expect(series(text, 'connections_opened_total')).toEqual([]);
  });

  it('is observed once, however often register is loaded', async () => {
    const copy = mkdtempSync(join(tmpdir(), 'finwait-copy-'));
    try {
      spawnSync('cp', ['-r', `${library.folder}/.`, copy]);
      const other = pathToFileURL(join(copy, 'register.js')).href;
      const program = start('twice', {
        flags: ['--import', register, '--import', register, '--import', other],
        env: { NODE_OPTIONS: `--import ${register}`, TEST_REGISTER: other },
      });
      await program.says('stdout', /(true 1)\n/);
      await scrape(program);
      expect(program.stderr.match(/metrics at/g)).toHaveLength(1);
    } finally {
      rmSync(copy, { recursive: true });
    }
  });

  it('is refused what it is wrongly told, in one line each, and runs on', async () => {
    const env = { FINWAIT_PORT: 'abc', FINWAIT_MAX_NAMES: '0', FINWAIT_PROT: '1' };
    const program = start('serve', { env });
    await program.says('stdout', /listening (\d+)/);
    expect(await program.end()).toEqual({ code: 0, signal: null });
    expect(program.stderr.trimEnd().split('\n')).toEqual([
      'finwait: FINWAIT_PORT is a port from 1 to 65535, or 0 for any that is free, received "abc": /metrics is not served',
      'finwait: FINWAIT_MAX_NAMES is an integer from 1 to 1000, received "0": 20 is used',
      expect.stringMatching(/^finwait: unknown: "FINWAIT_PROT"; known are FINWAIT_PORT, /),
    ]);
  });

  it('has its metrics under the prefix it is told', async () => {
    const program = start('serve', { env: { FINWAIT_PREFIX: 'shop_' } });
    expect(await scrape(program)).toContain('\nshop_info{');
  });

  it("uses the application's prom-client, by the link of its main script, and answers 501 without any", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'finwait-app-'));
    try {
      // A project beside finwait, not above it.
      mkdirSync(join(folder, 'app/node_modules'), { recursive: true });
      mkdirSync(join(folder, 'bin'));
      spawnSync('cp', [PROGRAM, join(folder, 'app/main.mjs')]);
      symlinkSync('../app/main.mjs', join(folder, 'bin/main.mjs'));
      spawnSync('cp', ['-r', library.folder, join(folder, 'finwait')]);
      rmSync(join(folder, 'finwait/node_modules'), { recursive: true });
      const flags = ['--import', pathToFileURL(join(folder, 'finwait/register.js')).href];
      const where = { flags, program: join(folder, 'bin/main.mjs'), cwd: folder };
      const program = start('serve', where);
      const url = await program.says('stderr', /metrics at (\S+)/);
      const missing = await fetch(url);
      expect([missing.status, await missing.text()]).toEqual([
        501,
        'prom-client is not installed: npm install prom-client\n',
      ]);
      symlinkSync(join(ROOT, 'node_modules/prom-client'), join(folder, 'app/node_modules/prom-client'));
      expect(await scrape(program)).toContain('nodejs_tcp_info{');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has no listener in a worker of a cluster: one of the primary, which owns the port', async () => {
    const program = start('cluster', { env: { FINWAIT_SAMPLE_INTERVAL_MS: '3600000' } });
    const port = await program.says('stdout', /listening (\d+)/);
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('worker');
    await scrape(program);
    program.tell('sample');
    await program.says('stdout', /(sampled)/);
    const text = await scrape(program);
    // Our listener is none that the primary holds for its workers, though they are found by their descriptors alone.
    expect(series(text, 'sockets')).toEqual([`nodejs_tcp_sockets{side="server",name="${port}",state="listen"} 1`]);
    expect(series(text, 'accept_queue_limit')).toEqual([
      expect.stringMatching(`^nodejs_tcp_accept_queue_limit\\{name="${port}"\\} \\d+$`),
    ]);
    expect(await program.end()).toEqual({ code: 0, signal: null });
    expect(program.stderr.match(/metrics at/g)).toHaveLength(1);
  });

  it('is not observed in a worker thread', async () => {
    const program = start('thread');
    await program.says('stdout', /listening \d+ (unobserved)\n/);
    expect(await program.end()).toEqual({ code: 0, signal: null });
    expect(program.stderr).toBe('');
  });

  it('is observed as the child of a package manager, which is not', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'finwait-npm-'));
    try {
      mkdirSync(join(folder, 'npm/bin'), { recursive: true });
      // What npm does for `npm start`: it connects somewhere, and runs the program with variables of its own.
      writeFileSync(
        join(folder, 'npm/bin/npm-cli.js'),
        `const net = require('node:net');
         const server = net.createServer().listen(0, '127.0.0.1');
         const { spawn } = require('node:child_process');
         spawn(process.execPath, [${JSON.stringify(PROGRAM)}, 'serve'], {
           stdio: 'inherit', env: { ...process.env, npm_lifecycle_event: 'start', npm_execpath: __filename },
         }).on('exit', () => server.close());`,
      );
      const program = start('start', {
        flags: [],
        program: join(folder, 'npm/bin/npm-cli.js'),
        env: { NODE_OPTIONS: `--import ${register}` },
      });
      await program.says('stdout', /listening (\d+)/);
      await scrape(program);
      expect(await program.end()).toEqual({ code: 0, signal: null });
      expect(program.stderr.match(/metrics at/g)).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  testWith(MAY_BE_ALONE, 'serves on 127.0.0.1:9464 and says nothing; the second process says one line', async () => {
    const script = `
      exec 3<&0
      "$@" serve <&3 &
      until ss -Htln | grep -q 127.0.0.1:9464; do sleep 0.05; done
      echo connecting; exec "$@" serve`;
    const env = { FINWAIT_PORT: '' };
    const command = [...ALONE, 'sh', '-c', script, 'sh', process.execPath, '--import', register, PROGRAM];
    const program = new Program(command, { PATH: process.env['PATH'] ?? '', ...env });
    started.push(program);
    await program.says('stdout', /connecting\nlistening (\d+)/);
    await program.says('stderr', /(in use)/);
    await program.end();
    expect(program.stderr).toBe(
      'finwait: port 9464 of 127.0.0.1 is in use, /metrics is served as soon as it can be; FINWAIT_PORT is another port\n',
    );
  });

  testWith(MAY_BE_ALONE, 'opens nothing as long as it neither listens nor connects', async () => {
    const watch = (ready: string) => `"$@" & until ${ready}; do sleep 0.05; done; ss -Htln; kill $!`;
    const run = (code: string, ready: string) =>
      spawnSync(
        ALONE[0] as string,
        [...ALONE.slice(1), 'sh', '-c', watch(ready), 'sh', process.execPath, '--import', register, '-e', code],
        { encoding: 'utf8', env: { PATH: process.env['PATH'] }, cwd: library.folder, timeout: 15_000 },
      ).stdout;
    // Long enough for a listener, which the next case opens at once.
    const idle = "setTimeout(() => require('fs').writeFileSync('idle', ''), 200); setInterval(() => {}, 1000)";
    expect(run(idle, '[ -e idle ]')).toBe('');
    const busy = "require('net').createServer().listen(8080, '127.0.0.1')";
    expect(run(busy, 'ss -Htln | grep -q :9464')).toMatch(/127\.0\.0\.1:9464\b/);
  });
});

describe('a program does the same with and without finwait/register', () => {
  it.each([
    ['idle', 0],
    ['facts', 0],
    ['throws', 1],
    ['exits', 7],
    ['signal', null],
    ['refused', 1],
    ['ends', 0],
  ])('%s: same output, same end (%s)', async (life, code) => {
    const bare = start(life, { flags: [] });
    const observed = start(life);
    const [expected, got] = await Promise.all([bare.end(), observed.end()]);
    expect(expected.code).toBe(code);
    expect(got).toEqual(expected);
    expect(observed.stdout).toBe(bare.stdout);
    expect(programsOwn(observed.stderr)).toBe(programsOwn(bare.stderr));
  });

  it('and leaves no process behind', async () => {
    const program = start('serve');
    await program.says('stdout', /listening (\d+)/);
    const helpers = processes().filter(({ parent }) => parent === program.pid);
    expect(helpers.map(({ command }) => command)).toEqual([expect.stringContaining('finwait: runs ss')]);
    const groups = helpers.map(({ group }) => group);
    program.kill();
    await program.ended;
    await until(
      () => processes().every(({ group, state }) => !groups.includes(group) || state === 'Z'),
      () => 'the helper ends',
    );
  });
});

/** Without the line that says where the port is that was asked for, and the frames of finwait in a stack. */
function programsOwn(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => !line.startsWith('finwait: metrics at ') && !line.includes(library.folder))
    .join('\n');
}
