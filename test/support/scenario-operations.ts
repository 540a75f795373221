import { fork } from 'node:child_process';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { createMonitor } from 'finwait';
import type { End, Operation, Text, WorldVerb } from '../scenarios/scenario.ts';
import { comeWhileBlocked } from './scenario-peers.ts';
import { TLS_CLIENT, TLS_SERVER } from './scenario-tls.ts';
import { follow, followClient, listenOn, settle, takeOver, type World } from './scenario-world.ts';
import { until } from './wait.ts';

/** Makes one operation. What is asynchronous by nature (connecting, requesting) is done when the promise is. */
export function operate(world: World, operation: Operation): void | Promise<void> {
  const parts = /^(client|server)( \d)? (.+)$/.exec(operation);
  if (parts === null) return WORLD_VERBS[operation as WorldVerb](world);
  const [, side = '', number = '', verb = ''] = parts;
  return act(world, `${side}${number}` as End, verb);
}

/** The socket of an end: the latest one, or the one with that number. */
function socketOf(world: World, end: End): net.Socket {
  const sockets = end.startsWith('client') ? world.clients : world.servers;
  const socket = sockets[numberOf(world, end) - 1];
  if (socket === undefined) throw new Error(`there is no ${end}`);
  return socket;
}

/** An end with its number: `client` becomes `client 2` if that is the latest. */
export function numberedEnd(world: World, end: End): string {
  return `${end.split(' ')[0]} ${numberOf(world, end)}`;
}

function numberOf(world: World, end: End): number {
  const number = Number(end.split(' ')[1]);
  return number || (end.startsWith('client') ? world.clients : world.servers).length;
}

function act(world: World, end: End, verb: string): void | Promise<void> {
  const socket = socketOf(world, end);
  const [first = '', ...rest] = verb.split(' ');
  const last = rest.at(-1) ?? '';
  switch (first) {
    case 'ends':
      if (rest.length === 0) socket.end();
      else socket.end(Buffer.alloc(Number(last)));
      return;
    case 'writes':
      socket.write(Buffer.alloc(Number(last)));
      return;
    case 'says':
      socket.write(TEXTS[rest.join(' ') as Text]);
      return;
    case 'destroys':
      if (last === 'soon') socket.destroySoon();
      else socket.destroy();
      return;
    case 'fails':
      socket.destroy(rest.length === 0 ? new Error('the program had enough') : errorOfRead());
      return;
    case 'resets':
      socket.resetAndDestroy();
      return;
    case 'reads':
      socket.resume();
      return;
    case 'pauses':
      socket.pause();
      return;
    case 'dials':
      socket.connect(target(world));
      return;
    case 'drops':
      socket.removeAllListeners();
      return;
    case 'sets':
      socket.setTimeout(1);
      return;
    case 'emits':
      emitByHand(socket, last);
      return;
    case 'dies': {
      const from = socketOf(world, rest.slice(rest.indexOf('of', 1) + 1).join(' ') as End);
      from.on('error', (error) => socket.destroy(error));
      return;
    }
    case 'sends':
      world.aboveStream.get(socket)?.end();
      return;
    case 'leaves':
      return leaveLoop(socket);
    default:
      return actOnFinwait(world, end, socket, verb);
  }
}

function actOnFinwait(world: World, end: End, socket: net.Socket, verb: string): void | Promise<void> {
  switch (verb) {
    case 'is observed':
      world.stopsObserving.set(socket, world.monitor.observeSocket(socket, { name: 'scenario' }));
      return;
    case 'is no longer observed':
      world.stopsObserving.get(socket)?.();
      return;
    case 'is upgraded to TLS':
    case 'is upgraded to TLS that is observed':
      upgrade(world, end, socket, verb.endsWith('observed'));
      return;
    case 'is sent to another process':
      return send(world, socket);
    default:
      throw new Error(`a ${end} cannot do this: ${verb}`);
  }
}

function emitByHand(socket: net.Socket, event: string): void {
  if (event === 'error') socket.emit('error', errorOfRead());
  else socket.emit(event);
}

/** An error as Node makes it when read(2) says ECONNRESET. */
function errorOfRead(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', errno: -104, syscall: 'read' });
}

