import { COUNT, type ListenerRecord, newListener } from '../sockets/ledger.ts';
import { FLAG, SocketRecord, stateOf } from '../sockets/record.ts';
import { isWildcard, packAddress, TUPLE } from '../sockets/tuple.ts';
import { EVENT } from '../tcp/event.ts';
import { STATE } from '../tcp/state.ts';
import { CHANNEL, listenTo } from './channels.ts';
import type { ObserveContext } from './context.ts';
import { requested, responded } from './http-use.ts';
import {
  activeHandles,
  isHttpServer,
  isProxied,
  isTcpHandle,
  isTlsServer,
  type NodeHttpMessage,
  type NodeServer,
  type NodeSocket,
  rawSocketOf,
  serverOf,
} from './node-socket.ts';
import { requestText } from './request-text.ts';
import { adopt, letGo, recordOf } from './socket.ts';
import { createTap, type Tap, WATCHED, type Watched } from './tap.ts';

/** What the tap of a server carries. */
interface ObservedServer extends ListenerRecord {
  /** The name the program chose; undefined for the default, the port. */
  chosenName: string | undefined;
  /** By the observation of the whole process. */
  isFound: boolean;
}

/** Observes servers: the listening socket, and every connection from the moment it is accepted. */
export interface ServerObserver {
  /** Returns the function that ends it; observing a server twice returns the first one's. */
  observe(server: NodeServer, name: string | undefined): () => void;
  /** The same for a server that the observation of the whole process found; not if it is observed already. */
  find(server: NodeServer): void;
  /** Ends the observation of what was found. */
  stopFound(): void;
  /** Looks whether listeners were closed: net.Server.close() emits nothing until the last connection is gone. */
  poll(): void;
  stop(): void;
}

/**
 * Creates the observer of servers.
 *
 * @param sockets the tap that all records share
 * @param timesIdleness whether it is known since when a connection is idle: publishing the end of each answer takes Node
 *   half a microsecond, 4% of a request
 */
