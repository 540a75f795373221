// `npm ci` refuses a lock file that leaves out a package, those of other platforms included; npm itself writes such a
// file when a registry does not have them all.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly optionalDependencies?: { readonly [name: string]: string };
}

const text = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');
const { packages } = JSON.parse(text) as { packages: { readonly [path: string]: Locked } };

it('the lock file has every package that one of its packages may install', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isLocked(path, name)),
  );
  expect(missing).toEqual([]);
});

it('the lock file names no host: what is installed comes from the registry of whoever installs', () => {
  expect(text).not.toMatch(/"resolved"/);
});

/** Whether a package is found from a place in the tree, as Node looks for it: beside it, or further up. */
function isLocked(from: string, name: string): boolean {
  for (let at = from; ; at = at.slice(0, Math.max(at.lastIndexOf('/node_modules/'), 0))) {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`]?.version !== undefined) return true;
    if (at === '') return false;
  }
}