async function leaveLoop(socket: net.Socket): Promise<void> {
  for await (const _ of socket) break;
}

function upgrade(world: World, end: End, below: net.Socket, observed: boolean): void {
  const isServer = end.startsWith('server');
  const above = isServer
    ? new tls.TLSSocket(below, { isServer: true, ...TLS_SERVER } as tls.TLSSocketOptions)
    : tls.connect({ ...TLS_CLIENT, socket: below });
  takeOver(world, below, above);
  const list = isServer ? world.servers : world.clients;
  const at = list.indexOf(below);
  list[at] = above;
  follow(world, above, isServer ? 'server' : 'client', at + 1);
  above.on(isServer ? 'secure' : 'secureConnect', () =>
    world.seen.push(`${isServer ? 'server' : 'client'} ${at + 1} secure`),
  );
  if (observed) world.stopsObserving.set(above, world.monitor.observeSocket(above, { name: 'scenario' }));
  settle(above, true);
}

async function send(world: World, socket: net.Socket): Promise<void> {
  const keeper = fork(fileURLToPath(new URL('./scenario-keeper.mjs', import.meta.url)), { execArgv: [] });
  world.closers.push(
    () =>
      new Promise((resolve) => {
        keeper.once('exit', resolve);
        keeper.disconnect();
      }),
  );
  let kept = false;
  keeper.on('message', () => {
    kept = true;
  });
  keeper.send('keep', socket);
  await until(
    () => kept,
    () => 'the other process has the socket',
  );
}

function target(world: World): net.TcpNetConnectOpts {
  const { host = '127.0.0.1', localAddress } = world.scenario.client ?? {};
  const common = { port: world.port, ...(localAddress === undefined ? {} : { localAddress }) };
  switch (host) {
    case '127.0.0.1':
    case '::1':
      return { ...common, host };
    case 'both families':
    case 'a silent first address':
      return {
        ...common,
        host: 'service.test',
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: 50,
        lookup: (_name, _options, callback) =>
          callback(null, [
            { address: '::1', family: 6 },
            { address: '127.0.0.1', family: 4 },
          ]),
      };
    case 'nowhere':
      return {
        ...common,
        host: 'service.test',
        lookup: (_name, _options, callback) =>
          process.nextTick(callback, Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), '', 4),
      };
    case 'itself':
      return { ...common, host: '127.0.0.1', localPort: world.port };
    default:
      return host satisfies never;
  }
}

function dial(world: World): void {
  const { over = 'tcp', client = {} } = world.scenario;
  if (over !== 'tls' || client.speaks === 'plain') dialPlain(world);
  else if (client.speaks === 'TLS over a stream') dialTlsOverStream(world);
  else dialTls(world);
}

function dialPlain(world: World): void {
  const { over = 'tcp', client = {} } = world.scenario;
  const socket = new net.Socket({
    allowHalfOpen: client.allowHalfOpen ?? false,
    ...(client.highWaterMark === undefined ? {} : { highWaterMark: client.highWaterMark }),
  });
  followClient(world, socket);
  if (over === 'unix') socket.connect({ path: world.path });
  else socket.connect(target(world));
  if (over !== 'h2c') settle(socket, client.reads);
}

function dialTls(world: World): void {
  const { allowHalfOpen = false, reads } = world.scenario.client ?? {};
  const options = { ...TLS_CLIENT, ...target(world), allowHalfOpen };
  const socket = tls.connect(options as tls.ConnectionOptions);
  followClient(world, socket);
  settle(socket, reads);
}

/** TLS over a stream that keeps the end to itself: end() sends a close_notify alert and no FIN. */
function dialTlsOverStream(world: World): void {
  const below = new net.Socket({ allowHalfOpen: true });
  followClient(world, below);
  below.connect(target(world));
  const between = new Duplex({
    read: () => undefined,
    write: (chunk, _encoding, done) => below.write(chunk, done),
    final: (done) => done(),
  });
  below.on('data', (chunk) => between.push(chunk));
  below.on('end', () => between.push(null));
  const above = tls.connect({ ...TLS_CLIENT, socket: between });
  const number = world.clients.length;
  above.on('error', () => undefined);
  above.on('secureConnect', () => world.seen.push(`client ${number} secure`));
  above.resume();
  world.aboveStream.set(below, above);
}

