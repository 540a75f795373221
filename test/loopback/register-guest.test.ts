import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { median } from '../../bench/statistics.ts';
import { createCertificate } from '../support/certificate.ts';
import { type BuiltLibrary, buildLibrary, type Ended, run } from '../support/child.ts';

// Every program runs twice, with `--import finwait/register` and without; neither names finwait. What it prints, what its
// stacks are and how it ends must be the same. The lines of finwait's own frames are taken out of the stacks, the first
// of the two differences that nothing can avoid; the second, that an `emit` is an own property, is kept out of `shape()`
// in the programs.

/** One program, as `node guests.mjs` lists it. */
interface Life {
  readonly family: string;
  readonly title: string;
  /** How many ends of connections finwait must have seen in it: proof that the two runs differ at all. */
  readonly sockets: number;
  /** Where the kernel and the clock decide how many there are. */
  readonly atLeast?: number;
  readonly code?: number | null;
  readonly signal?: NodeJS.Signals;
  /** It has no output. */
  readonly silent?: boolean;
  /** Ends that do not depend on each other are printed in an order that nothing decides. */
  readonly sorted?: boolean;
  readonly flags?: readonly string[];
}

/** Programs that are the main one themselves. */
const MAIN: readonly Life[] = [
  { family: 'main', title: 'guest-commonjs.cjs', sockets: 2 },
  { family: 'main', title: 'guest-commonjs-crash.cjs', sockets: 0, code: 1 },
  { family: 'main', title: 'guest-unsettled.mjs', sockets: 2, code: 13 },
];

const PROBE = fileURLToPath(new URL('../fixtures/programs/guest-probe.mjs', import.meta.url));

const listed = await run('guests.mjs');
const lives = [
  ...MAIN,
  ...listed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Life),
];

describe('a program behaves the same with and without --import finwait/register', () => {
  let library: BuiltLibrary;
  let env: Record<string, string>;

  beforeAll(() => {
    library = buildLibrary();
    const { key, cert } = createCertificate();
    env = { TLS_KEY: key, TLS_CERT: cert, FINWAIT_PORT: '0' };
  });
  afterAll(() => library.remove());

  test('there are at least 60 programs, over every protocol', () => {
    expect(listed.code).toBe(0);
    expect(lives.length).toBeGreaterThanOrEqual(60);
    expect(new Set(lives.map(({ family, title }) => `${family} ${title}`)).size).toBe(lives.length);
  });

  // Alone, before the programs below fill the machine.
  test('a program with nothing to do ends at most 60 ms later', { timeout: 60_000 }, async () => {
    const register = ['--import', `${library.folder}/register.js`];
    let laterMs = Number.POSITIVE_INFINITY;
    // A machine that is busy with something else has its quiet moments; a start that became dear has none.
    for (let round = 0; round < ROUNDS && laterMs >= LATER_MS; round++) {
      const bare: number[] = [];
      const guest: number[] = [];
      for (let pair = 0; pair < PAIRS; pair++) {
        bare.push((await run('guest-nothing.cjs', { env })).durationMs);
        guest.push((await run('guest-nothing.cjs', { flags: register, env })).durationMs);
      }
      laterMs = Math.min(laterMs, median(guest) - median(bare));
    }
    expect(laterMs).toBeLessThan(LATER_MS);
  });

  for (const life of lives) {
    test.concurrent(`${life.family}: ${life.title}`, async () => {
      const [bare, guest] = await Promise.all([live(life, false), live(life, true)]);

      expect(endOf(guest, life)).toEqual(endOf(bare, life));
      expect({ code: bare.code, signal: bare.signal }).toEqual({
        code: life.code === undefined ? 0 : life.code,
        signal: life.signal ?? null,
      });
      if (life.silent !== true) expect(bare.stdout + bare.stderr).not.toBe('');
      // It came to its end, and did not wait in vain for anything.
      if (life.code === undefined && life.silent !== true && life.family !== 'main') {
        expect(bare.stdout).toMatch(/^over$/m);
      }
      expect(bare.stderr).not.toContain('Error: never: ');
      expect(guest.durationMs - bare.durationMs).toBeLessThan(LATEST_EXIT_MS);
      expect(bare.report).toBe('');
      const reports = guest.report
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Report);
      expect(problemOf(life, reports), guest.report).toBe('');
    });
  }

  async function live(life: Life, isObserved: boolean): Promise<Ended> {
    const preloads = isObserved ? ['--import', `${library.folder}/register.js`] : [];
    const flags = ['--stack-trace-limit=50', ...(life.flags ?? []), ...preloads, '--import', PROBE];
    if (life.family === 'main') return run(life.title, { flags, env });
    return run('guests.mjs', { args: [life.family, life.title], flags, env });
  }
});

const LATER_MS = 60;
const PAIRS = 9;
const ROUNDS = 6;

/** A program that is kept alive is so until the next sample or for good; the rest is what a busy machine may do. */
const LATEST_EXIT_MS = 3_000;

/** What the probe wrote of one process or thread. */
interface Report {
  readonly opened: number;
  readonly open: number;
  readonly illegal: readonly unknown[];
}

function problemOf(life: Life, reports: readonly Report[]): string {
  const opened = reports.reduce((sum, report) => sum + report.opened, 0);
  const expected = life.atLeast ?? life.sockets;
  const isEnough = life.atLeast === undefined ? opened === expected : opened >= expected;
  if (!isEnough) return `${opened} ends of connections seen instead of ${expected}`;
  const illegal = reports.flatMap((report) => report.illegal);
  return illegal.length === 0 ? '' : `illegal transitions: ${JSON.stringify(illegal)}`;
}

function endOf(ended: Ended, life: Life): object {
  const stdout = normalise(ended.stdout);
  return {
    stdout: life.sorted === true ? stdout.split(/\n(?! )/).sort() : stdout,
    stderr: normalise(ended.stderr).replaceAll(/^finwait: metrics at .*\n/gm, ''),
    code: ended.code,
    signal: ended.signal,
  };
}

/** Takes out what differs from run to run, ports and process ids, and the frames of finwait. */
function normalise(text: string): string {
  return text
    .replaceAll(/^ +at .*finwait-build-.*\n/gm, '')
    .replaceAll(/(?<=127\.0\.0\.[12]:|::1:|port: )\d+/g, '<port>')
    .replaceAll(/(?<=\(node:)\d+/g, '<pid>');
}
