import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Destination, destinationOf, noticeConnects } from '../../src/observe/connect-calls.ts';
import type { ObserveContext } from '../../src/observe/context.ts';

type Connect = (this: object, ...values: unknown[]) => unknown;

const prototype = net.Socket.prototype as unknown as { connect: Connect };
const original = prototype.connect;
const stops: (() => void)[] = [];
const sockets: net.Socket[] = [];
let server: net.Server;
let port: number;

beforeEach(async () => {
  server = net.createServer((socket) => socket.on('error', () => undefined).resume());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  port = (server.address() as net.AddressInfo).port;
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const stop of stops.splice(0)) stop();
  server.close();
  prototype.connect = original;
});

/** A patch that was there before us, as other instrumentations make it: it hides Node's own function. */
function patch(): Connect {
  const below = prototype.connect;
  const patched = function (this: object, ...values: unknown[]): unknown {
    return below.apply(this, values);
  };
  prototype.connect = patched;
  return patched;
}

function notice(): [object, Destination | undefined][] {
  const seen: [object, Destination | undefined][] = [];
  const report = (_component: string, error: unknown): void => {
    throw error;
  };
  // Of what observers share, nothing else is asked.
  const context = { excluded: new Set(), report } as unknown as ObserveContext;
  stops.push(noticeConnects(context, (socket, destination) => seen.push([socket, destination])));
  return seen;
}

function keep<T extends net.Socket>(socket: T): T {
  sockets.push(socket);
  return socket.on('error', () => undefined);
}

const worlds: readonly (readonly [string, () => void])[] = [
  ['as Node has it', () => undefined],
  ['patched by somebody before', () => patch()],
];

describe.each(worlds)('connect(), %s', (_title, prepare) => {
  test('is seen once for each call: of net, of a socket, of TLS, of a reconnect', async () => {
    prepare();
    const seen = notice();
    const first = keep(net.connect(port, '127.0.0.1'));
    const second = keep(new net.Socket()).connect({ port, host: '127.0.0.1' });
    const third = keep(tls.connect({ port, host: '127.0.0.1' }));
    expect(seen.map(([socket]) => socket)).toEqual([first, second, third]);
    await once(second, 'connect');
    second.destroy();
    await once(second, 'close');
    second.connect(port, '127.0.0.1');
    expect(seen.map(([socket]) => socket)).toEqual([first, second, third, second]);
    // Where the arguments are seen they are read, else nobody tells.
    for (const [, destination] of seen) expect([undefined, { host: '127.0.0.1', port }]).toContainEqual(destination);
  });

  test('is what it was before, once nobody wants to know', () => {
    prepare();
    const before = Object.getOwnPropertyDescriptor(prototype, 'connect');
    notice();
    notice();
    for (const stop of stops.splice(0)) stop();
    expect(Object.getOwnPropertyDescriptor(prototype, 'connect')).toEqual(before);
  });

  test('looks the same meanwhile, and throws what it would', () => {
    prepare();
    const { name, length } = prototype.connect;
    const { enumerable, writable, configurable } = Object.getOwnPropertyDescriptor(prototype, 'connect') ?? {};
    const error = thrownBy(() => new net.Socket().connect({} as net.SocketConnectOpts));
    notice();
    expect([prototype.connect.name, prototype.connect.length]).toEqual([name, length]);
    expect(Object.getOwnPropertyDescriptor(prototype, 'connect')).toMatchObject({ enumerable, writable, configurable });
    const now = thrownBy(() => new net.Socket().connect({} as net.SocketConnectOpts));
    expect([now.constructor, now.message]).toEqual([error.constructor, error.message]);
    const wrong = (): unknown => new net.Socket().connect({ port: 65_536 });
    expect(thrownBy(wrong).message).toContain('65536');
  });

  test('is told to everybody, until each has stopped', () => {
    prepare();
    const [first, second] = [notice(), notice()];
    keep(net.connect(port, '127.0.0.1'));
    stops.shift()?.();
    keep(net.connect(port, '127.0.0.1'));
    expect([first.length, second.length]).toEqual([1, 2]);
  });

  test('passes through below the patch of somebody who came later', async () => {
    prepare();
    const seen = notice();
    const theirs = patch();
    for (const stop of stops.splice(0)) stop();
    expect(prototype.connect).toBe(theirs);
    await once(keep(net.connect(port, '127.0.0.1')), 'connect');
    expect(seen).toEqual([]);
    // And over it, where it is wanted again.
    const again = notice();
    await once(keep(net.connect(port, '127.0.0.1')), 'connect');
    expect([seen.length, again.length]).toEqual([0, 1]);
    for (const stop of stops.splice(0)) stop();
    expect(prototype.connect).toBe(theirs);
  });
});

test('a unix socket is none that TCP connects, where that can be told', async () => {
  patch();
  const seen = notice();
  const socket = keep(net.connect('/nonexistent/finwait.sock'));
  await new Promise((resolve) => socket.once('close', resolve));
  expect(seen).toEqual([]);
});

test('an option that throws when it is read is read by Node alone', () => {
  patch();
  const seen = notice();
  const options = {
    get port(): number {
      throw new RangeError('mine');
    },
  };
  expect(thrownBy(() => new net.Socket().connect(options))).toBeInstanceOf(RangeError);
  expect(seen).toHaveLength(1);
});

const given: readonly (readonly [string, readonly [unknown, unknown?], Destination | null | undefined])[] = [
  ['a port', [80], { host: 'localhost', port: 80 }],
  ['a port as text', ['80'], { host: 'localhost', port: 80 }],
  ['a port and a host', [6379, 'cache'], { host: 'cache', port: 6379 }],
  ['a port and a listener', [80, () => undefined], { host: 'localhost', port: 80 }],
  ['options', [{ port: 80, host: '::1' }], { host: '::1', port: 80 }],
  ['options without a host', [{ port: '80' }], { host: 'localhost', port: 80 }],
  ['options with an empty host', [{ port: 80, host: '' }], { host: 'localhost', port: 80 }],
  ['what Node makes of its arguments', [[{ port: 80, host: 'a' }, null]], { host: 'a', port: 80 }],
  ['a path', ['/run/a.sock'], null],
  ['options with a path', [{ path: '/run/a.sock', port: 80 }], null],
  ['nothing', [undefined], undefined],
  ['options of nothing', [{}], undefined],
  ['a port that is none', [{ port: 65_536 }], undefined],
  ['a port that is negative', [-1], undefined],
  ['a port that is no number', [{ port: Number.NaN }], undefined],
  ['null', [null], undefined],
];

test.each(given)('%s leads where Node goes with it', (_title, [first, second], expected) => {
  expect(destinationOf(first, second)).toEqual(expected);
});

function thrownBy(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
