// The numbers of local ports against the one who gives them out: in a namespace with 32 of them, connect(2) fails when
// finwait says that none is left, and not before.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect } from 'vitest';
import { testWith } from '../support/tools.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/programs/ephemeral-ports.mjs', import.meta.url));
// As root or in a namespace of users of its own, where the machine allows those.
const TOOLS = 'ss && command -v ip && command -v unshare && unshare -rnm true';
const DEADLINE_MS = 15_000;

interface Step {
  readonly title: string;
  readonly ok: boolean;
  readonly used: number;
  readonly limit: number;
  /** What one more connect() came to. */
  readonly next: string;
}

async function run(mode: string): Promise<readonly Step[]> {
  const parameters = ['-rnm', process.execPath, '--import', import.meta.resolve('tsx'), PROGRAM, mode];
  const options = { timeout: DEADLINE_MS, env: { PATH: process.env['PATH'] } };
  const { stdout } = await promisify(execFile)('unshare', parameters, options);
  return JSON.parse(stdout) as readonly Step[];
}

describe('ephemeral ports', () => {
  testWith(TOOLS, 'of one destination run out at the limit, those of another do not; strangers count', async () => {
    expect(await run('chosen')).toEqual([
      { title: 'one is left', ok: true, used: 31, limit: 32, next: 'connected' },
      { title: 'none is left', ok: true, used: 32, limit: 32, next: 'EADDRNOTAVAIL' },
      { title: 'another destination', ok: true, used: 4, limit: 32, next: 'connected' },
    ]);
  });

  testWith(TOOLS, 'are fewer where some are reserved, or somebody listens on them', async () => {
    expect(await run('taken')).toEqual([
      { title: 'none is left', ok: true, used: 29, limit: 29, next: 'EADDRNOTAVAIL' },
    ]);
  });

  testWith(TOOLS, 'are those of the local address where the program binds, over all destinations', async () => {
    const [some, none, elsewhere] = await run('bound');
    // The two lots that the kernel chose ports for may share some of them.
    expect(some).toMatchObject({ limit: 32, next: 'connected' });
    expect(some?.used).toBeGreaterThanOrEqual(13);
    expect(some?.used).toBeLessThanOrEqual(23);
    expect(none).toMatchObject({ used: 32, limit: 32, next: 'EADDRINUSE' });
    expect(elsewhere).toMatchObject({ used: 4, limit: 32, next: 'connected' });
  });

  testWith(TOOLS, 'stay in use in TIME_WAIT', async () => {
    expect(await run('time-wait-kept')).toEqual([
      { title: 'in TIME_WAIT', ok: true, used: 32, limit: 32, next: 'EADDRNOTAVAIL' },
    ]);
  });

  testWith(TOOLS, 'come back from TIME_WAIT after a second where the kernel gives them out again', async () => {
    expect(await run('time-wait-reused')).toEqual([
      { title: 'in TIME_WAIT', ok: true, used: 32, limit: 32, next: 'EADDRNOTAVAIL' },
      { title: 'in TIME_WAIT for two seconds', ok: true, used: 0, limit: 32, next: 'connected' },
    ]);
  });

  testWith(TOOLS, 'do not come back from TIME_WAIT to a program that binds', async () => {
    expect(await run('time-wait-bound')).toEqual([
      { title: 'in TIME_WAIT for two seconds', ok: true, used: 32, limit: 32, next: 'EADDRINUSE' },
    ]);
  });
});
