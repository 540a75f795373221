// The command line as a user has it: packed, installed beside its dependency in an empty project, and run there.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from '../../grafana/generate.ts';
import { VERSION } from '../../src/version.ts';
import { cleanEnvironment } from '../support/child.ts';
import { listen } from '../support/http-pair.ts';
import { type PackedPackage, packPackage, ROOT } from '../support/packed-package.ts';
import { run, testWith } from '../support/tools.ts';

let packed: PackedPackage;
let project: string;
let command: string;

beforeAll(() => {
  packed = packPackage();
  project = packed.install('commander');
  const { bin } = JSON.parse(readFileSync(join(project, 'node_modules/finwait/package.json'), 'utf8')) as {
    bin: { finwait: string };
  };
  command = join(project, 'node_modules/finwait', bin.finwait);
}, 120_000);

afterAll(() => packed?.remove());

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function finwait(parameters: readonly string[], cwd: string = emptyFolder()): Result {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...parameters], {
    cwd,
    encoding: 'utf8',
    env: cleanEnvironment(),
  });
  return { status, stdout, stderr };
}

function emptyFolder(): string {
  return mkdtempSync(join(project, 'empty folder-'));
}

/** Every file of a folder, by path, but the record of what was written. */
function filesIn(folder: string): ReadonlyMap<string, string> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ parentPath, name }) => join(parentPath, name));
  return new Map(paths.sort().map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]));
}

