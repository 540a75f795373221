import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { createMonitor, type Monitor, type MonitorOptions } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';

/** Wrong on purpose: what a program without types may pass. */
function wrong<T>(value: unknown): T {
  return value as T;
}

let monitor: Monitor;
let warnings: Error[];
let cleanUps: (() => unknown)[] = [];

beforeEach(() => {
  warnings = [];
  monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: (warning) => warnings.push(warning) });
});

afterEach(async () => {
  monitor.close();
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
  cleanUps = [];
});

function created(options: unknown): Monitor {
  const made = createMonitor(wrong<MonitorOptions>(options));
  cleanUps.push(() => made.close());
  return made;
}

async function listening(): Promise<Server> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => server.close());
  return server;
}

describe('options of createMonitor', () => {
  test.each([
    [null, 'createMonitor: options are an object, received null'],
    [[], 'createMonitor: options are an object, received an instance of Array'],
    ['fast', "createMonitor: options are an object, received 'fast'"],
    [15_000, 'createMonitor: options are an object, received 15000'],
    [() => {}, 'createMonitor: options are an object, received a function'],
    [{ interval: 1 }, "createMonitor: unknown option 'interval', known are "],
    [{ sampleIntervalMS: 1_000 }, "createMonitor: unknown option 'sampleIntervalMS', known are "],
    [{ ssPath: 'ss' }, "ssPath is an absolute path, received 'ss'"],
    [{ ssPath: '' }, "ssPath is an absolute path, received ''"],
    [{ ssPath: 7 }, 'ssPath is an absolute path, received 7'],
    [{ procPath: 'proc' }, "procPath is an absolute path, received 'proc'"],
    [{ onWarning: 'log' }, "onWarning is a function, received 'log'"],
    [{ onWarning: null }, 'onWarning is a function, received null'],
  ])('%j is refused with a TypeError that shows it', (options, message) => {
    expect(() => created(options)).toThrow(TypeError);
    expect(() => created(options)).toThrow(message);
  });

  const ranges = { sampleIntervalMs: [100, 3_600_000], sampleTimeoutMs: [100, 60_000], maxNames: [1, 1_000] } as const;
  for (const [key, [min, max]] of Object.entries(ranges)) {
    test.each(['15000', null, true, {}, 1_000n, Number.NaN, Number.POSITIVE_INFINITY, 1_000.5])(
      `${key} is an integer: %s is refused with a TypeError`,
      (value) => {
        expect(() => created({ [key]: value })).toThrow(TypeError);
        expect(() => created({ [key]: value })).toThrow(`${key} is an integer, received `);
      },
    );

    test.each([min - 1, max + 1, 0, -min])(`${key} has a range: %d is refused with a RangeError`, (value) => {
      expect(() => created({ [key]: value })).toThrow(RangeError);
      expect(() => created({ [key]: value })).toThrow(`${key} is between ${min} and ${max}, received ${value}`);
    });

    test(`${key} may be ${min}, ${max} or left out`, () => {
      for (const value of [min, max, undefined]) expect(() => created({ [key]: value })).not.toThrow();
    });
  }

  test('a monitor that is refused has started nothing', async () => {
    const before = process.getActiveResourcesInfo().length;
    expect(() => created({ maxNames: 0 })).toThrow(RangeError);
    expect(process.getActiveResourcesInfo().length).toBe(before);
  });
});

