// The layers of src, read off its import lines. biome.json says the same to the editor; this file says it with reasons,
// and knows what a linter's patterns cannot: which layer is above which, and that a type is no dependency at run time.
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../', import.meta.url);

/** From the ground up: a folder imports from floors below its own, and from itself. */
const FLOORS: readonly (readonly string[])[] = [
  ['tcp'],
  ['sockets'],
  ['kernel', 'detect', 'observe'],
  ['monitor'],
  ['metrics'],
  // diagnose looks at a process from outside: it knows neither the exporters nor what serves them.
  ['exporters', 'diagnose'],
  // An integration may use an exporter, lazily: finwait/express has the metrics handler in it.
  ['integrations'],
  ['web'],
  ['cli'],
];

/** Pure: no clock, no I/O, so nothing of Node. */
const PURE: readonly string[] = ['tcp', 'sockets', 'detect', 'metrics'];

/** Who may start processes: kernel starts ss, and the command line what its user asks it to. */
const STARTERS: readonly string[] = ['kernel', 'cli'];

/** The packages that may be loaded, by the one file that may load them. */
const PEERS: ReadonlyMap<string, string> = new Map([
  ['exporters/prometheus.ts', 'prom-client'],
  ['exporters/opentelemetry.ts', '@opentelemetry/api'],
]);

/** The packages that finwait itself depends on, by the one folder that may load them: nothing that runs in a service does. */
const DEPENDENCIES: ReadonlyMap<string, string> = new Map([['cli', 'commander']]);

/** What a file or a folder needs the types of; the program brings the package, or does without. */
const TYPES_ONLY: ReadonlyMap<string, readonly string[]> = new Map([
  ['integrations', ['express', 'undici']],
  ['exporters/prom-registry.ts', ['prom-client']],
]);

/** Constants that every floor may import. */
const GROUND: readonly string[] = ['globals.ts', 'version.ts'];

/** The doors of the package: nothing inside imports them. */
const DOORS: readonly string[] = ['index.ts', 'register.ts', 'cli.ts'];

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly lazy: boolean;
}

describe('imports in src', () => {
  const files = sourceFiles('src');

  it.each(files)('%s goes down only', (file) => {
    expect(violations(file, read(`src/${file}`))).toEqual([]);
  });

  it('come from folders that stand on a floor, each with its rule in biome.json', () => {
    const folders = [
      ...new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0] as string)),
    ];
    expect(FLOORS.flat()).toEqual(expect.arrayContaining(folders));
    const { overrides } = JSON.parse(read('biome.json')) as { overrides: { includes: string[] }[] };
    const ruled = overrides.flatMap(({ includes }) => includes);
    for (const folder of folders) expect(ruled.some((pattern) => pattern.startsWith(`src/${folder}/`))).toBe(true);
  });
});

describe('imports outside src', () => {
  it('examples import what a user imports', () => {
    for (const file of sourceFiles('examples')) {
      for (const { specifier } of importsOf(read(`examples/${file}`))) expect(specifier, file).not.toContain('src/');
    }
  });

  it('of src, grafana knows the catalogue only', () => {
    for (const file of sourceFiles('grafana')) {
      const own = importsOf(read(`grafana/${file}`)).filter(({ specifier }) => specifier.includes('src/'));
      for (const { specifier } of own) expect(specifier, file).toContain('src/metrics/');
    }
  });
});

