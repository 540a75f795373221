// The package as a user gets it: packed, unpacked into a project of its own, imported, required and type-checked there.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { cleanEnvironment } from '../support/child.ts';
import { type PackedPackage, packPackage, ROOT } from '../support/packed-package.ts';

interface Manifest {
  readonly version: string;
  readonly exports: { readonly [subpath: string]: string | { readonly types: string; readonly default: string } };
  readonly peerDependencies: { readonly [name: string]: string };
  readonly peerDependenciesMeta: { readonly [name: string]: { readonly optional?: boolean } };
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const peers = Object.keys(manifest.peerDependencies);
/** What a program imports: `finwait`, `finwait/express` and so on. */
const entries = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => `finwait${subpath.slice(1)}`);

let packed: PackedPackage;
/** A project with all peers, and one with none. */
let full: string;
let bare: string;

beforeAll(() => {
  packed = packPackage();
  full = packed.install(...peers, '@types/node');
  bare = packed.install('@types/node');
}, 120_000);

afterAll(() => packed?.remove());

describe('the tarball', () => {
  it('holds what is built, what explains it, and nothing else', () => {
    const others = packed.files.filter((file) => !/^dist\/(grafana\/|[\w/-]+\.(js|d\.ts|js\.map)$)/.test(file));
    expect(others).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
  });

  it('holds no test, no fixture and no source', () => {
    // A load test is something else.
    for (const file of packed.files) expect(file).not.toMatch(/(?<!load-)test|fixture|(?<!\.d)\.ts$/);
  });

  it('holds every file that the exports name', () => {
    for (const target of Object.values(manifest.exports)) {
      for (const file of typeof target === 'string' ? [target] : Object.values(target)) {
        expect(packed.files).toContain(file.replace('./', ''));
      }
    }
  });

  it('holds source maps that need no file beside them', () => {
    for (const file of packed.files.filter((name) => name.endsWith('.map'))) {
      const map = JSON.parse(readFileSync(join(full, 'node_modules/finwait', file), 'utf8')) as {
        sources: string[];
        sourcesContent?: string[];
      };
      expect(map.sourcesContent, file).toHaveLength(map.sources.length);
    }
  });

  it('is at the version that its code says', () => {
    expect(VERSION).toBe(manifest.version);
  });

  it('has only optional peers', () => {
    for (const name of peers) expect(manifest.peerDependenciesMeta[name], name).toEqual({ optional: true });
  });

  it('is clean to publint', async () => {
    const { messages } = await publint({ pkgDir: join(full, 'node_modules/finwait'), pack: false, strict: true });
    expect(messages).toEqual([]);
  });
});

