import type { Ledger } from '../sockets/ledger.ts';
import { COUNT } from '../sockets/ledger.ts';
import { FLAG, type SocketRecord, stateOf } from '../sockets/record.ts';
import { packAddress, TUPLE, TUPLE_WORDS } from '../sockets/tuple.ts';
import { EVENT, type TcpEvent } from '../tcp/event.ts';
import { STATE } from '../tcp/state.ts';
import { captureAddresses } from './addresses.ts';
import type { ObserveContext } from './context.ts';
import { forgetEnd, hasResetIntent, outlivedItsError } from './handle-end.ts';
import {
  hasDescriptor,
  hasReadEof,
  isEofUnread,
  isTcpHandle,
  localOf,
  type NodeSocket,
  peerOf,
  rawSocketOf,
} from './node-socket.ts';
import { type TapHandler, WATCHED, type Watched } from './tap.ts';

/** Errors that say the kernel has no connection any more; anything else a socket may emit is the program's own. */
const CONNECTION_GONE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTCONN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'EADDRNOTAVAIL',
  'EADDRINUSE',
  'EACCES',
  'EPERM',
]);
const KERNEL_CALLS: ReadonlySet<string> = new Set(['read', 'write', 'connect', 'bind']);

/** A system error as libuv reports it. */
interface SystemError extends Error {
  readonly code?: string;
  readonly errno?: number;
  readonly syscall?: string;
}

/**
 * What the events of a socket mean for its record. A program may emit anything on its sockets, so an event counts only
 * if the socket's own flags agree with it.
 */