describe('what it understands', () => {
  it('--help says what there is, and the help of a command has examples and what comes next', () => {
    const { status, stdout, stderr } = finwait(['--help']);
    expect(stdout).toMatch(/Usage: finwait .*\n[\s\S]*dashboards/);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const way of [
      ['dashboards', '--help'],
      ['help', 'dashboards'],
    ]) {
      const help = finwait(way);
      expect(help.status).toBe(0);
      for (const option of ['--out', '--prefix', '--job-label', '--runbook-url', '--recorded', '--force']) {
        expect(help.stdout).toContain(option);
      }
      expect(help.stdout).toMatch(/Examples:\n {2}npx finwait dashboards --out monitoring\n/);
    }
  });

  it('--version is the version of the package', () => {
    expect(finwait(['--version'])).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it.each([
    { parameters: [], complaint: /Usage: finwait/ },
    { parameters: ['dashbords'], complaint: /unknown command 'dashbords'[\s\S]*dashboards/ },
    { parameters: ['dashboards'], complaint: /required option '-o, --out <dir>' not specified/ },
    { parameters: ['dashboards', '--out'], complaint: /argument missing/ },
    { parameters: ['dashboards', '--out', 'x', '--fast'], complaint: /unknown option '--fast'/ },
    { parameters: ['dashboards', '--out', 'x', 'y'], complaint: /too many arguments/ },
    { parameters: ['dashboards', '--out', 'x', '--prefix', '9_'], complaint: /A prefix is letters/ },
    { parameters: ['dashboards', '--out', 'x', '--prefix', 'a-'], complaint: /A prefix is letters/ },
    { parameters: ['dashboards', '--out', 'x', '--job-label', 'name'], complaint: /A label is letters/ },
    { parameters: ['dashboards', '--out', 'x', '--job-label', 'a b'], complaint: /A label is letters/ },
    { parameters: ['dashboards', '--out', 'x', '--runbook-url', 'wiki'], complaint: /begins with http/ },
  ])('$parameters is an error with exit code 2, and nothing is written', ({ parameters, complaint }) => {
    const folder = emptyFolder();
    const { status, stdout, stderr } = finwait(parameters, folder);
    expect(stderr).toMatch(complaint);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('diagnose', () => {
  it('has a help with all its options, examples and exit codes', () => {
    const { status, stdout } = finwait(['diagnose', '--help']);
    expect(status).toBe(0);
    const options = ['port', 'pid', 'duration', 'settle', 'url', 'no-probe', 'html', 'json', 'fail-on', 'quiet'];
    for (const option of options) expect(stdout).toContain(`--${option}`);
    expect(stdout).toContain('npx finwait diagnose --port 3000 -- npx autocannon http://127.0.0.1:3000\n');
    expect(stdout).toMatch(/Exit code: .*\b3 where --fail-on/s);
  });

  it('runs a command beside a server that it only looks at from outside, and writes all reports', async () => {
    const server = createServer();
    const port = await listen(server);
    try {
      const folder = emptyFolder();
      const how = ['--port', `${port}`, '--no-probe', '--settle', '0s', '--html', 'a.html', '--json', 'a.json'];
      const { status, stdout, stderr } = finwait(['diagnose', ...how, '--', 'sh', '-c', 'echo loaded; exit 5'], folder);
      expect(status, stderr).toBe(5);
      expect(stdout).toMatch(/^loaded\n[\s\S]*Nothing found/);
      expect([...filesIn(folder).keys()]).toEqual(['a.html', 'a.json']);
    } finally {
      server.close();
    }
  });
});

describe('what it writes', () => {
  it('is everything that is generated, and what comes next names only what is there', () => {
    const folder = emptyFolder();
    const { status, stdout, stderr } = finwait(['dashboards', '--out', 'a/b'], folder);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const files = filesIn(join(folder, 'a/b'));
    const dashboards = [...generate().keys()].filter((file) => /^tcp-.*(?<!recorded)\.json$/.test(file));
    expect([...files.keys()].sort()).toEqual(
      [
        'compose.yaml',
        ...dashboards.map((file) => `dashboards/${file}`),
        'kubernetes/prometheus-rule.yaml',
        'prometheus/finwait-alerts.yml',
        'prometheus/finwait-recording.yml',
        'prometheus/prometheus.yml',
        'provisioning/dashboards/finwait.yaml',
        'provisioning/datasources/prometheus.yaml',
        'runbook.md',
      ].sort(),
    );
    for (const file of dashboards) expect(files.get(`dashboards/${file}`)).toBe(generate().get(file));
    expect(stdout).toContain(`${files.size} files written to a/b`);
    const named = stdout.match(/\ba\/b\/[\w./-]+\w/g) ?? [];
    expect(named.length).toBeGreaterThan(3);
    for (const path of named.filter((name) => !name.endsWith('finwait')))
      expect(existsSync(join(folder, path)), path).toBe(true);
  });

  testWith(
    'promtool',
    'Prometheus accepts the rules under another prefix and label, and they fire as the usual ones do',
    () => {
      const folder = emptyFolder();
      const names = ['--prefix', 'shop:tcp_', '--job-label', 'service'];
      expect(finwait(['dashboards', '--out', folder, ...names]).status).toBe(0);
      const prometheus = join(folder, 'prometheus');
      for (const file of ['finwait-alerts.yml', 'finwait-recording.yml']) {
        const { status, output } = run('promtool', ['check', 'rules', '--lint=all', join(prometheus, file)], '');
        expect(output).toContain('SUCCESS');
        expect(status, output).toBe(0);
      }
      expect(run('promtool', ['check', 'config', join(prometheus, 'prometheus.yml')], '').status).toBe(0);
      const tests = join(ROOT, 'grafana/tests');
      mkdirSync(join(folder, 'tests'));
      for (const file of readdirSync(tests)) {
        const text = readFileSync(join(tests, file), 'utf8')
          .replaceAll('nodejs_tcp_', 'shop:tcp_')
          .replaceAll('job="shop"', 'service="shop"')
          .replaceAll('job: shop', 'service: shop')
          .replaceAll('grafana/runbook.md', 'runbook.md')
          .replace(/\.\.\/out\/(\w+)\.yml/, '../prometheus/finwait-$1.yml');
        writeFileSync(join(folder, 'tests', file), text);
        const { status, output } = run('promtool', ['test', 'rules', join(folder, 'tests', file)], '');
        expect(status, `${file}: ${output}`).toBe(0);
      }
    },
  );

  it('with --recorded is the fleet dashboard over recorded series, under the same name and uid', () => {
    const folder = emptyFolder();
    expect(finwait(['dashboards', '--out', folder, '--recorded']).status).toBe(0);
    const fleet = filesIn(folder).get('dashboards/tcp-fleet.json') ?? '';
    expect(fleet).toBe(generate().get('tcp-fleet-recorded.json'));
    const uidOf = (text: string): unknown => (JSON.parse(text) as { uid: unknown }).uid;
    expect(uidOf(fleet)).toBe(uidOf(generate().get('tcp-fleet.json') ?? ''));
    expect([...filesIn(folder).keys()].filter((path) => path.includes('recorded'))).toEqual([]);
  });
});

describe('what is there already', () => {
  it('and was written by it is left alone when the same, and replaced when it is old', () => {
    const folder = emptyFolder();
    finwait(['dashboards', '--out', folder]);
    const before = filesIn(folder);
    const again = finwait(['dashboards', '--out', folder]);
    expect(again.status).toBe(0);
    expect(again.stdout).toContain('0 files written to ');
    expect(again.stdout).toContain(`${before.size} were there already`);
    const other = finwait(['dashboards', '--out', folder, '--prefix', 'other_']);
    expect({ status: other.status, stderr: other.stderr }).toEqual({ status: 0, stderr: '' });
    expect(filesIn(folder).get('runbook.md')).toContain('other_');
    expect(filesIn(folder).get('runbook.md')).not.toContain('nodejs_tcp_');
    expect([...filesIn(folder).keys()]).toEqual([...before.keys()]);
  });

  it.each([
    { what: 'a file of somebody else', path: 'compose.yaml', before: false },
    { what: 'a file that was changed since', path: 'prometheus/finwait-alerts.yml', before: true },
  ])('and is $what stops it with exit code 1 before it writes anything; --force replaces it', ({ path, before }) => {
    const folder = emptyFolder();
    if (before) finwait(['dashboards', '--out', folder]);
    writeFileSync(join(folder, path), 'mine\n', { flag: before ? 'a' : 'w' });
    const found = filesIn(folder);
    const { status, stdout, stderr } = finwait(['dashboards', '--out', folder, '--prefix', 'other_']);
    expect(stderr).toContain(`  ${path}\n`);
    expect(stderr.match(/^ {2}\S+$/gm)).toHaveLength(1);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(filesIn(folder)).toEqual(found);
    expect(finwait(['dashboards', '--out', folder, '--prefix', 'other_', '--force']).status).toBe(0);
    expect(filesIn(folder).get(path)).not.toContain('mine');
  });

  it('and is a link is not followed, even to a file that it wrote', () => {
    const folder = emptyFolder();
    finwait(['dashboards', '--out', folder]);
    const elsewhere = join(emptyFolder(), 'notes.md');
    renameSync(join(folder, 'runbook.md'), elsewhere);
    symlinkSync(elsewhere, join(folder, 'runbook.md'));
    expect(finwait(['dashboards', '--out', folder, '--prefix', 'other_']).status).toBe(1);
    expect(finwait(['dashboards', '--out', folder, '--prefix', 'other_', '--force']).status).toBe(0);
    expect(readFileSync(elsewhere, 'utf8')).toContain('nodejs_tcp_');
  });

  it('and is no folder is an error in one line', () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'file'), '');
    const { status, stdout, stderr } = finwait(['dashboards', '--out', 'file'], folder);
    expect(stderr).toMatch(/^finwait: .+\n$/);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });

  it('and was written by an older finwait that had more is named, and left', () => {
    const folder = emptyFolder();
    finwait(['dashboards', '--out', folder]);
    const record = join(folder, '.finwait-files.json');
    const { files, ...rest } = JSON.parse(readFileSync(record, 'utf8')) as { files: Record<string, string> };
    writeFileSync(record, JSON.stringify({ ...rest, files: { ...files, 'dashboards/tcp-old.json': 'hash' } }));
    writeFileSync(join(folder, 'dashboards/tcp-old.json'), '{}');
    expect(finwait(['dashboards', '--out', folder]).stdout).toMatch(
      /No longer part of finwait.*\n {2}dashboards\/tcp-old\.json\n/,
    );
    expect(existsSync(join(folder, 'dashboards/tcp-old.json'))).toBe(true);
    rmSync(join(folder, 'dashboards/tcp-old.json'));
  });
});
