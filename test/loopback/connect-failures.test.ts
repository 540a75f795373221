// Every way to fail to connect, produced for real in a network namespace, and what both ledgers say of it. The programs
// count for themselves too: an attempt that was announced and not counted is shown, and so is an operation that neither
// succeeded nor failed nor is pending.
import { execFile } from 'node:child_process';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, vi } from 'vitest';
import { testWith } from '../support/tools.ts';

// As root or in a namespace of users of its own, where the machine allows those.
const TOOLS = 'ip && command -v prlimit && command -v unshare && unshare -rnm ip tuntap add d0 mode tun';
const DEADLINE_MS = 50_000;
// Two thousand operations take two seconds of a processor, which a busy machine gives when it can.
vi.setConfig({ testTimeout: 55_000 });

async function run(program: string, ...parameters: readonly string[]): Promise<unknown> {
  const path = fileURLToPath(new URL(`../fixtures/programs/${program}`, import.meta.url));
  const node = [process.execPath, '--import', import.meta.resolve('tsx'), path];
  const options = { timeout: DEADLINE_MS, env: { PATH: process.env['PATH'] } };
  const { stdout } = await promisify(execFile)('unshare', ['-rnm', ...node, ...parameters], options);
  return JSON.parse(stdout);
}

/** Since Node publishes every connect() on its channel, it is seen there, without its port. */
const seesPort = !net.Socket.prototype.connect.toString().includes('netClientSocketChannel');

/**
 * By title, what changed in the books: the client's name with what became of the operation or the connection, the family
 * with what became of an attempt, and the phases that were measured. `[:9001]` is there only where the port is known.
 */
