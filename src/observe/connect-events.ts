import { type ConnectPhase, connectFailureOf } from '../sockets/connect-failure.ts';
import { FLAG, type SocketRecord, stateOf } from '../sockets/record.ts';
import { packAddress, TUPLE } from '../sockets/tuple.ts';
import { EVENT, type TcpEvent } from '../tcp/event.ts';
import { STATE } from '../tcp/state.ts';
import { hostOf, isKnownHost, nameByDestination, nameByPeer, nameClient, rememberPort } from './client-name.ts';
import type { Destination } from './connect-calls.ts';
import type { ObserveContext } from './context.ts';
import { forgetEnd } from './handle-end.ts';
import { hasDescriptor, isTcpHandle, localOf, type NodeSocket } from './node-socket.ts';
import { countClosed } from './socket-end.ts';

// A connect operation as a socket's events show it. It begins with connect(), which no event shows: it is seen by
// connect-calls.ts, or the socket is found connecting, or its first lookup or attempt is the first that is known.

/** connect() was called: a new operation, which waits for its name. */
export function connectCalled(
  context: ObserveContext,
  record: SocketRecord,
  socket: NodeSocket,
  destination: Destination | undefined,
  at: number,
): void {
  // destroy() and connect() in one tick: the operation before never came to its end.
  if ((record.flags & FLAG.connecting) !== 0) nameByDestination(context, record, socket, at);
  context.ledger.beginConnect(record, at);
  context.unnamed.set(record, destination);
}

/** 'lookup': once for every address, or with an error. */
export function lookedUp(record: SocketRecord, socket: NodeSocket, error: unknown): void {
  if (!socket.connecting) return;
  // Node remembers a host that it looked up, and an address not at all.
  record.flags &= ~FLAG.hostStale;
  if (error) record.flags |= FLAG.lookupFailed;
}

/** 'connectionAttempt': connect(2) is about to be called for one address. */
export function attempted(
  context: ObserveContext,
  record: SocketRecord,
  socket: NodeSocket,
  address: unknown,
  port: unknown,
  at: number,
): void {
  if (!socket.connecting) return;
  const { ledger } = context;
  // A unix socket's attempt carries a path and no port.
  if (typeof address !== 'string' || typeof port !== 'number') {
    forgetConnect(context, record);
    return;
  }
  context.onUse();
  // destroy() and connect() in one tick: the 'close' of the connection before finds a socket that connects again.
  if ((record.flags & FLAG.open) !== 0) countClosed(context, record, socket, at);
  if (record.transition >= 0) {
    forgetEnd(socket);
    ledger.renew(record, at);
  } else ledger.add(record);
  if (packAddress(address, context.tuple, TUPLE.peerAddress)) {
    context.tuple[TUPLE.peerPort] = port;
    record.upstream = ledger.rememberUpstream(context.tuple);
  }
  const host = hostOf(record, socket);
  if ((record.flags & FLAG.connectCounted) === 0) {
    if ((record.flags & FLAG.connecting) === 0) {
      ledger.beginConnect(record, at);
      // Nobody saw connect(): how long the lookup took is not known.
      record.markAt = -1;
    }
    const given = context.unnamed.get(record)?.host ?? host ?? address;
    nameClient(context, record, socket, given, port, at);
    if (host !== undefined) {
      rememberPort(host, port);
      ledger.endConnectPhase(record, 'lookup', at);
    }
    record.markAt = at;
  }
  ledger.beginAttempt(record, address.includes(':'));
  if (takeBoundAddress(context, socket)) ledger.upstreams.nameBound(record.upstream, record.slot, context.tuple);
  else ledger.upstreams.name(record.upstream, record.slot);
  ledger.apply(record, EVENT.attempt, at);
  if (socket._handle) context.handleEnds.from(socket._handle);
}

/** 'connectionAttemptFailed': the kernel refused this address, or Node gave it up. */
export function attemptFailed(context: ObserveContext, record: SocketRecord, error: unknown, at: number): void {
  const cancelled = isGivenUp(error);
  context.ledger.endAttempt(record, cancelled ? 'cancelled' : 'failed');
  attemptEnded(context, record, cancelled ? EVENT.attemptAbandoned : EVENT.attemptFailed, at);
}

/** 'connectionAttemptTimeout': Node gives this address up and goes on to the next. */
export function attemptTimedOut(context: ObserveContext, record: SocketRecord, at: number): void {
  context.ledger.endAttempt(record, 'timed_out');
  attemptEnded(context, record, EVENT.attemptAbandoned, at);
}

function attemptEnded({ ledger }: ObserveContext, record: SocketRecord, event: TcpEvent, at: number): void {
  if (record.index >= 0 && stateOf(record) === STATE.SYN_SENT) ledger.apply(record, event, at);
}

