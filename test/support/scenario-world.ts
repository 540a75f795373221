import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import tls from 'node:tls';
import { createMonitor, type Monitor } from 'finwait';
import { internalsOf } from '../../src/monitor/monitor.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { type ColumnLog, logColumn } from './scenario-column.ts';
import { openHole } from './scenario-peers.ts';
import { TLS_SERVER } from './scenario-tls.ts';
import { readTable } from './ss-table.ts';

/** One kernel socket that a scenario made, known to the driver from Node's public API. */
export interface KnownSocket {
  readonly side: 'client' | 'server';
  /** The socket, and the TLSSocket over it. */
  readonly objects: Set<object>;
  /** Which connection attempt of the same object it is, from 0. */
  readonly attempt: number;
  /** 0 while unknown. */
  localPort: number;
  peerPort: number;
}

/** The sockets of one running scenario. */
export interface World {
  readonly scenario: Scenario;
  readonly monitor: Monitor;
  readonly column: ColumnLog;
  readonly warnings: Error[];
  readonly known: KnownSocket[];
  /** What happened so far, as `client 1 close`. */
  readonly seen: string[];
  /** The ports of the scenario's servers. */
  readonly ports: Set<number>;
  /** Those and the ones that were left because they were not fresh. */
  readonly portsTried: Set<number>;
  /** `address:port` of listeners that are none of the scenario's, whose rows are left out. */
  readonly holes: Set<string>;
  readonly clients: net.Socket[];
  readonly servers: net.Socket[];
  /** Run when the scenario is over, last first. */
  readonly closers: (() => unknown)[];
  readonly stopsObserving: Map<object, () => void>;
  /** The TLSSocket of a client that has it over a stream of its own. */
  readonly aboveStream: Map<object, tls.TLSSocket>;
  listener: net.Server;
  /** Where clients connect to. */
  port: number;
  path: string;
  agent: http.Agent | undefined;
  session: http2.ClientHttp2Session | undefined;
}

const EVENTS = ['connect', 'end', 'finish', 'close', 'error', 'timeout'] as const;

/** Makes the monitor, the column's log and the listener of a scenario. */
export async function createWorld(scenario: Scenario): Promise<World> {
  const warnings: Error[] = [];
  const monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: (warning) => warnings.push(warning) });
  const world: World = {
    scenario,
    monitor,
    column: logColumn(internalsOf(monitor).ledger),
    warnings,
    known: [],
    seen: [],
    ports: new Set(),
    portsTried: new Set(),
    holes: new Set(),
    clients: [],
    servers: [],
    closers: [() => monitor.close()],
    stopsObserving: new Map(),
    aboveStream: new Map(),
    listener: new net.Server(),
    port: 0,
    path: '',
    agent: undefined,
    session: undefined,
  };
  // A monitor's first sample comes by itself; taken now, the next one is an hour away and none comes unasked.
  await monitor.sample();
  return world;
}

/**
 * Creates the scenario's server, shows it to finwait unless it comes late, and listens; or makes a port where nobody
 * does.
 *
 * @param onConnection what the program does in its 'connection' listener
 */
export async function open(world: World, onConnection: () => void): Promise<void> {
  const { over = 'tcp', server = {}, client = {} } = world.scenario;
  if (server.port === 'swallows') {
    world.port = await digHole(world, '127.0.0.1', 0);
    return;
  }
  const listener = createListener(world);
  world.listener = listener;
  if (server.maxConnections !== undefined) listener.maxConnections = server.maxConnections;
  listener.on('connection', (raw: net.Socket) => {
    world.servers.push(raw);
    follow(world, raw, 'server', world.servers.length);
    const { localPort = 0, remotePort = 0 } = raw;
    world.known.push({ side: 'server', objects: new Set([raw]), attempt: 0, localPort, peerPort: remotePort });
    world.seen.push(`server ${world.servers.length} connection`);
    onConnection();
    if ((over === 'tcp' || over === 'unix') && !raw.destroyed) settle(raw, server.reads);
  });
  listener.on('secureConnection', (socket: tls.TLSSocket) => {
    const at = world.servers.findIndex((raw) => raw.remotePort === socket.remotePort);
    takeOver(world, world.servers[at] as net.Socket, socket);
    world.servers[at] = socket;
    follow(world, socket, 'server', at + 1);
    world.seen.push(`server ${at + 1} secure`);
    if (over === 'tls') settle(socket, server.reads);
  });
  for (const event of ['close', 'drop', 'tlsClientError']) {
    listener.on(event, () => world.seen.push(`listener ${event}`));
  }
  const portOnly = server.port === 'refuses' || client.host === 'itself';
  if (server.observed !== false && !portOnly) world.monitor.observeServer(listener, { name: 'scenario' });
  if (over === 'unix') {
    world.path = join(mkdtempSync(join(tmpdir(), 'finwait-scenario-')), 'socket');
    world.closers.push(() => rmSync(dirname(world.path), { recursive: true }));
    await listenOn(listener, { path: world.path });
  } else await listenOnFreshPort(world, listener);
  // Not waited for: a server whose socket was sent to a process that is gone never says that it is closed.
  world.closers.push(() => void closeListener(listener));
  if (client.host === 'a silent first address') await digHole(world, '::1', world.port);
  if (portOnly) await closeListener(listener);
}

