// finwait diagnose as a user runs it, on a server and a load of its own.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { cleanEnvironment } from '../support/child.ts';
import { CleanUps } from '../support/clean-ups.ts';
import { ROOT } from '../support/packed-package.ts';
import { childrenOf, livingGroup, processes, processText } from '../support/processes.ts';
import { Program } from '../support/program.ts';
import { until } from '../support/wait.ts';

const cleanUps = new CleanUps();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finwait-diagnose-'));
  cleanUps.push(() => rmSync(folder, { recursive: true }));
});
afterEach(() => cleanUps.run());

function finwait(...parameters: string[]): Program {
  const env = Object.fromEntries(Object.entries(cleanEnvironment()).filter((entry) => entry[1] !== undefined));
  const command = [process.execPath, '--import', 'tsx', join(ROOT, 'src/cli.ts'), 'diagnose', ...parameters];
  const program = new Program(command, env as Record<string, string>, ROOT);
  cleanUps.push(() => program.kill());
  return program;
}

async function result(...parameters: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = finwait(...parameters);
  const { code } = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

const serve = (): Promise<number> => cleanUps.serve(createServer((_request, response) => response.end('hello\n')));

/** A load of a few requests, as a program of its own. */
const load = (port: number, code = 0): string[] => [
  process.execPath,
  '-e',
  `(async () => {
    for (let n = 0; n < 20; n++) await (await fetch('http://127.0.0.1:${port}/')).text();
    console.log('20 answers');
    process.exit(${code});
  })()`,
];

describe('a run', () => {
  test('prints what the command prints, then the report, and passes its exit code on', async () => {
    const port = await serve();
    const json = join(folder, 'run.json');
    const html = join(folder, 'report.html');
    const { code, stdout, stderr } = await result(
      '--port',
      `${port}`,
      '--json',
      json,
      '--html',
      html,
      '--',
      ...load(port, 7),
    );
    expect(code, stderr).toBe(7);
    expect(stdout).toMatch(/^20 answers\n/);
    expect(stdout.split('\n').length).toBeGreaterThan(5);
    expect(stderr).toContain(`watching port ${port}`);
    const { run, findings, format } = JSON.parse(readFileSync(json, 'utf8')) as Diagnosis;
    expect({ format, findings, exitCode: run.command?.exitCode }).toEqual({ format: 1, findings: [], exitCode: 7 });
    expect(run.probe).toMatchObject({ status: 200, keepsConnection: true });
    expect(readFileSync(html, 'utf8')).toMatch(/^<!doctype html>/i);
  });

  test('with --json - stdout is JSON and nothing else', async () => {
    const port = await serve();
    const { code, stdout, stderr } = await result('--port', `${port}`, '--json', '-', '--quiet', '--', ...load(port));
    expect((JSON.parse(stdout) as Diagnosis).run.target.ports).toEqual([port]);
    expect(stderr).toContain('20 answers');
    expect(code).toBe(0);
  });

  test('a leak is found, and is a failure where --fail-on asks for it', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => cleanUps.keep(socket.resume()));
    const port = await cleanUps.serve(server);
    const client = `const net = require('node:net');
      for (let n = 0; n < 20; n++) net.connect(${port}, '127.0.0.1', function () { this.end('x'); this.unref(); });`;
    const how = ['--port', `${port}`, '--settle', '3s', '--quiet', '--no-probe'];
    const { code, stdout } = await result(...how, '--fail-on', 'leak', '--', process.execPath, '-e', client);
    expect(code, stdout).toBe(3);
    expect(stdout).toContain('CLOSE_WAIT');
    const other = await result(...how, '--fail-on', 'overflow', '--', 'true');
    expect(other.code).toBe(0);
  });

  test('a command that cannot be started is a shell’s 127, and the report is still there', async () => {
    const port = await serve();
    const { code, stderr } = await result('--port', `${port}`, '--quiet', '--', 'no-such-command');
    expect(code).toBe(127);
    expect(stderr).toContain('no-such-command cannot be started: no such command');
  });
});

test.each([
  ['waits for it', ' wait', []],
  ['does not', '', [expect.stringMatching(/still ran when it ended.*Let the command wait for it/)]],
])('a command that starts the load in the background, and %s', async (_, waits, notes) => {
  const port = await serve();
  const command = ['sh', '-c', `sleep 1 >/dev/null 2>&1 &${waits}`];
  const { stdout } = await result('--port', `${port}`, '--json', '-', '--settle', '0s', '--quiet', '--', ...command);
  expect((JSON.parse(stdout) as Diagnosis).run.notes).toEqual(notes);
});

test('a server that does not survive the question of finwait is told apart from one that the load ends', async () => {
  const fragile =
    "const net = require('node:net'); net.createServer((s) => s.on('data', () => process.exit(1))).listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port); });";
  const server = new Program([process.execPath, '-e', fragile], { PATH: process.env['PATH'] ?? '' });
  cleanUps.push(() => server.kill());
  const port = await server.says('stdout', /^port (\d+)$/m);
  const json = join(folder, 'run.json');
  const { code, stdout, stderr } = await result('--port', port, '--json', json, '--', 'echo', 'started');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('use --no-probe');
  expect(existsSync(json)).toBe(false);
});