const EXPECTED: { readonly [section: string]: { readonly [title: string]: string } } = {
  kernel: {
    'refused, net': 'ip:9009 refused, ipv4 failed',
    'refused, new': 'ip:9009 refused, ipv4 failed',
    'refused, tls': 'ip:9009 refused, ipv4 failed',
    'refused, http': 'ip:9009 refused, ipv4 failed',
    'refused, https': 'ip:9009 refused, ipv4 failed',
    'refused, undici': 'ip:9009 refused, ipv4 failed',
    'refused, fetch': 'ip:9009 refused, ipv4 failed',
    'refused by name, net': 'localhost:9009 refused, ipv4 failed, lookup',
    'refused by name, tls': 'localhost:9009 refused, ipv4 failed, lookup',
    'refused by name, http': 'localhost:9009 refused, ipv4 failed, lookup',
    'refused by name, https': 'localhost:9009 refused, ipv4 failed, lookup',
    'refused by name, undici': 'localhost:9009 refused, ipv4 failed, lookup',
    'silent, net': 'ip:9001 timeout, ipv4 failed',
    'silent, tls': 'ip:9001 timeout, ipv4 failed',
    'the first SYN is lost': 'ip:9001 succeeded, ip:9001 opened, ipv4 connected, tcp up to 1.25 s',
    'unreachable, net': 'ip:9001 unreachable, ipv4 failed',
    'unreachable, tls': 'ip:9001 unreachable, ipv4 failed',
    'unreachable, http': 'ip:9001 unreachable, ipv4 failed',
    'unreachable, undici': 'ip:9001 unreachable, ipv4 failed',
    'no route': 'ip:9001 unreachable, ipv4 failed',
    'no route, IPv6': 'ip:9001 unreachable, ipv6 failed',
    blackhole: 'ip:9001 unreachable, ipv4 failed',
    prohibited: 'ip:9001 unreachable, ipv4 failed',
    'link-local without an interface': 'ip:9001 unreachable, ipv6 failed',
  },
  names: {
    'name that does not resolve, net': 'x.invalid[:9001] resolution',
    'name that does not resolve, new': 'x.invalid[:9001] resolution',
    'name that does not resolve, tls': 'x.invalid:9001 resolution',
    'name that does not resolve, http': 'x.invalid:9001 resolution',
    'name that does not resolve, https': 'x.invalid:9001 resolution',
    'name that does not resolve, undici': 'x.invalid[:9001] resolution',
    'name that does not resolve, fetch': 'x.invalid[:9001] resolution',
    'lookup that fails, net': 'y.invalid[:9001] resolution',
    'lookup that fails, tls': 'y.invalid:9001 resolution',
    'lookup that fails, http': 'y.invalid:9001 resolution',
    'lookup that fails, https': 'y.invalid:9001 resolution',
    'lookup that times out': 'y.invalid[:9001] resolution',
    'lookup that throws nothing and gives no address': 'y.invalid[:9001] resolution',
    'lookup that gives no address to Happy Eyeballs': 'y.invalid[:9001] resolution',
    'lookup that gives a family that is none': 'y.invalid:9001 resolution',
    'slow lookup': 'slow.test:9001 succeeded, slow.test:9001 opened, ipv4 connected, lookup up to 1 s, tcp',
  },
  'local ends': {
    'local port taken': 'ip[:9001] other',
    'local port busy to the same destination':
      'ip:9001 succeeded, ip:9001 other, ip:9001 opened, ipv4 connected, ipv4 failed, tcp',
    'local address that is not local': 'ip[:9001] other',
    'no port is left': 'ip:9001 port_exhausted, ipv4 failed',
    'no port is left, tls': 'ip:9001 port_exhausted, ipv4 failed',
    'no port is left, http': 'ip:9001 port_exhausted, ipv4 failed',
    'no port is left to a local address': 'ip:9001 port_exhausted, ipv4 failed',
    'no descriptor is left, net': 'ip:9001 fd_exhausted, ipv4 failed',
    'no descriptor is left, tls': 'ip:9001 fd_exhausted, ipv4 failed',
    'no descriptor is left, http': 'ip:9001 fd_exhausted, ipv4 failed',
    'no descriptor is left, undici': 'ip:9001 fd_exhausted, ipv4 failed',
    'no descriptor is left for bind(2)': 'ip[:9001] fd_exhausted',
    'no descriptor is left for a lookup': 'x.invalid[:9001] fd_exhausted',
  },
  tls: {
    'name mismatch, tls': 'ip:9002 tls, ip:9002 opened, ipv4 connected, tcp',
    'name mismatch, https': 'ip:9002 tls, ip:9002 opened, ipv4 connected, tcp',
    'name mismatch, undici': 'ip:9002 tls, ip:9002 opened, ipv4 connected, tcp',
    'self-signed, tls': 'localhost:9002 tls, localhost:9002 opened, ipv4 connected, lookup, tcp',
    'self-signed, https': 'localhost:9002 tls, localhost:9002 opened, ipv4 connected, lookup, tcp',
    'self-signed, undici': 'localhost:9002 tls, localhost:9002 opened, ipv4 connected, lookup, tcp',
    'self-signed, fetch': 'localhost:9002 tls, localhost:9002 opened, ipv4 connected, lookup, tcp',
    'garbage, tls': 'ip:9003 tls, ip:9003 opened, ipv4 connected, tcp',
    'garbage, https': 'ip:9003 tls, ip:9003 opened, ipv4 connected, tcp',
    'garbage, undici': 'ip:9003 tls, ip:9003 opened, ipv4 connected, tcp',
    'fin, tls': 'ip:9005 tls, ip:9005 opened, ipv4 connected, tcp',
    'fin, https': 'ip:9005 tls, ip:9005 opened, ipv4 connected, tcp',
    'rst, tls': 'ip:9006 reset, ip:9006 opened, ipv4 connected, tcp',
    'rst, https': 'ip:9006 reset, ip:9006 opened, ipv4 connected, tcp',
    'timeout of the program, tls': 'ip:9004 timeout, ip:9004 opened, ipv4 connected, tcp',
    'timeout of the program, https': 'ip:9004 timeout, ip:9004 opened, ipv4 connected, tcp',
    'timeout of undici': 'ip:9004 timeout, ip:9004 opened, ipv4 connected, tcp',
    aborted: 'ip:9004 aborted, ip:9004 opened, ipv4 connected, tcp',
    works: 'localhost:9002 succeeded, localhost:9002 opened, ipv4 connected, lookup, tcp, tls',
  },
  'given up': {
    'aborted before connect(), net': 'ip:9001 succeeded, ip:9001 opened, ipv4 connected, tcp',
    'aborted before connect(), new': 'ip:9001 succeeded, ip:9001 opened, ipv4 connected, tcp',
    'aborted before connect(), http': 'ip:9001 aborted, ipv4 cancelled',
    'aborted before connect(), fetch': '',
    'destroyed in the tick of connect(), net': 'ip[:9001] aborted',
    'destroyed in the tick of connect(), new': 'ip[:9001] aborted',
    'destroyed in the tick of connect(), tls': 'ip:9001 aborted',
    'destroyed in the tick of connect(), http': 'ip:9001 aborted, ipv4 cancelled',
    'destroyed in the tick of connect(), https': 'ip:9001 aborted, ipv4 cancelled',
    'destroyed in the tick of connect() to a name, net': 'tick.test[:9001] aborted',
    'destroyed in the tick of connect() to a name, new': 'tick.test[:9001] aborted',
    'destroyed in the tick of connect() to a name, tls': 'tick.test:9001 aborted',
    'destroyed in the tick of connect() to a name, https': 'tick.test:9001 aborted',
    'destroyed during the lookup, net': 'slow2.test[:9001] aborted',
    'destroyed during the lookup, new': 'slow2.test[:9001] aborted',
    'destroyed during the lookup, tls': 'slow2.test:9001 aborted',
    'destroyed during the lookup, http': 'slow2.test:9001 aborted',
    'destroyed during the lookup, https': 'slow2.test:9001 aborted',
    'destroyed in SYN_SENT, net': 'ip:9001 aborted, ipv4 cancelled',
    'destroyed in SYN_SENT, new': 'ip:9001 aborted, ipv4 cancelled',
    'destroyed in SYN_SENT, tls': 'ip:9001 aborted, ipv4 cancelled',
    'destroyed in SYN_SENT, http': 'ip:9001 aborted, ipv4 cancelled',
    'destroyed in SYN_SENT with an error': 'ip:9001 aborted, ipv4 cancelled',
    'aborted in SYN_SENT': 'ip:9001 aborted, ipv4 cancelled',
    'AbortSignal.timeout in SYN_SENT': 'ip:9001 timeout, ipv4 cancelled',
    'timeout of the program in SYN_SENT': 'ip:9001 timeout, ipv4 cancelled',
    'timeout of http in SYN_SENT': 'ip:9001 timeout, ipv4 cancelled',
    'timeout of undici in SYN_SENT': 'ip:9001 timeout, ipv4 cancelled',
    'resetAndDestroy() in SYN_SENT': 'ip:9001 timeout, ipv4 failed',
  },
  'happy eyeballs': {
    'v6 refused': 'both.test:9001 succeeded, both.test:9001 opened, ipv4 connected, ipv6 failed, lookup, tcp',
    'v6 without a route': 'both.test:9001 succeeded, both.test:9001 opened, ipv4 connected, ipv6 failed, lookup, tcp',
    'v6 silent': 'both.test:9001 succeeded, both.test:9001 opened, ipv4 connected, ipv6 timed_out, lookup, tcp',
    'all refused': 'both.test:9009 refused, ipv4 failed, ipv6 failed, lookup',
    'all refused, http': 'both.test:9009 refused, ipv4 failed, ipv6 failed, lookup',
    'no route, then refused': 'both.test:9009 refused, ipv4 failed, ipv6 failed, lookup',
    'refused, then no route': 'both.test:9009 refused, ipv4 failed, ipv6 failed, lookup',
    'silent, then refused': 'both.test:9009 refused, ipv4 failed, ipv6 timed_out, lookup',
    'no route at all': 'both.test:9009 unreachable, ipv4 failed, ipv6 failed, lookup',
    destroyed: 'both.test:9001 aborted, ipv4 cancelled, ipv6 timed_out, lookup',
  },
  again: {
    refused: '2 x ip:9009 refused, ip:9001 succeeded, ip:9001 opened, ipv4 connected, 2 x ipv4 failed, tcp',
    'lookup failed': 'ip:9001 succeeded, ip:9001 opened, 2 x again.invalid[:9001] resolution, ipv4 connected, tcp',
    unreachable: 'ip:9001 succeeded, 2 x ip:9001 unreachable, ip:9001 opened, ipv4 connected, 2 x ipv4 failed, tcp',
    'happy eyeballs failed':
      'ip:9001 succeeded, ip:9001 opened, 2 x both.test:9009 refused, ipv4 connected, 2 x ipv4 failed, 2 x ipv6 failed, 2 x lookup, tcp',
    'connected, then a lookup that fails':
      'ip:9001 succeeded, ip:9001 opened, other.invalid[:9001] resolution, ipv4 connected, tcp',
    'destroy() and connect() in SYN_SENT in one tick': '2 x ip:9001 aborted, 2 x ipv4 cancelled',
    'destroy() and connect() when connected in one tick':
      '2 x ip:9001 succeeded, 2 x ip:9001 opened, 2 x ipv4 connected, 2 x tcp',
    'connect() twice': 'ip:9001 aborted, ip:9001 other, ipv4 failed, ipv4 cancelled',
  },
  nothing: {
    'unix socket': '',
    'no arguments': '',
    'no arguments, and then well': 'ip:9001 succeeded, ip:9001 opened, ipv4 connected, tcp',
  },
  'no IPv6': {
    'a family that is not there': 'ip:9001 unreachable, ipv6 failed',
    'happy eyeballs': 'both.test:9009 refused, ipv4 failed, ipv6 failed, lookup',
  },
};