/** 'connect': the handshake of TCP is complete. */
export function connected(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): void {
  // A TLSSocket over a connected socket emits 'connect' too, and so may a program.
  if ((record.flags & FLAG.open) !== 0 || record.index < 0) return;
  if (socket.connecting || socket.destroyed || !isTcpHandle(socket._handle)) return;
  const { ledger } = context;
  nameByPeer(context, record, socket, at);
  context.handleEnds.from(socket._handle);
  ledger.apply(record, EVENT.connect, at);
  ledger.endAttempt(record, 'connected');
  ledger.endConnectPhase(record, 'tcp', at);
  const agent = socket._httpMessage?.agent;
  if (agent) context.onAgent(agent);
  if (!isTls(record, socket)) ledger.endConnect(record, undefined);
  ledger.open(record, at);
}

/** 'secureConnect': the handshake of TLS is complete too, and the operation with it. */
export function secured(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): void {
  if ((record.flags & FLAG.connecting) === 0 || (record.flags & FLAG.open) === 0) return;
  if (socket.secureConnecting !== false || socket.destroyed) return;
  context.ledger.endConnectPhase(record, 'tls', at);
  context.ledger.endConnect(record, undefined);
}

/**
 * The socket is destroyed: an operation that is under way has failed.
 *
 * @param error what it was destroyed with; undefined or null for destroy() without an error
 */
export function connectFailed(
  context: ObserveContext,
  record: SocketRecord,
  socket: NodeSocket,
  error: unknown,
  at: number,
): void {
  if ((record.flags & FLAG.connecting) === 0 || socket.connecting) return;
  nameByDestination(context, record, socket, at, portOfError(error));
  context.ledger.endAttempt(record, error && !isAbort(error) ? 'failed' : 'cancelled');
  const failure = connectFailureOf(error, {
    phase: phaseOf(record),
    lookupFailed: (record.flags & FLAG.lookupFailed) !== 0,
    hasFamily: context.hasFamily((record.flags & FLAG.attemptIpv6) !== 0),
  });
  context.ledger.endConnect(record, failure);
}

/** Not TCP after all, or connect() threw: there was no operation. */
export function forgetConnect(context: ObserveContext, record: SocketRecord): void {
  context.unnamed.delete(record);
  record.flags &= ~FLAG.connecting;
}

/** Names the operations that have waited for it: a lookup may take seconds, and is pending meanwhile. */
export function nameWaiting(context: ObserveContext): void {
  for (const [record, destination] of context.unnamed) {
    const socket = record.socket as NodeSocket | undefined;
    if (socket === undefined || !socket.connecting || !isTcpHandle(socket._handle)) forgetConnect(context, record);
    else if (record.slot >= 0 || destination !== undefined || isKnownHost(hostOf(record, socket))) {
      nameByDestination(context, record, socket, context.now());
    }
  }
}

function phaseOf({ flags }: SocketRecord): ConnectPhase {
  if ((flags & FLAG.open) !== 0) return 'tls';
  return (flags & FLAG.lookupFailed) === 0 ? 'tcp' : 'lookup';
}

function isTls({ flags }: SocketRecord, socket: NodeSocket): boolean {
  return (flags & FLAG.tls) !== 0 || socket.encrypted === true;
}

/**
 * Whether the program gave a socket that begins to connect its local address (`localAddress`), which is then in the
 * context's tuple: libuv opens the descriptor at bind(2), and else only at connect(2), which comes after this event (Node
 * 20, 22, 24 and 26). Such a socket takes its port from all others of its local address, whatever they connect to.
 */
function takeBoundAddress({ endpoint, tuple }: ObserveContext, socket: NodeSocket): boolean {
  const handle = socket._handle;
  if (!handle || !isTcpHandle(handle) || !hasDescriptor(handle)) return false;
  // Where bind(2) found no port, which libuv tells only at connect, there is no address yet.
  if (!localOf(handle, endpoint) || endpoint.address === undefined || (endpoint.port ?? 0) === 0) return false;
  return packAddress(endpoint.address, tuple, TUPLE.localAddress);
}

/** An attempt that Node itself gave up: the kernel's answer may have been on its way. */
function isGivenUp(error: unknown): boolean {
  return !(error instanceof Error) || (error as ConnectError).code === 'ECANCELED';
}

function isAbort(error: unknown): boolean {
  return (error as ConnectError).name === 'AbortError';
}

/** An error of connect(2) says where to; that of Happy Eyeballs has one for each address. */
function portOfError(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { errors, syscall, port } = error as ConnectError;
  if (Array.isArray(errors)) return portOfError(errors[0]);
  return syscall === 'connect' && typeof port === 'number' ? port : undefined;
}

interface ConnectError extends Error {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly port?: unknown;
  readonly errors?: readonly unknown[];
}
