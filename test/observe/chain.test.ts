import { once } from 'node:events';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { createMonitor, type Monitor } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { until } from '../support/wait.ts';

type Create = typeof createMonitor;
type Emit = Socket['emit'];

let server: Server;
let monitors: Monitor[];
let open: Socket[];

beforeEach(async () => {
  monitors = [];
  open = [];
  server = net.createServer((socket) => {
    open.push(socket);
    socket.on('error', () => {});
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const monitor of monitors) monitor.close();
  for (const socket of open) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function started(create: Create = createMonitor): Monitor {
  const monitor = create({ sampleIntervalMs: 3_600_000 });
  monitors.push(monitor);
  return monitor;
}

function connecting(): Socket {
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  open.push(socket);
  return socket.resume();
}

async function connected(): Promise<Socket> {
  const socket = connecting();
  await once(socket, 'connect');
  return socket;
}

/** What is opened, closed and open, all names of one side together. */
function booksOf(monitor: Monitor, side: 'server' | 'client' = 'client'): readonly number[] {
  const names = monitor.snapshot().names.filter((of) => of.side === side);
  return (['opened', 'closed', 'open'] as const).map((field) => names.reduce((sum, of) => sum + of[field], 0));
}

/** The own properties of an emitter, as far as they can be seen from outside. */
function shapeOf(target: object): readonly string[] {
  return Reflect.ownKeys(target).map(String);
}

/** Patches emit as tracing libraries do. Returns how often it was called, and what puts back the one before. */
function patch(target: Socket): { readonly calls: () => number; readonly restore: () => void } {
  const before = target.emit;
  const own = Object.hasOwn(target, 'emit');
  let calls = 0;
  target.emit = function emit(this: Socket, ...values: Parameters<Emit>): boolean {
    calls++;
    return Reflect.apply(before, this, values);
  } as Emit;
  return {
    calls: () => calls,
    restore: () => {
      if (own) target.emit = before;
      else Reflect.deleteProperty(target, 'emit');
    },
  };
}

describe('when the observation ends nothing is left', () => {
  test('on a server, its connections and a client, before and after they close', async () => {
    const acceptedBare = once(server, 'connection');
    const clientBare = await connected();
    const bare = [server, (await acceptedBare)[0] as Socket, clientBare].map(shapeOf);
    const monitor = started();
    const stopServer = monitor.observeServer(server);
    const accepted = once(server, 'connection');
    const client = connecting();
    const stopClient = monitor.observeSocket(client);
    const [socket] = (await accepted) as [Socket];
    await until(
      () => booksOf(monitor)[0] === 1,
      () => 'the client is open',
    );
    for (const target of [server, socket, client]) expect(Object.hasOwn(target, 'emit')).toBe(true);

    stopServer();
    stopClient();
    for (const target of [server, socket, client]) expect(Object.hasOwn(target, 'emit')).toBe(false);
    expect([server, socket, client].map(shapeOf)).toEqual(bare);
    // The server's other connection was open before, and adopted.
    expect(monitor.snapshot().names).toMatchObject([
      { side: 'server', opened: 1, adopted: 1, released: 2, open: 0 },
      { side: 'client', opened: 1, adopted: 0, released: 1, open: 0 },
    ]);
  });

  test('on a socket that closes while it is observed, once its own stop is called', async () => {
    const monitor = started();
    const client = await connected();
    const before = shapeOf(client);
    const stop = monitor.observeSocket(client);
    client.destroy();
    await once(client, 'close');
    stop();
    expect(shapeOf(client).filter((key) => !before.includes(key))).toEqual([]);
  });

  test('on the prototype of the TCP handle, once the last monitor is closed, in either order', async () => {
    const client = await connected();
    const prototype = Object.getPrototypeOf((client as unknown as { _handle: object })._handle);
    const original = Object.getOwnPropertyDescriptor(prototype, 'reset');
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const pair = [started(), started()];
      for (const monitor of pair) monitor.observeSocket(client);
      expect(prototype.reset).not.toBe(original?.value);
      for (const index of order) {
        expect(prototype.reset).not.toBe(original?.value);
        pair[index]?.close();
      }
      expect(Object.getOwnPropertyDescriptor(prototype, 'reset')).toEqual(original);
    }
  });

  test('on the timers of the process', async () => {
    const before = process.getActiveResourcesInfo().length;
    const monitor = started();
    const samples = [monitor.sample(), monitor.sample()];
    await Promise.all(samples);
    monitor.close();
    await until(
      () => process.getActiveResourcesInfo().length <= before,
      () => process.getActiveResourcesInfo().join(' '),
    );
  });
});

describe('two monitors on one socket count it once each', () => {
  for (const first of [0, 1]) {
    test(`and the ${first === 0 ? 'older' : 'newer'} one may stop first`, async () => {
      const pair = [started(), started()];
      const client = connecting();
      const before = shapeOf(client);
      const stops = pair.map((monitor) => monitor.observeSocket(client, { name: 'both' }));
      await once(client, 'connect');
      for (const monitor of pair) expect(booksOf(monitor)).toEqual([1, 0, 1]);

      const other = 1 - first;
      stops[first]?.();
      expect(booksOf(pair[first] as Monitor)).toEqual([1, 0, 0]);
      client.destroy();
      await once(client, 'close');
      expect(booksOf(pair[other] as Monitor)).toEqual([1, 1, 0]);
      expect(booksOf(pair[first] as Monitor)).toEqual([1, 0, 0]);
      stops[other]?.();
      expect(Object.hasOwn(client, 'emit')).toBe(false);
      expect(shapeOf(client).filter((key) => !before.includes(key))).toEqual([]);
    });
  }

  test('and so on a server', async () => {
    const pair = [started(), started()];
    for (const monitor of pair) monitor.observeServer(server);
    const client = await connected();
    await until(
      () => pair.every((monitor) => booksOf(monitor, 'server')[0] === 1),
      () => 'both have seen it',
    );
    client.destroy();
    await until(
      () => pair.every((monitor) => booksOf(monitor, 'server')[1] === 1),
      () => 'both have seen it close',
    );
    for (const monitor of pair) expect(booksOf(monitor, 'server')).toEqual([1, 1, 0]);
  });
});

describe('an emit that the program patches', () => {
  test('before us is called once for each event, and is back when we stop', async () => {
    const monitor = started();
    const client = connecting();
    const theirs = patch(client);
    const patched = client.emit;
    const stop = monitor.observeSocket(client);
    client.emit('custom');
    expect(theirs.calls()).toBe(1);
    await once(client, 'connect');
    expect(booksOf(monitor)).toEqual([1, 0, 1]);
    stop();
    expect(client.emit).toBe(patched);
    expect(Object.getOwnPropertyDescriptor(client, 'emit')).toMatchObject({ enumerable: true, writable: true });
    theirs.restore();
    expect(Object.hasOwn(client, 'emit')).toBe(false);
  });

  test('after us is called once for each event, and we go on when it is gone', async () => {
    const monitor = started();
    const client = connecting();
    const stop = monitor.observeSocket(client);
    const theirs = patch(client);
    client.emit('custom');
    expect(theirs.calls()).toBe(1);
    await once(client, 'connect');
    theirs.restore();
    client.destroy();
    await once(client, 'close');
    expect(booksOf(monitor)).toEqual([1, 1, 0]);
    stop();
    expect(Object.hasOwn(client, 'emit')).toBe(false);
  });

  test('after us keeps working when we stop first, and we are passed through', async () => {
    const monitor = started();
    const client = await connected();
    const stop = monitor.observeSocket(client);
    const theirs = patch(client);
    const patched = client.emit;
    stop();
    expect(client.emit).toBe(patched);
    client.emit('custom');
    expect(theirs.calls()).toBe(1);
    client.destroy();
    await once(client, 'close');
    expect(monitor.snapshot().names).toMatchObject([{ adopted: 1, released: 1, open: 0 }]);
  });

  test('after us does not blind or double a second observation', async () => {
    const monitor = started();
    const client = connecting();
    monitor.observeSocket(client)();
    const stopAgain = monitor.observeSocket(client);
    const theirs = patch(client);
    stopAgain();
    monitor.observeSocket(client);
    await once(client, 'connect');
    client.destroy();
    await once(client, 'close');
    expect(theirs.calls()).toBeGreaterThan(2);
    expect(booksOf(monitor)).toEqual([1, 1, 0]);
    expect(monitor.snapshot().illegal).toEqual([]);
  });

  test('before us, restored over us, blinds us: the next walks see the end of the socket', async () => {
    const monitor = started();
    const client = connecting();
    const theirs = patch(client);
    monitor.observeSocket(client);
    await once(client, 'connect');
    theirs.restore();
    client.destroy();
    await once(client, 'close');
    await monitor.sample();
    await monitor.sample();
    expect(booksOf(monitor)).toEqual([1, 1, 0]);
    expect(internalsOf(monitor).ledger.records).toEqual([]);
  });

  test('may be the prototype’s, replaced at any time', async () => {
    class Counting extends net.Socket {}
    const seen: string[] = [];
    const monitor = started();
    const client = new Counting();
    open.push(client);
    monitor.observeSocket(client);
    Counting.prototype.emit = function emit(this: Socket, ...values: Parameters<Emit>): boolean {
      seen.push(String(values[0]));
      return Reflect.apply(net.Socket.prototype.emit, this, values);
    } as Emit;
    client.connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(client, 'connect');
    client.destroy();
    await once(client, 'close');
    expect(seen.filter((event) => event === 'connect' || event === 'close')).toEqual(['connect', 'close']);
    expect(booksOf(monitor)).toEqual([1, 1, 0]);
  });
});

describe('two copies of finwait in one process', () => {
  let copies: readonly BuiltLibrary[] = [];

  afterEach(() => {
    for (const copy of copies) copy.remove();
  });

  test('count once each, and each may stop without the other', async () => {
    copies = [buildLibrary(), buildLibrary()];
    const creates = await Promise.all(
      copies.map(async ({ folder }) => (await import(`${folder}/index.js`)).createMonitor as Create),
    );
    expect(creates[0]).not.toBe(creates[1]);
    for (const first of [0, 1]) {
      const pair = creates.map((create) => started(create));
      const client = connecting();
      const prototype = Object.getPrototypeOf((client as unknown as { _handle: object })._handle);
      const original = prototype.reset;
      const clients = pair.map((monitor) => monitor.observeSocket(client, { name: 'both' }));
      for (const monitor of pair) monitor.observeServer(server, { name: 'both' });
      await once(client, 'connect');
      const aborted = connecting();
      aborted.on('error', () => {});
      for (const monitor of pair) monitor.observeSocket(aborted, { name: 'aborted' });
      await once(aborted, 'connect');
      await until(
        () => pair.every((monitor) => booksOf(monitor, 'server')[0] === 2),
        () => 'both have seen both',
      );
      // Both must know that this RST was asked for, whoever patched the handle.
      aborted.resetAndDestroy();
      await once(aborted, 'close');
      for (const monitor of pair) {
        expect(monitor.snapshot().names).toContainEqual(expect.objectContaining({ name: 'aborted', resetsSent: 1 }));
      }

      const [stopping, staying] = [pair[first], pair[1 - first]] as [Monitor, Monitor];
      clients[first]?.();
      stopping.close();
      expect(prototype.reset).not.toBe(original);
      client.end();
      await once(client, 'close');
      expect(booksOf(staying)).toEqual([2, 2, 0]);
      expect(booksOf(stopping)).toEqual([2, 1, 0]);
      staying.close();
      expect(prototype.reset).toBe(original);
      expect(Object.hasOwn(server, 'emit')).toBe(false);
    }
  });
});
