// The advice, tried: each program leaks on real sockets, and no longer does once it does what its rule says.
import http from 'node:http';
import net from 'node:net';
import { pipeline } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import type { LeakCause } from '../../../src/detect/leaks/leak.ts';
import { LEAK_RULES } from '../../../src/detect/leaks/rules.ts';
import type { SocketKind } from '../../../src/sockets/socket-kind.ts';
import { readTable } from '../../support/ss-table.ts';
import { testWith } from '../../support/tools.ts';
import { until } from '../../support/wait.ts';
import { leakFacts } from './facts.ts';

interface Trial {
  readonly cause: LeakCause;
  readonly kind: SocketKind;
  /** The call in the advice that is tried. */
  readonly call: string;
  /** The state that it leaks in. */
  readonly state: 'CLOSE_WAIT' | 'FIN_WAIT_2';
  /** Makes the program, with the call or without. */
  serve(isFixed: boolean): net.Server;
  /** What the client sends before its FIN; where there is none, it sends no FIN. */
  readonly request: string | Buffer | undefined;
}

const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
const CONNECT = 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const PARTIAL_UPLOAD = Buffer.concat([
  Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n'),
  Buffer.alloc(100_000),
]);
/** More than both ends' kernels take. */
const LARGE = Buffer.alloc(16_000_000);
const LIMIT_MS = 100;

const TRIALS: readonly Trial[] = [
  {
    cause: 'not_ended',
    kind: 'upgraded',
    call: "socket.on('end', () => socket.end())",
    state: 'CLOSE_WAIT',
    request: UPGRADE,
    serve: (isFixed) =>
      http.createServer().on('upgrade', (_request, socket) => {
        socket.resume();
        if (isFixed) socket.on('end', () => socket.end());
      }),
  },
  {
    cause: 'not_ended',
    kind: 'upgraded',
    call: 'socket.allowHalfOpen = false',
    state: 'CLOSE_WAIT',
    request: UPGRADE,
    serve: (isFixed) =>
      http.createServer().on('upgrade', (_request, socket) => {
        socket.resume();
        if (isFixed) socket.allowHalfOpen = false;
      }),
  },
  {
    cause: 'not_ended',
    kind: 'upgraded',
    call: 'socket.setTimeout(60_000, () => socket.destroy())',
    state: 'CLOSE_WAIT',
    request: UPGRADE,
    serve: (isFixed) =>
      // The server's timeout does not, as the advice says.
      http
        .createServer()
        .on('upgrade', (_request, socket) => {
          socket.resume();
          if (isFixed) (socket as net.Socket).setTimeout(LIMIT_MS, () => socket.destroy());
        })
        .setTimeout(LIMIT_MS),
  },
  {
    cause: 'not_ended',
    kind: 'connect',
    call: 'socket.setTimeout(60_000, () => socket.destroy())',
    state: 'CLOSE_WAIT',
    request: CONNECT,
    serve: (isFixed) =>
      tunnel((client, upstream) => {
        pipeline(client, upstream, () => {});
        pipeline(upstream, client, () => {});
        if (isFixed) upstream.setTimeout(LIMIT_MS, () => upstream.destroy());
      }),
  },
  {
    cause: 'not_ended',
    kind: 'http',
    call: 'server.setTimeout(60_000)',
    state: 'CLOSE_WAIT',
    request: GET,
    serve: (isFixed) =>
      Object.assign(http.createServer(() => {}).setTimeout(isFixed ? LIMIT_MS : 0), { httpAllowHalfOpen: true }),
  },
  {
    cause: 'not_ended',
    kind: 'http',
    call: 'response.end()',
    state: 'CLOSE_WAIT',
    request: GET,
    serve: (isFixed) =>
      Object.assign(
        http.createServer((request, response) => {
          // Without a FIN to wait for, there would be nothing to leak.
          if (isFixed) request.socket.on('end', () => response.end());
        }),
        { httpAllowHalfOpen: true },
      ),
  },
  {
    cause: 'not_ended',
    kind: 'net',
    call: 'socket.end()',
    state: 'CLOSE_WAIT',
    request: 'x',
    serve: (isFixed) =>
      net.createServer({ allowHalfOpen: true }, (socket) => {
        socket.resume();
        if (isFixed) socket.on('end', () => socket.end());
      }),
  },
  {
    cause: 'unread_in_node',
    kind: 'http',
    call: 'request.resume()',
    state: 'CLOSE_WAIT',
    request: PARTIAL_UPLOAD,
    serve: (isFixed) =>
      http.createServer((request) => {
        if (isFixed) request.resume();
      }),
  },
  {
    cause: 'unread_in_node',
    kind: 'http',
    call: 'server.setTimeout(60_000)',
    state: 'CLOSE_WAIT',
    request: PARTIAL_UPLOAD,
    serve: (isFixed) => http.createServer(() => {}).setTimeout(isFixed ? LIMIT_MS : 0),
  },
  {
    cause: 'unread_in_kernel',
    kind: 'net',
    call: 'socket.resume()',
    state: 'CLOSE_WAIT',
    request: Buffer.alloc(100_000),
    serve: (isFixed) =>
      net.createServer({ pauseOnConnect: true }, (socket) => {
        if (isFixed) socket.resume();
      }),
  },
  {
    cause: 'write_stalled',
    kind: 'http',
    call: 'server.setTimeout(60_000)',
    state: 'CLOSE_WAIT',
    request: GET,
    serve: (isFixed) =>
      http.createServer((_request, response) => response.end(LARGE)).setTimeout(isFixed ? LIMIT_MS : 0),
  },
  {
    cause: 'write_stalled',
    kind: 'net',
    call: 'socket.setTimeout(60_000, () => socket.destroy())',
    state: 'CLOSE_WAIT',
    request: 'x',
    serve: (isFixed) =>
      net.createServer({ allowHalfOpen: true }, (socket) => {
        socket.resume();
        socket.end(LARGE);
        if (isFixed) socket.setTimeout(LIMIT_MS, () => socket.destroy());
      }),
  },
  {
    cause: 'peer_keeps_open',
    kind: 'net',
    call: 'socket.end(); socket.setTimeout(10_000, () => socket.destroy())',
    state: 'FIN_WAIT_2',
    request: undefined,
    serve: (isFixed) =>
      net.createServer((socket) => {
        socket.resume();
        socket.end();
        if (isFixed) socket.setTimeout(LIMIT_MS, () => socket.destroy());
      }),
  },
  {
    cause: 'peer_keeps_open',
    kind: 'net',
    call: 'socket.destroySoon()',
    state: 'FIN_WAIT_2',
    request: undefined,
    serve: (isFixed) =>
      net.createServer((socket) => {
        socket.resume();
        if (isFixed) socket.destroySoon();
        else socket.end();
      }),
  },
];

