import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as undici7 from 'undici';
import { type TestAPI, test } from 'vitest';

/** undici as the tests use it: what 6, 7 and 8 have in common. */
export type Undici = Pick<typeof undici7, 'Agent' | 'Client' | 'Pool' | 'ProxyAgent' | 'request'>;

/**
 * undici 7, which is installed, and the versions that are in the folder of clients (`FINWAIT_CLIENTS`, see .ci/run).
 * Without that their tests are skipped and say so, or fail where everything must run.
 */
export const UNDICI_VERSIONS: readonly (readonly [
  title: string,
  load: () => Undici,
  runs: TestAPI | TestAPI['skip'],
])[] = [['undici 7', () => undici7, test], other(6), other(8)];

function other(major: number): readonly [string, () => Undici, TestAPI | TestAPI['skip']] {
  // undici 8 needs Node 22.19.
  if (major === 8 && !isAtLeast(22, 19)) return ['undici 8 (needs Node 22.19)', refuse, test.skip];
  const clients = process.env['FINWAIT_CLIENTS'];
  const isRequired = process.env['FINWAIT_REQUIRE_TOOLS'] === '1';
  if (clients === undefined) {
    return [`undici ${major} (needs FINWAIT_CLIENTS)`, refuse, isRequired ? test : test.skip];
  }
  const folder = join(clients, 'node_modules', `undici${major}`);
  return [`undici ${major}`, () => createRequire(import.meta.url)(folder) as Undici, test];
}

function refuse(): never {
  throw new Error('not installed');
}

function isAtLeast(major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
