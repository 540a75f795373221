import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCertificate } from '../support/certificate.ts';
import { type BuiltLibrary, buildLibrary, type Ended, run } from '../support/child.ts';

// Each program runs twice, bare and observed; whatever it prints and however it ends must be the same. Its stacks are
// not compared: one frame of finwait in a stack that passes through emit is the difference that cannot be avoided.
interface Life {
  /** How many connections the observed life has seen, client and server ends apart. */
  readonly opened: number;
  readonly code?: number | null;
  readonly signal?: NodeJS.Signals;
  /** Something that must be on stderr, the same in both lives; by default nothing may be there. */
  readonly stderr?: RegExp;
  /** Something the program must have printed: proof that it got where it should. */
  readonly prints?: string;
  /** A program that emits what never happened, or restores an emit over ours, may stay open in our books. */
  readonly open?: number;
}

const LIVES: Readonly<Record<string, Life>> = {
  'an uncaught error of a client': { opened: 0, code: 1, stderr: /Error: connect ECONNREFUSED 127\.0\.0\.1/ },
  'an uncaught error of an accepted socket': { opened: 2, open: 2, code: 1, stderr: /Error: read ECONNRESET/ },
  'an unread socket': { opened: 2, prints: '100 null false 100 open' },
  'a paused and a pipelined socket': { opened: 2, prints: 'finished undefined' },
  'nothing else to do, with samples on a timer': { opened: 2, open: 2, prints: 'done' },
  'nothing but a server that was closed': { opened: 2, prints: 'closed' },
  'an exit code of its own': { opened: 2, open: 2, code: 7, prints: 'leaving' },
  'an end by signal': { opened: -1, code: null, signal: 'SIGTERM' },
  'listeners and their counts': { opened: 4, prints: 'server' },
  'keys and what inspect shows': { opened: 2, prints: 'true Socket function 1 emit' },
  'addresses after the close': { opened: 8, prints: 'resetAndDestroy undefined' },
  'the timeout of an http server': { opened: 2 },
  'the keep-alive timeout of an http server': { opened: 2, prints: '200 OK' },
  'what an http server does by default': { opened: 8, prints: '400 Bad Request' },
  'an upgrade that is taken': { opened: 4, prints: 'upgrade /up 5' },
  'keep-alive requests through an agent': { opened: 2, prints: 'true /3' },
  removeAllListeners: { opened: 2, prints: 'true true' },
  'the order of listeners': { opened: 2, prints: 'prependOnce prepend on once true' },
  'a listener that throws': { opened: 4, prints: 'uncaught mine' },
  'emit, what it returns and what this is': { opened: 2, prints: 'heir true' },
  'what a program emits by itself': { opened: 2, prints: 'error ECONNRESET' },
  'an own emit, from before and from after': { opened: 2, prints: 'a:close' },
  'an emit of a subclass': { opened: 2, prints: 'loud close' },
  'tls and https': { opened: 6, prints: 'tlsClientError' },
  'a reconnect': { opened: 6, prints: '2 1 0' },
  'a life after the monitor': { opened: 2, prints: 'closed' },
};

describe('a program behaves the same with and without finwait', () => {
  let library: BuiltLibrary;
  let env: Record<string, string>;

  beforeAll(() => {
    library = buildLibrary();
    const { key, cert } = createCertificate();
    env = { TLS_KEY: key, TLS_CERT: cert };
  });
  afterAll(() => library.remove());

  test('every life of the program is compared', async () => {
    const { stdout } = await run('guest.mjs');
    expect(stdout.trim().split('\n').sort()).toEqual(Object.keys(LIVES).sort());
  });

  for (const [life, expected] of Object.entries(LIVES)) {
    test.concurrent(`${life}: same output, same end`, async () => {
      const bare = await run('guest.mjs', { args: [life], env });
      const observed = await run('guest.mjs', { args: [life], env: { ...env, FINWAIT_DIST: library.folder } });

      expect(endOf(observed)).toEqual(endOf(bare));
      expect({ code: bare.code, signal: bare.signal }).toEqual({
        code: expected.code === undefined ? 0 : expected.code,
        signal: expected.signal ?? null,
      });
      if (expected.prints !== undefined) expect(bare.stdout).toContain(expected.prints);
      for (const { stderr } of [bare, observed]) {
        if (expected.stderr === undefined) expect(stderr).toBe('');
        else expect(stderr).toMatch(expected.stderr);
      }
      if (expected.opened < 0) return;
      const { opened, open, illegal } = JSON.parse(observed.report);
      expect({ opened, open, illegal }).toEqual({ opened: expected.opened, open: expected.open ?? 0, illegal: [] });
    });
  }
});

function endOf({ stdout, code, signal }: Ended): object {
  return { stdout, code, signal };
}
