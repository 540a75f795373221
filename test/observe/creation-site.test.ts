// Where the program opened its client sockets, told of real programs: of its own frames, of packages, of nobody's.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import tls from 'node:tls';
import { createMonitor, type Monitor } from 'finwait';
import * as undici from 'undici';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { CreationSites } from '../../src/observe/creation-site.ts';
import type { NodeSocket } from '../../src/observe/node-socket.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';
import { createCertificate } from '../support/certificate.ts';
import { CleanUps } from '../support/clean-ups.ts';
import { listen } from '../support/http-pair.ts';
import { until } from '../support/wait.ts';

const OURS = /^test\/observe\/creation-site\.test\.ts:\d+$/;
const certificate = createCertificate();

let monitor: Monitor;
let of: (index?: number) => string | undefined;
let port: number;
const cleanUps = new CleanUps();

beforeEach(async () => {
  // Whatever a monitor keeps to itself.
  const noted = vi.spyOn(CreationSites.prototype, 'note');
  const put = vi.spyOn(CreationSites.prototype, 'put');
  cleanUps.push(() => {
    noted.mockRestore();
    put.mockRestore();
  });
  monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: () => undefined });
  of = (index = 0) => {
    const record = clients()[index];
    const sites = (noted.mock.contexts[0] ?? put.mock.contexts[0]) as CreationSites | undefined;
    return record && sites?.of(record);
  };
  const server = http.createServer((_request, response) => response.write('begun'));
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  port = await listen(server);
});

afterEach(async () => {
  await cleanUps.run();
  monitor.close();
});

type Connect = (...values: unknown[]) => unknown;

function clients(): readonly SocketRecord[] {
  return internalsOf(monitor).ledger.records.filter(({ flags }) => (flags & (FLAG.server | FLAG.open)) === FLAG.open);
}

async function opened(count: number = 1): Promise<void> {
  await until(
    () => clients().length === count,
    () => `${count} connections, there are ${clients().length}`,
  );
}

interface Client {
  connect(port: number): net.Socket;
  connectLater(port: number): Promise<net.Socket>;
}

const CLIENT = `const net = require('node:net');
exports.connect = (port) => net.connect(port, '127.0.0.1');
exports.connectLater = (port) => new Promise((resolve) => {
  setImmediate(() => resolve(net.connect(port, '127.0.0.1')));
});
`;

/** A script outside of the test runner, which Node loads as it is. */
function scriptOf(path: string, text: string): { readonly file: string; readonly exports: unknown } {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-site-'));
  cleanUps.push(() => rmSync(folder, { recursive: true }));
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return { file, exports: createRequire(import.meta.url)(file) };
}

/** A client as packages have them, in a node_modules of its own. */
function packagedClient(name: string = 'pg'): Client {
  return scriptOf(`node_modules/${name}/lib/connection.js`, CLIENT).exports as Client;
}