export function socketEvents(context: ObserveContext): TapHandler<SocketRecord> {
  const { ledger } = context;
  /** Errors seen on one socket already: `a.on('error', (e) => b.destroy(e))` shows a's errno on b. Where a is not
   * observed, only the connection of b tells: it outlives the error. */
  const seenErrors = new WeakSet<object>();

  function before(
    record: SocketRecord,
    target: object,
    event: Watched,
    first: unknown,
    second: unknown,
    fourth: unknown,
  ): boolean {
    try {
      return on(record, target as NodeSocket, event, first, second, fourth);
    } catch (error) {
      context.report('observer', error);
      return false;
    }
  }

  function on(
    record: SocketRecord,
    socket: NodeSocket,
    event: Watched,
    first: unknown,
    second: unknown,
    fourth: unknown,
  ): boolean {
    switch (event) {
      case WATCHED.lookup:
        // Node remembers a host that it looked up, and an address not at all.
        if (socket.connecting) record.flags &= ~FLAG.hostStale;
        return false;
      case WATCHED.connectionAttempt:
        attempted(record, socket, first, second, context.now());
        return false;
      case WATCHED.connectionAttemptFailed:
        attemptEnded(record, isGivenUp(fourth) ? EVENT.attemptAbandoned : EVENT.attemptFailed, context.now());
        return false;
      case WATCHED.connectionAttemptTimeout:
        attemptEnded(record, EVENT.attemptAbandoned, context.now());
        return false;
      case WATCHED.connect:
        connected(record, socket, context.now());
        return false;
      case WATCHED.end:
        return ended(context, record, socket, context.now());
      case WATCHED.finish: {
        const at = context.now();
        noticeUnreadEof(ledger, record, socket, at);
        return finished(context, record, socket, at);
      }
      case WATCHED.error:
        failed(record, socket, first, context.now());
        return false;
      case WATCHED.close:
        closed(context, record, socket, context.now());
        return false;
      default:
        return false;
    }
  }

  function after(record: SocketRecord, target: object, event: Watched): void {
    // What the program's listeners left of the other direction decides whether this FIN made a half-close.
    const socket = target as NodeSocket;
    try {
      if ((record.flags & FLAG.open) === 0 || socket.destroyed) return;
      if (event === WATCHED.finish && !hasReadEof(socket)) ledger.bump(record.slot, COUNT.halfClosedLocal, 1);
      if (event === WATCHED.end && socket.allowHalfOpen && !socket.writableEnded) {
        ledger.bump(record.slot, COUNT.halfClosedRemote, 1);
      }
    } catch (error) {
      context.report('observer', error);
    }
  }

  function attempted(record: SocketRecord, socket: NodeSocket, address: unknown, port: unknown, at: number): void {
    // A unix socket's attempt carries a path and no port.
    if (typeof address !== 'string' || typeof port !== 'number' || !socket.connecting) return;
    context.onUse();
    // destroy() and connect() in one tick: the 'close' of the connection before finds a socket that connects again.
    if ((record.flags & FLAG.open) !== 0) countClosed(ledger, record, socket, at);
    if (record.transition >= 0) {
      forgetEnd(socket);
      ledger.renew(record, at);
    } else ledger.add(record);
    if (packAddress(address, context.tuple, TUPLE.peerAddress)) {
      context.tuple[TUPLE.peerPort] = port;
      record.upstream = ledger.rememberUpstream(context.tuple);
    }
    if (record.slot < 0) ledger.assign(record, 'client', clientName(hostOf(record, socket), port), false, at);
    if (takeBoundAddress(context, socket)) ledger.upstreams.nameBound(record.upstream, record.slot, context.tuple);
    else ledger.upstreams.name(record.upstream, record.slot);
    ledger.apply(record, EVENT.attempt, at);
    if (socket._handle) context.handleEnds.from(socket._handle);
  }

  function attemptEnded(record: SocketRecord, event: TcpEvent, at: number): void {
    if (record.index >= 0 && stateOf(record) === STATE.SYN_SENT) ledger.apply(record, event, at);
  }

  function connected(record: SocketRecord, socket: NodeSocket, at: number): void {
    // A TLSSocket over a connected socket emits 'connect' too, and so may a program.
    if ((record.flags & FLAG.open) !== 0 || record.index < 0) return;
    if (socket.connecting || socket.destroyed || !isTcpHandle(socket._handle)) return;
    nameByPeer(context, record, socket, at);
    context.handleEnds.from(socket._handle);
    ledger.apply(record, EVENT.connect, at);
    ledger.open(record, at);
  }

  function failed(record: SocketRecord, socket: NodeSocket, value: unknown, at: number): void {
    if (record.index < 0 || !(value instanceof Error)) return;
    if ((record.flags & FLAG.open) !== 0 && isRefusedReset(socket, value)) {
      // Node forgets the descriptor without closing it and says neither 'finish' nor 'close': our FIN goes out unsaid.
      finSent(context, record, socket, at);
      return;
    }
    if (!socket.destroyed || (socket.errored !== undefined && socket.errored !== value)) return;
    const error = value as SystemError;
    const forwarded = seenErrors.has(error) || outlivedItsError(rawSocketOf(socket) ?? socket);
    seenErrors.add(error);
    if (forwarded || !isConnectionGone(error)) {
      if ((record.flags & FLAG.failureMask) === 0) record.flags |= FLAG.failedProgram;
      return;
    }
    ledger.apply(record, EVENT.reset, at);
    record.flags &= ~FLAG.failureMask;
    if (error.code === 'ECONNRESET' || error.code === 'EPIPE') {
      record.flags |= FLAG.failedReset;
      if ((record.flags & FLAG.open) !== 0) ledger.bump(record.slot, COUNT.resetReceived, 1);
    } else record.flags |= error.code === 'ETIMEDOUT' ? FLAG.failedTimeout : FLAG.failedKernel;
  }

  return { before, after };
}

/**
 * 'end': the peer's FIN was read, or what looks like it. Returns whether the listeners' answer matters.
 *
 * @param event what the end proves; less than usual where it was read some time ago
 */
export function ended(
  context: ObserveContext,
  record: SocketRecord,
  socket: NodeSocket,
  at: number,
  event: typeof EVENT.eof | typeof EVENT.eofOrReset = context.eofEvent,
): boolean {
  if ((record.flags & FLAG.open) === 0 || !socket.readableEnded) return false;
  if ((record.flags & FLAG.firstFinMask) === 0) record.flags |= FLAG.firstFinRemote;
  const known = stateOf(record);
  context.ledger.apply(record, (record.flags & FLAG.tls) !== 0 ? EVENT.eofOrCloseNotify : event, at);
  return known === STATE.ESTABLISHED;
}

/** 'finish': our FIN is queued. Returns whether the listeners' answer matters. */
export function finished(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): boolean {
  if ((record.flags & FLAG.open) === 0 || !socket.writableFinished) return false;
  return finSent(context, record, socket, at);
}

function finSent(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): boolean {
  const first = (record.flags & FLAG.firstFinMask) === 0;
  if (first) {
    record.flags |= FLAG.firstFinLocal;
    // Whoever closes first keeps TIME_WAIT, and that row can only be found by its addresses.
    captureAddresses(context, record, socket);
  }
  context.ledger.apply(record, EVENT.finish, at);
  return first;
}

