// A client that opens one connection after another until no local port is left, against the kernel that gives the ports
// out: foretold in time, counted exactly.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect } from 'vitest';
import { testWith } from '../support/tools.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/programs/port-exhaustion.mjs', import.meta.url));
// As root or in a namespace of users of its own, where the machine allows those.
const TOOLS = 'ss && command -v ip && command -v unshare && unshare -rnm true';
/** Looking for a port among 2,000 that are taken keeps the kernel busy 18,000 times. */
const DEADLINE_MS = 100_000;

interface Course {
  readonly foretoldSeconds: number;
  readonly foretoldBeforeMs: number;
  readonly exhaustedAfterMs: number;
}

describe('20,000 connections without keep-alive and 2,000 local ports', () => {
  testWith(
    TOOLS,
    'the end is foretold before the first EADDRNOTAVAIL, each of which is counted, and the use is what ss counts',
    async () => {
      const parameters = ['-rnm', process.execPath, '--import', import.meta.resolve('tsx'), PROGRAM];
      const options = { timeout: DEADLINE_MS, env: { PATH: process.env['PATH'] } };
      const { stdout } = await promisify(execFile)('unshare', parameters, options);
      const course = JSON.parse(stdout) as Course;
      expect(course).toMatchObject({
        ok: true,
        outcomes: { connected: 2_000, EADDRNOTAVAIL: 18_000 },
        connects: 20_000,
        pending: 0,
        exhausted: 18_000,
        used: 2_000,
        limit: 2_000,
        rows: [2_000, 2_000],
        timeWait: 2_000,
      });
      // Foretold in the first half of the time that was left.
      expect(course.foretoldBeforeMs).toBeGreaterThan(course.exhaustedAfterMs / 2);
      const actualSeconds = course.foretoldBeforeMs / 1000;
      expect(course.foretoldSeconds).toBeGreaterThan(actualSeconds / 2);
      expect(course.foretoldSeconds).toBeLessThan(actualSeconds * 2);
      expect(JSON.stringify(course)).toContain('"kind":"ports_exhausted","severity":"critical"');
    },
    DEADLINE_MS + 10_000,
  );
});