async function connect(world: World): Promise<void> {
  const { over, client: side = {} } = world.scenario;
  const isSecure = over === 'tls' && side.speaks !== 'plain';
  const client = world.clients.length + 1;
  const server = world.servers.length + 1;
  dial(world);
  const up = isSecure
    ? [`client ${client} secure`, `server ${server} secure`]
    : [`client ${client} connect`, `server ${server} connection`];
  await until(
    () => up.every((event) => world.seen.includes(event)),
    () => `${up.join(' and ')}; seen: ${world.seen.join(', ')}`,
  );
}

const TEXTS: { readonly [text in Text]: string | Buffer } = {
  GET: 'GET / HTTP/1.1\r\nHost: scenario\r\n\r\n',
  'GET and close': 'GET / HTTP/1.1\r\nHost: scenario\r\nConnection: close\r\n\r\n',
  'an upgrade': 'GET / HTTP/1.1\r\nHost: scenario\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'half an upload': Buffer.concat([
    Buffer.from('POST / HTTP/1.1\r\nHost: scenario\r\nContent-Length: 500000\r\n\r\n'),
    Buffer.alloc(100_000),
  ]),
  garbage: 'this is no protocol\r\n\r\n',
};

const WORLD_VERBS: { readonly [verb in WorldVerb]: (world: World) => void | Promise<void> } = {
  connect,
  dial,
  listen: (world) => listenOn(world.listener, { port: world.port, host: world.scenario.server?.host ?? '127.0.0.1' }),
  'stop listening': (world) => void world.listener.close(),
  'observe the listener': (world) => void world.monitor.observeServer(world.listener, { name: 'scenario' }),
  'a second monitor watches too': (world) => {
    const second = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: (warning) => world.warnings.push(warning) });
    world.closers.push(() => second.close());
    second.observeServer(world.listener, { name: 'second' });
    for (const socket of world.clients) second.observeSocket(socket, { name: 'second' });
  },
  'a client comes, writes and resets while the event loop is blocked': (world) => {
    world.closers.push(comeWhileBlocked(world.port));
  },
  'the agent requests': (world) => request(world, true),
  'the agent requests and leaves the answer unread': (world) => request(world, false),
  'the agent is destroyed': (world) => world.agent?.destroy(),
  'the session requests': requestStream,
  'the session is closed': (world) => world.session?.close(),
  'the session is destroyed': (world) => world.session?.destroy(),
  'the HTTP server closes all connections': (world) => (world.listener as http.Server).closeAllConnections(),
};

function request(world: World, reads: boolean): Promise<void> {
  const isSecure = world.scenario.over === 'https';
  world.agent ??= createAgent(world, isSecure);
  const options = { host: '127.0.0.1', port: world.port, agent: world.agent };
  return new Promise((resolve, reject) => {
    const sent = isSecure ? https.request({ ...options, ...TLS_CLIENT }) : http.request(options);
    sent.on('error', reject);
    sent.on('response', (response) => {
      response.on('error', () => undefined);
      response.on('end', resolve);
      if (reads) response.resume();
      else resolve();
    });
    sent.end();
  });
}

function createAgent(world: World, isSecure: boolean): http.Agent {
  const agent = isSecure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = create(options, callback) as net.Socket;
    followClient(world, socket);
    return socket;
  };
  world.closers.push(() => agent.destroy());
  return agent;
}

function requestStream(world: World): Promise<void> {
  const isSecure = world.scenario.over === 'h2';
  if (world.session === undefined) {
    const session = http2.connect(`${isSecure ? 'https' : 'http'}://127.0.0.1:${world.port}`, {
      createConnection: () => {
        const socket = isSecure
          ? tls.connect({ ...TLS_CLIENT, host: '127.0.0.1', port: world.port, ALPNProtocols: ['h2'] })
          : net.connect({ host: '127.0.0.1', port: world.port });
        followClient(world, socket);
        return socket;
      },
    });
    session.on('error', () => undefined);
    world.session = session;
    world.closers.push(() => session.destroy());
  }
  const stream = world.session.request({ ':path': '/' });
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('close', resolve);
    stream.resume();
  });
}