const opened: { destroy(): unknown }[] = [];
const servers: net.Server[] = [];
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

describe.each(TRIALS)('$cause, $kind: `$call`', ({ cause, kind, call, state, serve, request }) => {
  test('the advice names it', () => {
    const facts = leakFacts({ cause, kind });
    expect(LEAK_RULES[cause].fix(facts).join('\n')).toContain(call);
  });

  testWith('ss', `without it the socket stays in ${state}`, async () => {
    const { socket, states } = await play(serve(false), request);
    let seen = 0;
    await until(
      async () => {
        seen = (await states()).includes(state) ? seen + 1 : 0;
        return seen === 5;
      },
      () => `five tables in a row have ${state}, last were ${seen}`,
    );
    expect(socket.destroyed).toBe(false);
  });

  testWith('ss', 'with it Node closes', async () => {
    const { socket, states } = await play(serve(true), request);
    await until(
      () => socket.destroyed,
      () => 'the socket is destroyed',
    );
    await until(
      async () => !(await states()).includes(state),
      () => `no descriptor has a socket in ${state}`,
    );
  });
});

/** A client that ends, or not, and does not read: the server's socket, and the states of what descriptors hold there. */
async function play(
  server: net.Server,
  request: string | Buffer | undefined,
): Promise<{ readonly socket: net.Socket; states(): Promise<string[]> }> {
  const port = await listen(server);
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const client = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => {});
  client.pause();
  if (request !== undefined) client.end(request);
  const socket = await accepted;
  socket.on('error', () => {});
  opened.push(client, socket);
  return {
    socket,
    states: async () =>
      (await readTable([port])).filter((row) => row.localPort === port && row.owned).map((row) => row.state),
  };
}

/** A CONNECT proxy to an upstream that keeps its side open for ever. */
function tunnel(join: (client: net.Socket, upstream: net.Socket) => void): net.Server {
  return http.createServer().on('connect', async (_request, client) => {
    const silent = net.createServer({ allowHalfOpen: true }, (socket) => opened.push(socket.resume()));
    const upstream = net.connect({ port: await listen(silent), host: '127.0.0.1', allowHalfOpen: true });
    upstream.on('error', () => {});
    opened.push(upstream);
    join(client as net.Socket, upstream);
  });
}

async function listen(server: net.Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as net.AddressInfo).port;
}