describe('what is observed', () => {
  test.each([undefined, null, 8080, 'api', {}, new Duplex(), () => {}, Object.create(null)])(
    'observeServer refuses %o, which is no server',
    (value) => {
      expect(() => monitor.observeServer(wrong<Server>(value))).toThrow(TypeError);
      expect(() => monitor.observeServer(wrong<Server>(value))).toThrow(
        /^observeServer takes a net\.Server, received /,
      );
    },
  );

  test.each([undefined, null, 8080, {}, new Duplex(), net.createServer()])(
    'observeSocket refuses %o, which is no socket',
    (value) => {
      expect(() => monitor.observeSocket(wrong<Socket>(value))).toThrow(TypeError);
      expect(() => monitor.observeSocket(wrong<Socket>(value))).toThrow(
        /^observeSocket takes a net\.Socket, received /,
      );
    },
  );

  test.each([
    [null, 'options are an object, received null'],
    ['api', "options are an object, received 'api'"],
    [{ nmae: 'api' }, "unknown option 'nmae', known are name"],
    [{ name: '' }, "received ''"],
    [{ name: '_other' }, "received '_other'"],
    [{ name: 'x'.repeat(65) }, 'name is 1 to 64 printable characters'],
    [{ name: 'two\nlines' }, 'name is 1 to 64 printable characters'],
    [{ name: 'caf\u00e9' }, 'name is 1 to 64 printable characters'],
    [{ name: 7 }, 'received 7'],
    [{ name: null }, 'received null'],
  ])('the options %j are refused by both observers, and nothing is observed', (options, message) => {
    const server = net.createServer();
    const socket = new net.Socket();
    expect(() => monitor.observeServer(server, wrong(options))).toThrow(TypeError);
    expect(() => monitor.observeServer(server, wrong(options))).toThrow(message);
    expect(() => monitor.observeSocket(socket, wrong(options))).toThrow(message);
    for (const target of [server, socket]) expect(Object.hasOwn(target, 'emit')).toBe(false);
    expect(monitor.snapshot().names).toEqual([]);
  });

  test('a name that another server has is refused, also before either listens', async () => {
    const first = net.createServer();
    monitor.observeServer(first, { name: 'api' });
    const second = await listening();
    expect(() => monitor.observeServer(second, { name: 'api' })).toThrow(TypeError);
    expect(() => monitor.observeServer(second, { name: 'api' })).toThrow(
      "another observed server is named 'api' already: give each server its own name",
    );
    expect(Object.hasOwn(second, 'emit')).toBe(false);
  });

  test('a name is free again once its server is closed, or its observation has ended', async () => {
    const first = await listening();
    const second = await listening();
    const third = await listening();
    monitor.observeServer(first, { name: 'api' });
    await new Promise((resolve) => first.close(resolve));
    const stop = monitor.observeServer(second, { name: 'api' });
    stop();
    expect(() => monitor.observeServer(third, { name: 'api' })).not.toThrow();
  });

  test('a client may have the name of a server, and many sockets one name', async () => {
    const server = await listening();
    monitor.observeServer(server, { name: 'api' });
    for (let index = 0; index < 2; index++) {
      expect(() => monitor.observeSocket(new net.Socket(), { name: 'api' })).not.toThrow();
    }
  });

  test('observing a server again returns the same function, whatever the name', async () => {
    const server = await listening();
    const stop = monitor.observeServer(server, { name: 'api' });
    expect(monitor.observeServer(server)).toBe(stop);
    expect(monitor.observeServer(server, { name: 'other' })).toBe(stop);
    expect(monitor.snapshot().names.map(({ name }) => name)).toEqual(['api']);
    stop();
    stop();
    expect(Object.hasOwn(server, 'emit')).toBe(false);
  });

  test('observing a socket again is the same observation', async () => {
    const server = await listening();
    const { port } = server.address() as net.AddressInfo;
    const socket = net.connect(port, '127.0.0.1');
    cleanUps.push(() => socket.destroy());
    const stops = [monitor.observeSocket(socket, { name: 'one' }), monitor.observeSocket(socket, { name: 'two' })];
    await once(socket, 'connect');
    expect(monitor.snapshot().names).toMatchObject([{ side: 'client', name: 'one', opened: 1, open: 1 }]);
    for (const stop of [...stops, ...stops]) stop();
    expect(monitor.snapshot().names).toMatchObject([{ name: 'one', opened: 1, released: 1, open: 0 }]);
    expect(Object.hasOwn(socket, 'emit')).toBe(false);
  });

  test('a destroyed socket is left alone', () => {
    const socket = new net.Socket().destroy();
    const stop = monitor.observeSocket(socket, { name: 'late' });
    stop();
    expect(Object.hasOwn(socket, 'emit')).toBe(false);
    expect(monitor.snapshot().names).toEqual([]);
  });

  test('a unix socket and its server are left out of the books', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'finwait-test-'));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const server = net.createServer((accepted) => accepted.end('x'));
    monitor.observeServer(server, { name: 'local' });
    server.listen(join(folder, 'socket'));
    await once(server, 'listening');
    cleanUps.push(() => server.close());
    const socket = net.connect(join(folder, 'socket'));
    monitor.observeSocket(socket, { name: 'local' });
    socket.resume();
    await once(socket, 'close');
    for (const { opened, adopted, node } of monitor.snapshot().names) {
      expect({ opened, adopted, states: Object.values(node).filter((count) => count !== 0) }).toEqual({
        opened: 0,
        adopted: 0,
        states: [],
      });
    }
    expect(internalsOf(monitor).ledger.records).toEqual([]);
  });
});