export function observeServers(
  context: ObserveContext,
  sockets: Tap<SocketRecord>,
  timesIdleness: boolean,
): ServerObserver {
  const { ledger } = context;
  const observed = new Map<ObservedServer, () => void>();
  const stops = new WeakMap<object, () => void>();
  let stopResponses: (() => void) | undefined;

  const tap = createTap<ObservedServer>({
    before(server, target, event, first, second) {
      try {
        on(server, target as NodeServer, event, first, second);
      } catch (error) {
        context.report('observer', error);
      }
      return false;
    },
    after() {},
  });

  function on(listener: ObservedServer, server: NodeServer, event: Watched, first: unknown, second: unknown): void {
    switch (event) {
      case WATCHED.connection:
        accepted(listener, server, first);
        return;
      case WATCHED.secureConnection:
        secured(first);
        return;
      case WATCHED.listening:
        listening(listener, server);
        return;
      case WATCHED.drop:
        if (listener.slot >= 0) ledger.bump(listener.slot, COUNT.dropped, 1);
        return;
      case WATCHED.request:
        took(first, second);
        return;
      case WATCHED.upgrade:
      case WATCHED.connect:
        handedOver(first, second);
        return;
      case WATCHED.close:
        listenerGone(listener, server);
        return;
      default:
    }
  }

  function observe(server: NodeServer, name: string | undefined): () => void {
    const known = stops.get(server);
    if (known !== undefined) {
      rename(server, name);
      return known;
    }
    refuseTakenName(name);
    const listener: ObservedServer = { ...newListener(server, 0, 0, context.now()), chosenName: name, isFound: false };
    if (!tap.attach(server, listener)) return () => undefined;
    if (timesIdleness && isHttpServer(server)) stopResponses ??= watchResponses();
    if (name !== undefined) assign(listener, name);
    context.listenerOf.set(server, listener);
    const stop = (): void => {
      if (!observed.delete(listener)) return;
      ledger.removeListener(listener);
      // Held weakly: an observer must not keep a closed server alive.
      const server = listener.ref.deref();
      if (server === undefined) return;
      stops.delete(server);
      context.listenerOf.delete(server);
      tap.detach(server);
      for (const record of [...ledger.records]) {
        const socket = record.socket as NodeSocket | undefined;
        if (socket !== undefined && serverOf(socket) === server) letGo(context, sockets, record, socket);
      }
    };
    observed.set(listener, stop);
    stops.set(server, stop);
    if (server.listening) {
      listening(listener, server);
      adoptAccepted(listener, server);
    }
    return stop;
  }

  /** A server that was found listening is given a name: what it accepts from now on goes by it. */
  function rename(server: NodeServer, name: string | undefined): void {
    const listener = tap.get(server);
    if (name === undefined || listener === undefined || listener.chosenName !== undefined) return;
    refuseTakenName(name);
    ledger.unassign(listener);
    listener.chosenName = name;
    assign(listener, name);
  }

  function watchResponses(): () => void {
    return listenTo<{ readonly socket: object }>(
      CHANNEL.response,
      ({ socket }) => {
        const record = sockets.get(socket);
        if (record !== undefined) responded(record, context.now());
      },
      (error) => context.report('observer', error),
    );
  }

  /** A request came in. Those of HTTP/2 have no connection of their own. */
  function took(request: unknown, response: unknown): void {
    const { httpVersionMajor, socket } = request as { httpVersionMajor?: number; socket?: object };
    if (httpVersionMajor !== 1 || typeof socket !== 'object' || socket === null) return;
    const record = sockets.get(socket);
    if (record !== undefined) requested(context, record, response as NodeHttpMessage);
  }

  function listening(listener: ObservedServer, server: NodeServer): void {
    const address = server.address();
    // A unix socket has a path for an address; it is none of ours.
    if (address === null || typeof address === 'string') return;
    context.onUse();
    // Closed and listening elsewhere before 'close' or a look at it told: the name still counts the port before.
    if (stateOf(listener) === STATE.LISTEN && listener.port !== address.port) listenerEnded(listener);
    listener.port = address.port;
    listener.tuple.fill(0);
    packAddress(address.address, listener.tuple, TUPLE.localAddress);
    if (isWildcard(listener.tuple, TUPLE.localAddress)) listener.tuple.fill(0);
    listener.tuple[TUPLE.localPort] = address.port;
    listener.inode = 0;
    if (listener.chosenName === undefined) assign(listener, String(address.port));
    ledger.addListener(listener);
    // A cluster worker whose primary accepts has a handle without a descriptor: that listener is not here.
    const fd = server._handle?.fd;
    if (typeof fd === 'number' && fd >= 0 && stateOf(listener) === STATE.CLOSED) {
      ledger.apply(listener, EVENT.listening, context.now());
    }
  }

  function assign(listener: ObservedServer, name: string): void {
    ledger.assign(listener, 'server', name, listener.chosenName !== undefined, context.now());
  }

  function refuseTakenName(name: string | undefined): void {
    if (name === undefined) return;
    for (const other of observed.keys()) {
      if (other.chosenName !== name) continue;
      const server = other.ref.deref() as NodeServer | undefined;
      // A server that was closed gives its name to the one that replaces it.
      if (server === undefined || (other.port !== 0 && !server.listening)) continue;
      throw new TypeError(`another observed server is named '${name}' already: give each server its own name`);
    }
  }

  function listenerGone(listener: ObservedServer, server: NodeServer): void {
    if (!server._handle) listenerEnded(listener);
  }

  function listenerEnded(listener: ObservedServer): void {
    // In a cluster worker that is fed by its primary it never was in LISTEN.
    if (stateOf(listener) === STATE.LISTEN) ledger.apply(listener, EVENT.listenerClosed, context.now());
    ledger.removeListener(listener);
  }

  function accepted(listener: ObservedServer, server: NodeServer, value: unknown): void {
    const socket = value as NodeSocket;
    if (typeof value !== 'object' || value === null || isProxied(value) || !isTcpHandle(socket._handle)) return;
    // A program may hand a socket from one server to another, in TLS or not; it stays the first one's.
    const isRaw = socket._handle._parent === undefined;
    if ((isRaw ? sockets.get(socket) : recordOf(sockets, socket)) !== undefined) return;
    if (listener.slot < 0) listening(listener, server);
    if (listener.slot < 0) return;
    const at = context.now();
    const record = new SocketRecord(socket, FLAG.server, at);
    record.slot = listener.slot;
    if (!sockets.attach(socket, record)) return;
    ledger.add(record);
    ledger.apply(record, EVENT.accept, at);
    ledger.open(record, at);
    context.handleEnds.from(socket._handle);
  }

  /** A TLSSocket over a socket on the books takes its place. */
  function secured(value: unknown): void {
    if (typeof value === 'object' && value !== null && !isProxied(value)) recordOf(sockets, value);
  }

  /** An upgraded or tunnelled socket leaves HTTP, and with it every hook that could tell later what it was for. */
  function handedOver(request: unknown, socket: unknown): void {
    if (typeof socket !== 'object' || socket === null || isProxied(socket)) return;
    const record = recordOf(sockets, socket);
    if (record === undefined) return;
    ledger.countRequest(record);
    record.flags |= FLAG.upgraded;
    record.request = requestText(request as { method?: string; url?: string });
  }

  function adoptAccepted(listener: ObservedServer, server: NodeServer): void {
    for (const handle of activeHandles()) {
      const socket = handle as NodeSocket;
      if (socket.server !== server || socket.destroyed || !isTcpHandle(socket._handle)) continue;
      if (recordOf(sockets, socket) !== undefined) continue;
      const raw = rawSocketOf(socket);
      // The list names the socket below a TLSSocket, which is met when it says something.
      const isTls = socket.encrypted === true || isTlsServer(server);
      const flags = isTls ? FLAG.server | FLAG.tls : FLAG.server;
      const record = new SocketRecord(socket, flags, context.now());
      record.slot = listener.slot;
      if (!sockets.attach(socket, record)) continue;
      if (raw !== undefined) sockets.attach(raw, record);
      adopt(context, record, socket);
    }
  }

  function poll(): void {
    for (const listener of observed.keys()) {
      const server = listener.ref.deref() as NodeServer | undefined;
      if (server === undefined) observed.get(listener)?.();
      else listenerGone(listener, server);
    }
  }

  return {
    observe,
    find: (server) => {
      if (stops.has(server)) return;
      observe(server, undefined);
      const listener = tap.get(server);
      if (listener !== undefined) listener.isFound = true;
    },
    stopFound: () => {
      for (const [listener, stop] of [...observed]) if (listener.isFound) stop();
    },
    poll,
    stop: () => {
      stopResponses?.();
      for (const stop of [...observed.values()]) stop();
    },
  };
}