describe('the rule', () => {
  it.each([
    ['tcp/state.ts', `import type { Row } from '../sockets/row.ts';`, 'imports up'],
    ['sockets/join.ts', `import { readFileSync } from 'node:fs';`, 'is pure'],
    ['sockets/join.ts', `import '../kernel/ss/ss-runner.ts';`, 'imports up'],
    ['kernel/ss/ss-runner.ts', `export { tap } from '../../observe/tap.ts';`, 'imports sideways'],
    ['observe/tap.ts', `import { spawn } from 'node:child_process';`, 'only kernel starts processes'],
    ['observe/tap.ts', `const { a } = await import('../monitor/monitor.ts');`, 'imports up'],
    ['monitor/monitor.ts', `import express from 'express';`, 'loads a package'],
    ['metrics/catalogue.ts', `import { Counter } from 'prom-client';`, 'loads a package'],
    ['exporters/opentelemetry.ts', `import {\n  Counter,\n} from 'prom-client';`, 'loads a package'],
    ['exporters/opentelemetry.ts', `import { a } from './prometheus.ts';`, 'an exporter knows no other'],
    ['exporters/prometheus.ts', `import { a } from '../integrations/express.ts';`, 'imports up'],
    ['integrations/express.ts', `import { a } from '../exporters/prometheus.ts';`, 'uses an exporter lazily'],
    ['integrations/express.ts', `import express from 'express';`, 'loads a package'],
    ['integrations/express.ts', `import { a } from '../index.ts';`, 'a door'],
    ['exporters/prom-registry.ts', `import { Registry } from 'prom-client';`, 'loads a package'],
    ['exporters/prom-registry.ts', `import { a } from './prometheus.ts';`, 'an exporter knows no other'],
    ['web/metrics-text.ts', `import { a } from '../exporters/prometheus.ts';`, 'uses an exporter lazily'],
    ['web/metrics-text.ts', `import { a } from '../register.ts';`, 'a door'],
    ['register.ts', `import { a } from './exporters/prometheus.ts';`, 'uses an exporter lazily'],
    ['register.ts', `import { Registry } from 'prom-client';`, 'loads a package'],
    ['monitor/monitor.ts', `import { Command } from 'commander';`, 'loads a package'],
    ['cli/command-line.ts', `import chalk from 'chalk';`, 'loads a package'],
    ['cli/command-line.ts', `import { a } from '../cli.ts';`, 'a door'],
    ['web/metrics-text.ts', `import { a } from '../cli/command-line.ts';`, 'imports up'],
    ['index.ts', `export { a } from './exporters/prometheus.ts';`, 'needs a peer'],
    ['index.ts', `import { Counter } from 'prom-client';`, 'loads a package'],
  ])('%s may not say %s', (file, line, reason) => {
    expect(violations(file, line)).toEqual([expect.stringContaining(reason)]);
  });

  it.each([
    ['tcp/transition.ts', `import { STATE } from './state.ts';`],
    ['kernel/ss/ss-runner.ts', `import { spawn } from 'node:child_process';`],
    ['monitor/monitor.ts', `import { tap } from '../observe/tap.ts';`],
    ['metrics/measure.ts', `import { VERSION } from '../version.ts';`],
    ['exporters/prometheus.ts', `import { Counter } from 'prom-client';`],
    ['exporters/prometheus.ts', `import { putOnRegistry } from './prom-registry.ts';`],
    ['exporters/prom-registry.ts', `import type { Registry } from 'prom-client';`],
    ['web/metrics-text.ts', `import { putOnRegistry } from '../exporters/prom-registry.ts';`],
    ['register.ts', `import { openMetricsListener } from './web/metrics-listener.ts';`],
    ['cli/command-line.ts', `import { Command } from 'commander';`],
    ['cli.ts', `import { runCommandLine } from './cli/command-line.ts';`],
    ['integrations/express.ts', `import type { Request } from 'express';`],
    ['integrations/express.ts', `const { a } = await import('../exporters/prometheus.ts');`],
    ['integrations/express.ts', `type A = import('../exporters/prometheus.ts').A;`],
    ['tcp/state.ts', `/**\n * import express from 'express';\n */\n// import '../cli/main.ts'\n`],
  ])('%s may say %s', (file, line) => {
    expect(violations(file, line)).toEqual([]);
  });
});

function violations(file: string, source: string): string[] {
  return importsOf(source)
    .map((each) => [each.specifier, reasonAgainst(file, each)] as const)
    .filter(([, reason]) => reason !== undefined)
    .map(([specifier, reason]) => `${file} ${reason}: ${specifier}`);
}

function reasonAgainst(file: string, { specifier, typeOnly, lazy }: Import): string | undefined {
  const folder = file.includes('/') ? (file.split('/')[0] as string) : '';
  if (specifier.startsWith('node:')) {
    if (PURE.includes(folder)) return 'is pure';
    if (specifier === 'node:child_process' && !STARTERS.includes(folder)) return 'but only kernel starts processes';
    return undefined;
  }
  if (!specifier.startsWith('.')) {
    const types = typeOnly ? [...(TYPES_ONLY.get(folder) ?? []), ...(TYPES_ONLY.get(file) ?? [])] : [];
    const mayLoad = PEERS.get(file) === specifier || DEPENDENCIES.get(folder) === specifier;
    return mayLoad || types.includes(specifier) ? undefined : 'loads a package';
  }
  const target = posix.join(posix.dirname(file), specifier);
  if (GROUND.includes(target)) return undefined;
  if (DOORS.includes(target)) return 'imports a door';
  const to = target.split('/')[0] as string;
  if (file === 'index.ts') return floorOf(to) > floorOf('metrics') ? 'needs a peer' : undefined;
  if (folder === to) return PEERS.has(target) ? 'but an exporter knows no other' : undefined;
  // A door stands above all floors.
  if (folder !== '' && floorOf(to) > floorOf(folder)) return 'imports up';
  if (folder !== '' && floorOf(to) === floorOf(folder)) return 'imports sideways';
  // With an exporter comes its peer.
  return PEERS.has(target) && !typeOnly && !lazy ? 'uses an exporter lazily or not at all' : undefined;
}

function floorOf(folder: string): number {
  return FLOORS.findIndex((floor) => floor.includes(folder));
}

/** What a file imports: read as text, for the TypeScript 7 package has no parser to ask. */
function importsOf(source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const statements = code.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm);
  const calls = code.matchAll(/(\bawait\s+)?\bimport\('([^']+)'\)/g);
  return [
    ...[...statements].map(([, type, specifier]) => ({
      specifier: specifier as string,
      typeOnly: type !== undefined,
      lazy: false,
    })),
    ...[...calls].map(([, awaited, specifier]) => ({
      specifier: specifier as string,
      typeOnly: awaited === undefined,
      lazy: true,
    })),
  ];
}

function sourceFiles(folder: string): string[] {
  return readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
}

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}
