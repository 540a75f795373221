import { createRequire } from 'node:module';
import * as undici7 from 'undici';
import { type TestAPI, test } from 'vitest';

/** undici as the tests use it: what 6, 7 and 8 have in common. */
export type Undici = Pick<typeof undici7, 'Agent' | 'Client' | 'Pool' | 'ProxyAgent' | 'request'>;

/**
 * undici 7, which is installed, and the versions whose folder is named by the environment, such as
 * `FINWAIT_UNDICI_6=/tmp/node_modules/undici`. Without it their tests are skipped and say so, or fail in CI.
 */
export const UNDICI_VERSIONS: readonly (readonly [
  title: string,
  load: () => Undici,
  runs: TestAPI | TestAPI['skip'],
])[] = [['undici 7', () => undici7, test], other(6), other(8)];

function other(major: number): readonly [string, () => Undici, TestAPI | TestAPI['skip']] {
  const variable = `FINWAIT_UNDICI_${major}`;
  const folder = process.env[variable];
  // undici 8 needs Node 22.19.
  if (major === 8 && !isAtLeast(22, 19)) return ['undici 8 (needs Node 22.19)', refuse, test.skip];
  if (folder === undefined) return [`undici ${major} (needs ${variable})`, refuse, test.skip];
  return [`undici ${major}`, () => createRequire(import.meta.url)(folder) as Undici, test];
}

function refuse(): never {
  throw new Error('not installed');
}

function isAtLeast(major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