describe('what is exported', () => {
  it('is this, by entry', () => {
    const script = `
      const names = {};
      for (const entry of ${JSON.stringify(entries)}) names[entry] = Object.keys(await import(entry)).sort();
      console.log(JSON.stringify(names));`;
    expect(JSON.parse(node(full, script))).toMatchInlineSnapshot(`
      {
        "finwait": [
          "compare",
          "createMonitor",
          "formatLeak",
          "formatLeaks",
        ],
        "finwait/express": [
          "socketLifecycle",
        ],
        "finwait/opentelemetry": [
          "registerOpenTelemetry",
        ],
        "finwait/prometheus": [
          "registerPrometheus",
          "registryOf",
        ],
        "finwait/register": [
          "monitor",
        ],
        "finwait/undici": [
          "observeUndici",
        ],
      }
    `);
  });

  it('has these types, by entry', () => {
    const types = Object.fromEntries(
      Object.entries(manifest.exports)
        .filter(([, target]) => typeof target !== 'string')
        .map(([subpath, target]) => [subpath, typesIn((target as { types: string }).types)]),
    );
    expect(types).toMatchInlineSnapshot(`
      {
        ".": [
          "AcceptQueue",
          "ClientNameOptions",
          "CloseWaitCause",
          "Comparison",
          "Divergence",
          "FormatLeaksOptions",
          "IllegalSnapshot",
          "LeakCause",
          "LeakGroup",
          "LeakReport",
          "LeakState",
          "LeakThresholds",
          "LeakedSocket",
          "Mark",
          "Monitor",
          "MonitorOptions",
          "NameComparison",
          "NameOptions",
          "NameSnapshot",
          "NamedDestination",
          "NamespaceCounts",
          "ObserveProcessOptions",
          "QueuedBytes",
          "Reading",
          "Remainder",
          "RemediedCause",
          "Remedy",
          "SampleResult",
          "Severity",
          "Share",
          "Snapshot",
          "SocketKind",
          "SocketSnapshot",
          "StateCounts",
          "StateLabel",
          "UpstreamChurn",
          "UpstreamPorts",
          "UpstreamRace",
          "UpstreamSnapshot",
          "Verdict",
          "VerdictKind",
        ],
        "./express": [
          "MetricsRegistry",
          "SocketLifecycleHandler",
          "SocketLifecycleOptions",
        ],
        "./opentelemetry": [
          "OpenTelemetryOptions",
        ],
        "./prometheus": [
          "PrometheusOptions",
        ],
        "./register": [],
        "./undici": [
          "UndiciDispatcher",
        ],
      }
    `);
  });

  it('can be reached by these entries only', () => {
    const script = `
      await import('finwait/dist/index.js').then(() => console.log('open'), (error) => console.log(error.code));`;
    expect(node(full, script).trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
    expect(existsSync(join(full, 'node_modules/finwait/dist/index.js'))).toBe(true);
  });

  it('is one instance, imported and required', () => {
    const script = `
      import { createRequire } from 'node:module';
      const require = createRequire(import.meta.url);
      for (const entry of ${JSON.stringify(entries)}) {
        const imported = await import(entry);
        const required = require(entry);
        for (const name of Object.keys(imported)) console.log(entry, name, imported[name] === required[name]);
      }`;
    const lines = node(full, script).trim().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(entries.length);
    for (const line of lines) expect(line).toMatch(/ true$/);
  });

  it('works from CommonJS', () => {
    const script = `
      const { createMonitor } = require('finwait');
      const monitor = createMonitor();
      console.log(Object.keys(monitor.snapshot().node).length);
      monitor.close();`;
    expect(node(full, script, 'commonjs').trim()).toBe('11');
  });
});

describe('where no peer is installed', () => {
  it('the main entry works', () => {
    expect(node(bare, `import { createMonitor } from 'finwait'; createMonitor().close(); console.log('fine');`)).toBe(
      'fine\n',
    );
  });

  it('each other entry works too, or names the peer that is missing', () => {
    const script = `
      for (const entry of ${JSON.stringify(entries)}) {
        await import(entry).then(() => console.log(entry, 'works'), (error) => console.log(entry, error.message));
      }`;
    const lines = node(bare, script).trim().split('\n');
    expect(lines).toHaveLength(entries.length);
    for (const line of lines) {
      const missing = / Cannot find package '([^']+)'/.exec(line)?.[1];
      if (missing === undefined) expect(line).toMatch(/ works$/);
      else expect(peers).toContain(missing);
    }
  });
});

describe('the types', () => {
  it('resolve for an ESM and a CommonJS consumer under NodeNext, libraries checked', () => {
    check(full, entries);
  }, 60_000);

  it('of the main entry need no peer', () => {
    check(bare, ['finwait']);
  }, 60_000);
});

/** Runs a script in a project and returns what it printed; a warning is a failure. */
function node(project: string, script: string, type: 'module' | 'commonjs' = 'module'): string {
  const file = join(project, type === 'module' ? 'script.mjs' : 'script.cjs');
  writeFileSync(file, script);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
    cwd: project,
    encoding: 'utf8',
    // Variables of the tests are none that finwait/register knows.
    env: cleanEnvironment(),
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout;
}

/** Type-checks a project that uses the given entries, once as an ES module and once as CommonJS. */
function check(project: string, used: readonly string[]): void {
  const uses = used.map((entry, index) => `import * as entry${index} from '${entry}';\nvoid entry${index};`).join('\n');
  const program = `${uses}
import * as net from 'node:net';
import { createMonitor, type Monitor, type Snapshot, type StateLabel } from 'finwait';

const monitor: Monitor = createMonitor({ sampleIntervalMs: 1_000 });
const stop: () => void = monitor.observeServer(net.createServer(), { name: 'api' });
const snapshot: Snapshot = monitor.snapshot();
const closeWait: number = snapshot.node.close_wait;
const state: StateLabel | undefined = snapshot.sockets[0]?.state;
// @ts-expect-error an option that there is not
createMonitor({ interval: 1 });
void [stop, closeWait, state];
`;
  writeFileSync(join(project, 'consumer.mts'), program);
  writeFileSync(join(project, 'consumer.cts'), program);
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        module: 'NodeNext',
        target: 'ES2022',
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
      },
      include: ['consumer.mts', 'consumer.cts'],
    }),
  );
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.json'], { cwd: project, encoding: 'utf8' });
  expect(stdout).toBe('');
}

/** The types that a declaration file exports. */
function typesIn(file: string): string[] {
  const text = readFileSync(join(full, 'node_modules/finwait', file), 'utf8');
  const own = [...text.matchAll(/^export (?:declare )?(?:interface|type) (\w+)/gm)].map(([, name]) => name as string);
  const lists = [...text.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, all, list]) =>
    (list as string)
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && (all !== undefined || name.startsWith('type ')))
      .map((name) => name.replace(/^type /, '')),
  );
  return [...own, ...lists].sort();
}