describe('a monitor that is closed', () => {
  test('refuses to observe and to sample, and says so', async () => {
    const server = await listening();
    monitor.close();
    expect(() => monitor.observeServer(server)).toThrow('observeServer: this monitor is closed');
    expect(() => monitor.observeSocket(new net.Socket())).toThrow('observeSocket: this monitor is closed');
    await expect(monitor.sample()).rejects.toThrow('sample: this monitor is closed');
    expect(Object.hasOwn(server, 'emit')).toBe(false);
  });

  test('still shows what it knew, and takes everything else as done', async () => {
    const server = await listening();
    const stop = monitor.observeServer(server, { name: 'api' });
    monitor.close();
    monitor.close();
    stop();
    monitor.noteRequest(new net.Socket(), 'GET /');
    expect(monitor.snapshot().names).toMatchObject([{ side: 'server', name: 'api', open: 0 }]);
  });

  test('counts nothing more of a socket that connects again', async () => {
    const server = await listening();
    server.on('connection', (accepted) => accepted.end('x'));
    const { port } = server.address() as net.AddressInfo;
    const socket = new net.Socket();
    monitor.observeSocket(socket, { name: 'again' });
    for (let round = 0; round < 2; round++) {
      socket.connect(port, '127.0.0.1').resume();
      await once(socket, 'close');
      monitor.close();
    }
    expect(monitor.snapshot().names).toMatchObject([{ name: 'again', opened: 1, closed: 1, open: 0 }]);
    expect(internalsOf(monitor).ledger.records).toEqual([]);
    expect(Object.hasOwn(socket, 'emit')).toBe(false);
  });
});

describe('trouble of our own', () => {
  test('a reader that fails is in the result and warned of once', async () => {
    const failing = createMonitor({
      sampleIntervalMs: 3_600_000,
      ssPath: '/nonexistent/ss',
      procPath: '/nonexistent',
      onWarning: (warning) => warnings.push(warning),
    });
    cleanUps.push(() => failing.close());
    for (let round = 0; round < 2; round++)
      expect(await failing.sample()).toMatchObject({ ok: false, reason: 'enoent' });
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('by ss: enoent'),
      expect.stringContaining('by procfs: procfs_missing'),
    ]);
  });

  test('a callback that throws is counted, and reaches nobody', async () => {
    const failing = createMonitor({
      sampleIntervalMs: 3_600_000,
      ssPath: '/nonexistent/ss',
      procPath: '/nonexistent',
      onWarning: () => {
        throw new Error('mine');
      },
    });
    cleanUps.push(() => failing.close());
    expect(await failing.sample()).toMatchObject({ ok: false });
    expect(internalsOf(failing).internalErrors.get('callback')).toBe(2);
  });

  test('what is no monitor has no inside', () => {
    expect(() => internalsOf(wrong<Monitor>({}))).toThrow(TypeError);
  });
});
