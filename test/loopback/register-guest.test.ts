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
  const slowdowns: number[] = [];

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

  for (const life of lives) {
    test.concurrent(`${life.family}: ${life.title}`, { timeout: 3 * DEADLINE_MS }, async () => {
      const bare = await live(life, false);
      const guest = await live(life, true);
      slowdowns.push(guest.durationMs / bare.durationMs);

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
      expect(bare.report).toBe('');
      const reports = guest.report
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Report);
      expect(problemOf(life, reports), guest.report).toBe('');
    });
  }

  test('they end about as soon', () => {
    expect(slowdowns.length).toBe(lives.length);
    expect(median(slowdowns)).toBeLessThan(SLOWDOWN);
  });

  async function live(life: Life, isObserved: boolean): Promise<Ended> {
    const preloads = isObserved ? ['--import', `${library.folder}/register.js`] : [];
    const flags = ['--stack-trace-limit=50', ...(life.flags ?? []), ...preloads, '--import', PROBE];
    if (life.family === 'main') return run(life.title, { flags, env, deadlineMs: DEADLINE_MS });
    return run('guests.mjs', { args: [life.family, life.title], flags, env, deadlineMs: DEADLINE_MS });
  }
});

const DEADLINE_MS = 15_000;

/**
 * How many times as long programs of a tenth of a second may take, the one in the middle: what is loaded at the start is
 * most of it. Kept alive for a second by anything of ours, a program would take ten times as long.
 */
const SLOWDOWN = 4;

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