/** Follows a new client socket: its events, its attempts, its ports. */
export function followClient(world: World, socket: net.Socket): void {
  world.clients.push(socket);
  const number = world.clients.length;
  follow(world, socket, 'client', number);
  let attempt = 0;
  socket.on('connectionAttempt', (_address: string, port: number) => {
    world.known.push({ side: 'client', objects: new Set([socket]), attempt: attempt++, localPort: 0, peerPort: port });
  });
  socket.on('connect', () => {
    const known = world.known.findLast((one) => one.objects.has(socket));
    if (known !== undefined) known.localPort = socket.localPort ?? 0;
  });
  socket.on('secureConnect', () => world.seen.push(`client ${number} secure`));
  if (world.scenario.client?.observed !== false) {
    world.stopsObserving.set(socket, world.monitor.observeSocket(socket, { name: 'scenario' }));
  }
}

/** A TLSSocket is the same kernel socket as the one below. */
export function takeOver(world: World, below: net.Socket, above: net.Socket): void {
  world.known.find((known) => known.objects.has(below))?.objects.add(above);
}

/** Writes down the events of a socket, and keeps its errors from being uncaught. */
export function follow(world: World, socket: net.Socket, side: 'client' | 'server', number: number): void {
  for (const event of EVENTS) socket.on(event, () => world.seen.push(`${side} ${number} ${event}`));
}

/** Reads and forgets what arrives, unless the scenario wants it unread. */
export function settle(socket: net.Socket, reads: boolean | undefined): void {
  if (reads !== false) socket.resume();
}

/** Waits for the local port of sockets that are still connecting: the kernel chose it at connect(2). */
export function learnPorts(world: World): void {
  for (const known of world.known) {
    if (known.localPort !== 0) continue;
    for (const object of known.objects) {
      const socket = object as net.Socket;
      const latest = world.known.findLast((one) => one.objects.has(socket)) === known;
      if (latest && socket.connecting) known.localPort = socket.localPort ?? 0;
    }
  }
}

/** Ends everything that the scenario opened. */
export async function closeWorld(world: World): Promise<void> {
  for (const socket of [...world.clients, ...world.servers]) socket.destroy();
  for (const close of [...world.closers].reverse()) await close();
}

function createListener(world: World): net.Server {
  const { over = 'tcp', server = {} } = world.scenario;
  const { allowHalfOpen = false, pauseOnConnect = false } = server;
  switch (over) {
    case 'tcp':
    case 'unix':
      return net.createServer({ allowHalfOpen, pauseOnConnect, ...watermark(server.highWaterMark) });
    case 'tls':
      return tls.createServer({ ...TLS_SERVER, allowHalfOpen } as tls.TlsOptions);
    case 'http':
      return configure(world, http.createServer(answer(world)));
    case 'https':
      return configure(world, https.createServer(TLS_SERVER, answer(world)));
    case 'h2c':
      return http2.createServer((_request, response) => response.end('h2'));
    case 'h2':
      return http2.createSecureServer(TLS_SERVER, (_request, response) => response.end('h2'));
    default:
      return over satisfies never;
  }
}

function watermark(highWaterMark: number | undefined): { highWaterMark?: number } {
  return highWaterMark === undefined ? {} : { highWaterMark };
}

function configure<S extends http.Server | https.Server>(world: World, server: S): S {
  const { keepAliveTimeoutMs, handler } = world.scenario.server ?? {};
  if (keepAliveTimeoutMs !== undefined) server.keepAliveTimeout = keepAliveTimeoutMs;
  if (handler === 'ignores the upgrade') server.on('upgrade', () => undefined);
  world.closers.push(() => server.closeAllConnections());
  return server;
}

function answer(world: World): http.RequestListener {
  return (request, response) => {
    switch (world.scenario.server?.handler ?? 'answers') {
      case 'answers':
        request.resume();
        response.end('hello');
        return;
      case 'never answers':
        return;
      case 'answers 8 MB':
        response.end(Buffer.alloc(8_000_000));
        return;
      case 'answers 413 and closes':
        response.writeHead(413, { connection: 'close' }).end();
        return;
      case 'ignores the upgrade':
        response.end();
        return;
    }
  };
}

/** A port without a row in the table: rows of earlier connections on a reused port would be taken for this scenario's. */
async function listenOnFreshPort(world: World, listener: net.Server): Promise<void> {
  const { host = '127.0.0.1' } = world.scenario.server ?? {};
  for (;;) {
    await listenOn(listener, { port: 0, host });
    const { port } = listener.address() as AddressInfo;
    world.portsTried.add(port);
    const rows = await readTable([port]);
    if (rows.every((row) => row.state === 'LISTEN')) {
      world.port = port;
      world.ports.add(port);
      return;
    }
    await closeListener(listener);
  }
}

/** Listens, and says so when it does. */
export function listenOn(listener: net.Server, where: net.ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(where, () => {
      listener.off('error', reject);
      resolve();
    });
  });
}

function closeListener(listener: net.Server): Promise<void> {
  return new Promise((resolve) => {
    if (listener.listening) listener.close(() => resolve());
    else resolve();
  });
}

/** Nobody answers there; the port is as fresh as that of a listener, unless it is given. */
async function digHole(world: World, host: '127.0.0.1' | '::1', port: number): Promise<number> {
  const hole = await openHole(host, port);
  world.closers.push(() => hole.close());
  if (port === 0 && (await readTable([hole.port])).some((row) => row.state === 'TIME_WAIT')) {
    return digHole(world, host, port);
  }
  world.ports.add(hole.port);
  world.holes.add(`${host === '::1' ? '[::1]' : host}:${hole.port}`);
  return hole.port;
}