test('an address where finwait is not is told before the load begins', async () => {
  const port = await serve();
  const url = `http://127.0.0.1:${port}/metrics`;
  const { stderr } = await result(
    '--port',
    `${port}`,
    '--url',
    url,
    '--settle',
    '0s',
    '--',
    'sh',
    '-c',
    'echo begun >&2',
  );
  expect(stderr).toMatch(
    /finwait in the target does not answer so far: the answer \(200\) is not finwait's\n[\s\S]*begun/,
  );
});

test.each([['--json'], ['--html']])(
  '%s where nothing can be written is told before the load begins',
  async (option) => {
    const port = await serve();
    const path = join(folder, 'not-there', 'report');
    const { code, stdout, stderr } = await result('--port', `${port}`, option, path, '--', 'echo', 'started');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`${path} cannot be written: ENOENT`);
  },
);

test('a report that does not fit onto the disk is a failure', async () => {
  const port = await serve();
  const command = [process.execPath, '--import', 'tsx', join(ROOT, 'src/cli.ts'), 'diagnose', '--port', `${port}`];
  const line = `exec "$@" --quiet --settle 0s -- true > /dev/full`;
  const program = new Program(['sh', '-c', line, 'sh', ...command], { PATH: process.env['PATH'] ?? '' }, ROOT);
  cleanUps.push(() => program.kill());
  expect((await program.ended).code).toBe(1);
});

describe('what it does not understand or cannot do', () => {
  test.each<[string, string[], number, RegExp]>([
    ['no load', ['--port', '3000'], 2, /what makes the load\? Give a command after --, or --duration/],
    ['no server', ['--', 'true'], 2, /which server\? Name it by --port or --pid/],
    ['an empty command', ['--port', '3000', '--', ''], 2, /is a variable of the shell unset/],
    ['two loads', ['--port', '3000', '--duration', '5s', '--', 'true'], 2, /a command ends by itself/],
    ['a port that is none', ['--port', '70000', '--', 'true'], 2, /1 to 65535/],
    ['a limit that is none', ['--port', '3000', '--fail-on', 'leaks', '--', 'true'], 2, /there is no 'leaks'/i],
    ['a port where nobody listens', ['--port', '1', '--', 'true'], 1, /nobody listens on port 1 /],
    ['a process that is not there', ['--pid', '4194305', '--', 'true'], 1, /no process 4194305 runs here/],
  ])('%s', async (_, parameters, expected, problem) => {
    const { code, stdout, stderr } = await result(...parameters);
    expect(stderr).toMatch(problem);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
  });
});

describe('Ctrl-C', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    '%s ends the load and all of ours, and prints what was seen',
    async (signal) => {
      const port = await serve();
      const mark = `finwait-test-${process.pid}-${port}`;
      // A load of two generations that takes no notice of any signal.
      const stubborn = `trap '' INT TERM HUP; sh -c "trap '' INT TERM HUP; while :; do sleep 1; done" ${mark} & while :; do sleep 1; done`;
      const program = finwait('--port', `${port}`, '--', 'sh', '-c', stubborn, mark);
      await program.says('stderr', /(load)/);
      const own = childrenOf(program.pid);
      expect(own.length).toBeGreaterThanOrEqual(2);
      process.kill(program.pid, signal);
      const { code } = await program.ended;
      expect(code).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGQUIT: 131 }[signal]);
      expect(program.stdout.length, program.stderr).toBeGreaterThan(0);
      const left = (): ReturnType<typeof processes> => [
        ...own.flatMap(({ group }) => (group === process.pid ? [] : livingGroup(group))),
        ...processes().filter(({ command }) => command.includes(mark)),
      ];
      await until(
        () => left().length === 0,
        () => `nobody left: ${processText(left())}`,
      );
    },
  );

  test('before the load has begun it is never started', async () => {
    const port = await serve();
    const program = finwait('--port', `${port}`, '--', 'sh', '-c', "printf 'st%s' arted");
    await until(
      () => childrenOf(program.pid).length > 0,
      () => 'its helper runs',
    );
    process.kill(program.pid, 'SIGINT');
    const { code, signal } = await program.ended;
    // Before its first line it has no handler yet.
    expect([130, null]).toContain(code);
    if (code === null) expect(signal).toBe('SIGINT');
    expect(program.stdout).not.toContain('started');
  });
});

test('while somebody else makes the load, it watches for a while', async () => {
  const port = await serve();
  const started = performance.now();
  const program = finwait('--port', `${port}`, '--duration', '1s', '--settle', '0s');
  const other = spawn(process.execPath, load(port).slice(1), { stdio: 'ignore' });
  cleanUps.push(() => other.kill('SIGKILL'));
  const { code } = await program.ended;
  expect(code, program.stderr).toBe(0);
  expect(performance.now() - started).toBeGreaterThan(1_000);
  expect(program.stdout).toMatch(/nothing found/i);
});
