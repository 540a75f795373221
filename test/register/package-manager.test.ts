import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isPackageManager, isPackageManagerScript } from '../../src/web/package-manager.ts';

test.each([
  '/usr/lib/node_modules/npm/bin/npm-cli.js',
  '/usr/lib/node_modules/npm/bin/npx-cli.js',
  '/usr/share/nodejs/npm/bin/npm-cli.js',
  '/usr/local/lib/node_modules/corepack/dist/corepack.js',
  '/usr/local/lib/node_modules/corepack/dist/yarn.js',
  '/usr/local/lib/node_modules/corepack/dist/pnpm.js',
  '/home/me/.cache/node/corepack/v1/pnpm/10.12.1/bin/pnpm.cjs',
  '/home/me/.cache/node/corepack/v1/yarn/4.9.1/yarn.js',
  '/opt/yarn-v1.22.22/bin/yarn.js',
  '/usr/share/yarn/bin/yarn.js',
  '/usr/local/lib/node_modules/pnpm/bin/pnpm.cjs',
  '/usr/local/lib/node_modules/pnpm/bin/pnpx.cjs',
  '/app/node_modules/.pnpm/pnpm@10.12.1/node_modules/pnpm/bin/pnpm.mjs',
  '/app/.yarn/releases/yarn-4.9.1.cjs',
  'C:\\Program Files\\nodejs\\node_modules\\npm\\bin\\npm-cli.js'.replaceAll('\\', '/'),
])('%s is a package manager', (path) => {
  expect(isPackageManagerScript(path)).toBe(true);
});

test.each([
  '/app/server.js',
  '/app/npm.js',
  '/app/src/yarn.js',
  '/app/releases/yarn-4.9.1.cjs',
  '/home/pnpm/app/server.js',
  '/srv/npm/bin/server.js',
  '/app/node_modules/npm/lib/npm.js.map',
  '/app/node_modules/npm-run-all/bin/run-s/index.js',
  '/app/node_modules/typescript/bin/tsc',
  '/app/yarn-4.9.1.cjs',
  '',
])('%s is a program', (path) => {
  expect(isPackageManagerScript(path)).toBe(false);
});

test('a link to a package manager is one, whatever its name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-manager-'));
  try {
    mkdirSync(join(folder, 'npm/bin'), { recursive: true });
    writeFileSync(join(folder, 'npm/bin/npm-cli.js'), '');
    symlinkSync(join(folder, 'npm/bin/npm-cli.js'), join(folder, 'n'));
    expect(isPackageManager(join(folder, 'n'))).toBe(true);
    expect(isPackageManager(join(folder, 'nowhere'))).toBe(false);
    expect(isPackageManager(undefined)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
