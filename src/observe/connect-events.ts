import { connectFailureOf } from '../sockets/connect-failure.ts';
import type { Ledger } from '../sockets/ledger.ts';
import { FLAG, type SocketRecord, stateOf } from '../sockets/record.ts';
import { packAddress, TUPLE } from '../sockets/tuple.ts';
import { EVENT, type TcpEvent } from '../tcp/event.ts';
import { STATE } from '../tcp/state.ts';
import {
  forgetName,
  hostOf,
  isNameable,
  nameByDestination,
  nameByPeer,
  nameClient,
  rememberPort,
} from './client-name.ts';
import type { Destination } from './connect-calls.ts';
import type { ObserveContext } from './context.ts';
import { forgetEnd } from './handle-end.ts';
import { hasDescriptor, isTcpHandle, isUntouched, localOf, type NodeSocket } from './node-socket.ts';
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
  // A second connect() while the first is under way is the same operation to Node.
  if (socket.connecting && (record.flags & FLAG.connecting) !== 0) return;
  if (socket.destroyed) {
    // destroy() and connect() in one tick: the 'close' of what was before will find a socket that connects again.
    connectFailed(context, record, socket, socket.errored, at);
    if (record.index >= 0) countClosed(context, record, socket, at);
  }
  // Node never forgets a host; what connect() puts there now is seen only if there was none.
  if (!socket.connecting && socket._host) record.flags |= FLAG.hostStale;
  begin(context, record, destination, at);
}

function begin(context: ObserveContext, record: SocketRecord, destination: Destination | undefined, at: number): void {
  context.ledger.beginConnect(record, at);
  record.flags &= ~FLAG.idleTimeout;
  context.waiting.set(record, destination);
}

/** Nobody saw connect(): when the phase that is under way began is not known. */
function beginUnseen(context: ObserveContext, record: SocketRecord, at: number): void {
  if ((record.flags & FLAG.connecting) !== 0) return;
  begin(context, record, undefined, at);
  record.markAt = -1;
}

/** 'lookup': once for every address, or with an error. */
export function lookedUp(
  context: ObserveContext,
  record: SocketRecord,
  socket: NodeSocket,
  error: unknown,
  at: number,
): void {
  if (!socket.connecting) return;
  beginUnseen(context, record, at);
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
  if ((record.flags & (FLAG.open | FLAG.attempting)) !== 0) {
    // destroy() and connect() in one tick, and nobody saw either: the 'close' of what was before finds a socket that
    // connects again. Happy Eyeballs ends an attempt before it begins the next.
    ledger.endConnect(record, 'aborted');
    countClosed(context, record, socket, at);
  }
  if (record.transition >= 0) {
    forgetEnd(socket);
    ledger.renew(record, at);
  } else ledger.add(record);
  record.upstream = upstreamOf(context, address, port);
  beginUnseen(context, record, at);
  if (context.waiting.has(record)) {
    const host = hostOf(record, socket);
    forgetName(record);
    nameClient(context, record, socket, context.waiting.get(record)?.host ?? host ?? address, port, at);
    context.waiting.delete(record);
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

/** The place of the endpoint that is connected to, -1 where the text is no address. */
function upstreamOf({ ledger, tuple }: ObserveContext, address: string, port: number): number {
  const known = ledger.upstreams.placeOfText(address, port);
  if (known >= 0 || !packAddress(address, tuple, TUPLE.peerAddress)) return known;
  tuple[TUPLE.peerPort] = port;
  const place = ledger.rememberUpstream(tuple);
  ledger.upstreams.noteText(address, port, place);
  return place;
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
  context.waiting.delete(record);
  context.handleEnds.from(socket._handle);
  ledger.apply(record, EVENT.connect, at);
  ledger.endAttempt(record, 'connected');
  ledger.endConnectPhase(record, 'tcp', at);
  const agent = socket._httpMessage?.agent;
  if (agent) context.onAgent(agent);
  if (!isTls(record, socket)) succeeded(ledger, record);
  ledger.open(record, at);
}

/** 'secureConnect': the handshake of TLS is complete too, and the operation with it. */
export function secured(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): void {
  if ((record.flags & FLAG.connecting) === 0 || (record.flags & FLAG.open) === 0) return;
  if (socket.secureConnecting !== false || socket.destroyed) return;
  context.ledger.endConnectPhase(record, 'tls', at);
  succeeded(context.ledger, record);
}

function succeeded(ledger: Ledger, record: SocketRecord): void {
  ledger.endConnect(record, undefined);
  record.flags &= ~FLAG.idleTimeout;
}

/** 'timeout': the program's own timer went off, after which most programs destroy the socket without an error. */
export function timedOut(record: SocketRecord): void {
  if ((record.flags & FLAG.connecting) !== 0) record.flags |= FLAG.idleTimeout;
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
  if (isUntouched(socket)) {
    // connect() threw, before it did anything.
    forgetConnect(context, record);
    return;
  }
  nameByDestination(context, record, socket, at, portOfError(error));
  context.waiting.delete(record);
  context.ledger.endAttempt(record, isOfAttempt(error) ? 'failed' : 'cancelled');
  const failure = connectFailureOf(error, {
    inTls: (record.flags & FLAG.open) !== 0,
    lookupFailed: (record.flags & FLAG.lookupFailed) !== 0,
    timedOut: (record.flags & FLAG.idleTimeout) !== 0,
    hasFamily: context.hasFamily,
  });
  context.ledger.endConnect(record, failure);
}

/** Not TCP after all, or connect() threw: there was no operation. */
function forgetConnect(context: ObserveContext, record: SocketRecord): void {
  context.waiting.delete(record);
  record.flags &= ~FLAG.connecting;
}

/**
 * Counts the operations that wait for their first attempt, as far as they have a name: a lookup may take seconds, and is
 * pending meanwhile. Those that never began are forgotten.
 */
export function countWaiting(context: ObserveContext): void {
  for (const record of context.waiting.keys()) {
    const socket = record.socket as NodeSocket | undefined;
    if (socket === undefined) {
      context.ledger.abandon(record, context.now());
      forgetConnect(context, record);
      continue;
    }
    // Where connect() threw, nothing else holds the socket.
    record.loosen();
    // What is destroyed still owes its 'close'.
    if (socket.destroyed) continue;
    if (!socket.connecting || !isTcpHandle(socket._handle)) forgetConnect(context, record);
    else if (isNameable(context, record, socket)) nameByDestination(context, record, socket, context.now());
  }
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

/** Whether an error is what became of an attempt, and not what ended the operation around it. */
function isOfAttempt(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, syscall } = error as ConnectError;
  return (syscall === 'connect' && code !== 'ECANCELED') || code === 'ERR_IP_BLOCKED';
}

/** An error of connect(2) says where to; that of Happy Eyeballs has one for each address. */
function portOfError(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { errors, syscall, code, port } = error as ConnectError;
  if (Array.isArray(errors)) return errors.map(portOfError).find((each) => each !== undefined);
  // An error of bind(2) has the local port.
  return (syscall === 'connect' || code === 'ERR_INVALID_ADDRESS_FAMILY') && typeof port === 'number'
    ? port
    : undefined;
}

interface ConnectError {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly port?: unknown;
  readonly errors?: readonly unknown[];
}
