import type { Ledger } from '../sockets/ledger.ts';
import { COUNT } from '../sockets/ledger.ts';
import { FLAG, type SocketRecord, stateOf } from '../sockets/record.ts';
import { EVENT } from '../tcp/event.ts';
import { STATE } from '../tcp/state.ts';
import { captureAddresses } from './addresses.ts';
import {
  attempted,
  attemptFailed,
  attemptTimedOut,
  connected,
  connectFailed,
  lookedUp,
  secured,
  timedOut,
} from './connect-events.ts';
import type { ObserveContext } from './context.ts';
import { outlivedItsError } from './handle-end.ts';
import { answered, idleTimedOut, leftAgent, quietCloseOf } from './http-use.ts';
import { hasDescriptor, hasReadEof, isEofUnread, type NodeSocket, rawSocketOf } from './node-socket.ts';
import { countClosed } from './socket-end.ts';
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
        lookedUp(context, record, socket, first, context.now());
        return false;
      case WATCHED.connectionAttempt:
        attempted(context, record, socket, first, second, context.now());
        return false;
      case WATCHED.connectionAttemptFailed:
        attemptFailed(context, record, fourth, context.now());
        return false;
      case WATCHED.connectionAttemptTimeout:
        attemptTimedOut(context, record, context.now());
        return false;
      case WATCHED.connect:
        connected(context, record, socket, context.now());
        return false;
      case WATCHED.secureConnect:
        secured(context, record, socket, context.now());
        return false;
      case WATCHED.free:
        answered(context, record, socket, context.now());
        return false;
      case WATCHED.agentRemove:
        leftAgent(context, record, socket);
        return false;
      case WATCHED.timeout:
        timedOut(record);
        idleTimedOut(record, socket);
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

  function failed(record: SocketRecord, socket: NodeSocket, value: unknown, at: number): void {
    if (!(value instanceof Error)) return;
    if (socket.destroyed && socket.errored === value) connectFailed(context, record, socket, value, at);
    if (record.index < 0) return;
    if ((record.flags & FLAG.open) !== 0 && isRefusedReset(socket, value)) {
      // Node forgets the descriptor without closing it and says neither 'finish' nor 'close': our FIN goes out unsaid.
      finSent(context, record, socket, at);
      context.forgotten.add(record);
      return;
    }
    if (!socket.destroyed || (socket.errored !== undefined && socket.errored !== value)) return;
    const error = value as SystemError;
    const forwarded = seenErrors.has(error) || outlivedItsError(rawSocketOf(socket) ?? socket);
    seenErrors.add(error);
    const quietClose = quietCloseOf(error);
    if (quietClose !== undefined) {
      record.flags |= quietClose;
      return;
    }
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
  // After an error of TLS the handle is still there, without a descriptor.
  if (!socket.destroyed || (socket._handle && hasDescriptor(socket._handle))) return;
  connectFailed(context, record, socket, socket.errored, at);
  if (record.index < 0) return;
  noticeUnreadEof(ledger, record, socket, at);
  // A TLSSocket remembers plain text; its bytes were counted before the descriptor was closed.
  if (socket.encrypted !== true) ledger.countBytes(record, socket.bytesRead, socket._bytesDispatched ?? 0);
  record.flags |= FLAG.hostStale;
  countClosed(context, record, socket, at);
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