/** 'close': libuv has closed the descriptor, and Node's column ends here. */
export function closed(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): void {
  const { ledger } = context;
  if (record.index < 0 || !socket.destroyed || socket._handle) return;
  noticeUnreadEof(ledger, record, socket, at);
  // A TLSSocket remembers plain text; its bytes were counted before the descriptor was closed.
  if (socket.encrypted !== true) ledger.countBytes(record, socket.bytesRead, socket._bytesDispatched ?? 0);
  record.flags |= FLAG.hostStale;
  countClosed(ledger, record, socket, at);
}

/** Counts the end of a connection whose descriptor is closed, by what the record and the handle showed of it. */
function countClosed(ledger: Ledger, record: SocketRecord, socket: NodeSocket, at: number): void {
  if (hasResetIntent(socket)) {
    record.flags |= FLAG.aborted;
    if ((record.flags & FLAG.open) !== 0) ledger.bump(record.slot, COUNT.resetSent, 1);
  }
  if (record.bytesReceived === 0 && (record.flags & (FLAG.server | FLAG.adopted)) === FLAG.server) {
    record.flags |= FLAG.unused;
  }
  ledger.apply(record, (record.flags & FLAG.aborted) !== 0 ? EVENT.abort : EVENT.close, at);
  ledger.close(record, at);
}

/** The peer's FIN was read, but unread bytes (or an early destroy) kept 'end' from being emitted. */
export function noticeUnreadEof(ledger: Ledger, record: SocketRecord, socket: NodeSocket, at: number): void {
  if ((record.flags & FLAG.open) === 0 || !isEofUnread(socket)) return;
  if ((record.flags & FLAG.firstFinMask) === 0) record.flags |= FLAG.firstFinRemote;
  const state = stateOf(record);
  if (state === STATE.ESTABLISHED || state === STATE.FIN_WAIT_1 || state === STATE.FIN_WAIT_2) {
    ledger.apply(record, EVENT.unreadEof, at);
  }
}

/** Names a client whose attempt was not seen after the peer it is connected to, unless it has a name. */
export function nameByPeer(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): void {
  if (record.slot < 0) {
    const { endpoint } = context;
    const known = socket._handle && peerOf(socket._handle, endpoint) === 'connected';
    const port = known ? (endpoint.port ?? 0) : 0;
    context.ledger.assign(record, 'client', clientName(hostOf(record, socket), port), false, at);
  }
  record.flags |= FLAG.hostStale;
}

/** The host that the program gave to this connect(), if it was looked up. */
function hostOf(record: SocketRecord, socket: NodeSocket): string | null | undefined {
  return (record.flags & FLAG.hostStale) === 0 ? socket._host : undefined;
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

/** The default name of a client socket: the host as the program gave it, and the port; never an address. */
function clientName(host: string | null | undefined, port: number): string {
  // One string for all sockets to one upstream: a new one would have to be hashed to be looked up.
  if (host === lastHost && port === lastPort) return lastName;
  const named = host !== undefined && host !== null && host !== '' && !isAddress(host);
  lastName = `${named ? host : 'ip'}:${port}`;
  lastHost = host;
  lastPort = port;
  return lastName;
}

let lastHost: string | null | undefined;
let lastPort = -1;
let lastName = '';

function isAddress(host: string): boolean {
  return packAddress(host, ADDRESS_SCRATCH, 0);
}

const ADDRESS_SCRATCH = new Uint32Array(TUPLE_WORDS);

function isConnectionGone(error: SystemError): boolean {
  return (
    typeof error.errno === 'number' &&
    error.errno < 0 &&
    error.syscall !== undefined &&
    KERNEL_CALLS.has(error.syscall) &&
    error.code !== undefined &&
    CONNECTION_GONE.has(error.code)
  );
}

/** resetAndDestroy() after end(), in one tick: libuv refuses to reset a socket whose FIN is being sent. */
function isRefusedReset(socket: NodeSocket, error: SystemError): boolean {
  return error.syscall === 'reset' && error.code === 'EINVAL' && socket.destroyed && socket.writableEnded;
}

/** An attempt that Node itself gave up: the kernel's answer may have been on its way. */
function isGivenUp(error: unknown): boolean {
  return !(error instanceof Error) || (error as SystemError).code === 'ECANCELED';
}