function expected(section: string, isPortKnown: boolean, pattern: RegExp): { readonly [title: string]: string } {
  return Object.fromEntries(
    Object.entries(EXPECTED[section] ?? {})
      .filter(([title]) => pattern.test(title))
      .map(([title, text]) => [title, text.replaceAll(/\[(.*?)\]/g, isPortKnown ? '$1' : '')]),
  );
}

describe('a failure to connect has its one reason, and its attempts', () => {
  for (const section of Object.keys(EXPECTED)) {
    testWith(TOOLS, `${section}, under observeProcess()`, async () => {
      expect(await run('connect-failures.mjs', 'process', section)).toEqual(expected(section, seesPort, /./));
    });
  }

  // A socket of http, undici or fetch is shown to nobody before it connects.
  for (const section of ['kernel', 'names', 'tls', 'given up']) {
    testWith(TOOLS, `${section}, under observeSocket() right after connect()`, async () => {
      const pattern = /, (net|tls)$/;
      const report = await run('connect-failures.mjs', 'socket', section, pattern.source);
      expect(report).toEqual(expected(section, false, pattern));
    });
  }
});

interface Balance {
  readonly problems: readonly string[];
  readonly scrapes: number;
  readonly mostPending: number;
  /** What the program counted itself. */
  readonly own: { readonly started: number; readonly succeeded: number; readonly attempts: number };
  readonly total: {
    readonly started: number;
    readonly pending: number;
    readonly failed: number;
    readonly attempts: number;
  };
  /** Operations of a host with a dead route of IPv6: all, and those that succeeded. */
  readonly dead6: readonly [number, number];
  /** Connections, and how long their handshakes took. */
  readonly opened: number;
  readonly durations: number;
  readonly open: number;
  readonly internalErrors: readonly unknown[];
}

describe('two thousand operations of all kinds at random', () => {
  testWith(TOOLS, 'balance in both ledgers at every scrape, and agree with what the program counts', async () => {
    const seed = String(1 + Math.floor(Math.random() * 1_000_000));
    const balance = (await run('connect-ledger.mjs', seed)) as Balance;
    const { own, total } = balance;
    expect({ seed, problems: balance.problems, internalErrors: balance.internalErrors, open: balance.open }).toEqual({
      seed,
      problems: [],
      internalErrors: [],
      open: 0,
    });
    expect(total).toEqual({
      started: own.started,
      pending: 0,
      failed: own.started - own.succeeded,
      attempts: own.attempts,
    });
    expect(own.started).toBeGreaterThanOrEqual(2_000);
    expect(balance.scrapes).toBeGreaterThan(2_000);
    expect(balance.mostPending).toBeGreaterThan(5);
    expect(balance.durations).toBe(balance.opened);
    // With a dead route of IPv6 no operation fails, and no alert's ratio moves.
    expect(balance.dead6[0]).toBeGreaterThan(50);
    expect(balance.dead6[1]).toBe(balance.dead6[0]);
  });
});