describe('the place', () => {
  beforeEach(() => {
    monitor.observeProcess({ findExisting: 'none' });
  });

  test.each<readonly [string, () => unknown]>([
    ['net.connect()', () => cleanUps.keep(net.connect(port, '127.0.0.1'))],
    ['new Socket().connect()', () => cleanUps.keep(new net.Socket()).connect({ port, host: 'localhost' })],
    ['http.get()', () => cleanUps.keep(http.get({ port, host: '127.0.0.1' }))],
    [
      'undici',
      () =>
        undici
          .request(`http://127.0.0.1:${port}`)
          .then(({ body }) => cleanUps.keep(body))
          .catch(() => undefined),
    ],
    ['fetch()', () => fetch(`http://127.0.0.1:${port}`).catch(() => undefined)],
    ['a package', () => cleanUps.keep(packagedClient().connect(port))],
    [
      'an async function',
      async () => {
        await Promise.resolve();
        cleanUps.keep(net.connect(port, '127.0.0.1'));
      },
    ],
    [
      'a package that the program awaits',
      async () => {
        const client = packagedClient();
        async function opens(): Promise<void> {
          await new Promise((resolve) => setImmediate(resolve));
          cleanUps.keep(client.connect(port));
        }
        await opens();
      },
    ],
    [
      'a subclass with a connect() of its own',
      () => {
        class Client extends net.Socket {
          override connect(...values: unknown[]): this {
            return Reflect.apply(super.connect, this, values) as this;
          }
        }
        cleanUps.keep(new Client().connect(port, '127.0.0.1'));
      },
    ],
  ])('of %s is the line of the program', async (_title, open) => {
    open();
    await opened();
    expect(of()).toMatch(OURS);
  });

  test('is the very line', async () => {
    const client = scriptOf('client.cjs', CLIENT);
    cleanUps.keep((client.exports as Client).connect(port));
    await opened();
    expect(of()).toBe(`${client.file}:2`);
  });

  test('of TLS and of https is the line of the program', async () => {
    const server = https.createServer(certificate, (_request, response) => response.write('begun'));
    cleanUps.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const to = { port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false };
    cleanUps.keep(tls.connect(to));
    cleanUps.keep(https.get({ ...to, agent: false }));
    await opened(2);
    expect([of(0), of(1)]).toEqual([expect.stringMatching(OURS), expect.stringMatching(OURS)]);
  });

  test('of a package that connects by itself is the line of the package', async () => {
    cleanUps.keep(await packagedClient().connectLater(port));
    await opened();
    expect(of()).toBe('node_modules/pg/lib/connection.js:4');
  });

  test('of a package that connects for whoever waits is nobody’s', async () => {
    cleanUps.keep(await packagedClient('undici').connectLater(port));
    await opened();
    expect(of()).toBeUndefined();
  });

  test('is not ours where an event led there', async () => {
    const agent = new http.Agent({ maxSockets: 1 });
    cleanUps.push(() => agent.destroy());
    const first = cleanUps.keep(http.get({ port, host: '127.0.0.1', agent }));
    await opened();
    const [before] = clients();
    cleanUps.keep(http.get({ port, host: '127.0.0.1', agent }));
    // Its 'close', which Node emits and passes through our emit, makes room for the second.
    first.destroy();
    await until(
      () => clients().length === 1 && clients()[0] !== before,
      () => 'the second connection',
    );
    expect(of()).toBeUndefined();
  });

  test('is below the patch of somebody', async () => {
    const prototype = net.Socket.prototype as unknown as { connect: Connect };
    const before = prototype.connect;
    cleanUps.push(() => {
      prototype.connect = before;
    });
    const patch = 'exports.patch = (before) => function connect() { return Reflect.apply(before, this, arguments); };';
    const script = scriptOf('patch.cjs', patch).exports as { patch(before: Connect): Connect };
    prototype.connect = script.patch(before);
    cleanUps.keep(net.connect(port, '127.0.0.1'));
    await opened();
    expect(of()).toMatch(OURS);
  });

  test('of a socket that connects again is the new one, or none', async () => {
    const socket = cleanUps.keep(net.connect(port, '127.0.0.1'));
    await opened();
    expect(of()).toMatch(OURS);
    const first = of();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await closed;
    setImmediate(() => socket.connect(port, '127.0.0.1'));
    await opened();
    expect(of()).toMatch(OURS);
    expect(of()).not.toBe(first);
  });

  test('is one of 64 where many connect', async () => {
    for (let index = 0; index < 80; index++) cleanUps.keep(net.connect(port, '127.0.0.1'));
    await opened(80);
    const known = Array.from({ length: 80 }, (_, index) => of(index)).filter((site) => site !== undefined);
    // A second may have begun meanwhile.
    expect(known.length).toBeGreaterThanOrEqual(16);
    expect(known.length).toBeLessThanOrEqual(34);
    expect(new Set(known).size).toBe(1);
  });
});

test('of an agent’s connection, where nothing but the agent is observed, is the line of the program', async () => {
  const agent = new http.Agent();
  cleanUps.push(() => agent.destroy());
  monitor.observeAgent(agent);
  cleanUps.keep(http.get({ port, host: '127.0.0.1', agent }));
  await opened();
  expect(of()).toMatch(OURS);
});

test('of a connection before is not that of the next one of the same socket', () => {
  const socket = new net.Socket();
  const record = new SocketRecord(socket, 0, 0);
  const sites = new CreationSites();
  sites.put(record, 'lib/a.ts:1');
  sites.note(record, socket as unknown as NodeSocket, undefined, 0);
  expect(sites.of(record)).toBe('lib/a.ts:1');
  record.transition = 0;
  sites.note(record, socket as unknown as NodeSocket, undefined, 0);
  expect(sites.of(record)).toBeUndefined();
});

describe('the program', () => {
  const settings = (): unknown =>
    ['stackTraceLimit', 'prepareStackTrace'].map((name) => Object.getOwnPropertyDescriptor(Error, name));

  test('is not asked to format a stack, and finds its settings as they were', () => {
    monitor.observeProcess({ findExisting: 'none' });
    const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
    let asked = 0;
    Error.prepareStackTrace = (error) => {
      asked++;
      return String(error);
    };
    try {
      const own = settings();
      cleanUps.keep(net.connect(port, '127.0.0.1'));
      expect(settings()).toEqual(own);
      expect(asked).toBe(0);
    } finally {
      if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
      else Object.defineProperty(Error, 'prepareStackTrace', before);
    }
  });

  test('may have no working directory: the path is whole then', async () => {
    monitor.observeProcess({ findExisting: 'none' });
    const cwd = vi.spyOn(process, 'cwd').mockImplementation(() => {
      throw new Error('ENOENT: uv_cwd');
    });
    cleanUps.push(() => cwd.mockRestore());
    cleanUps.keep(net.connect(port, '127.0.0.1'));
    await opened();
    expect(of()).toMatch(/^\/.*test\/observe\/creation-site\.test\.ts:\d+$/);
  });
});
