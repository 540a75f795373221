import { FLAG, type SocketRecord, stateOf } from '../sockets/record.ts';
import { EVENT } from '../tcp/event.ts';
import { STATE } from '../tcp/state.ts';
import { captureAddresses, countBytes } from './addresses.ts';
import type { ObserveContext } from './context.ts';
import { isBlind, isTcpHandle, type NodeSocket, peerOf, unreadBytes, unsentBytes } from './node-socket.ts';
import { closed, noticeUnreadEof } from './socket-events.ts';

/** After this long without a word, the acknowledgement of our FIN is taken as received: RTT and delayed ACK are less. */
const ACK_DUE_TICKS = 10_000;

/**
 * Looks at one live record, at a time on the ledger's clock: what no event shows (unread end of file, blindness, a connection that is gone, a handle
 * that went to another process), and what was put off until now (addresses, bytes, what is queued in Node).
 */
export function lookAt(context: ObserveContext, record: SocketRecord, at: number): void {
  const { ledger } = context;
  const socket = record.socket as NodeSocket | undefined;
  if (socket === undefined) {
    ledger.abandon(record, at);
    return;
  }
  record.loosen();
  const handle = socket._handle;
  if (!handle) {
    // subprocess.send() takes the handle away and says nothing; a destroyed socket still owes its 'close'.
    if (!socket.connecting && !socket.destroyed && (record.flags & FLAG.open) !== 0) {
      ledger.apply(record, EVENT.transfer, at);
      ledger.release(record, at);
    } else if (socket.closed === true && !context.forgotten.has(record)) {
      // Due at the last walk already: the program put an emit back that it had patched before us, and ours is gone.
      if ((record.flags & FLAG.closeDue) !== 0) closed(context, record, socket, at);
      record.flags |= FLAG.closeDue;
    }
    return;
  }
  if (!isTcpHandle(handle)) return;
  // While it connects getpeername fails, and only the attempt that we saw begin tells the peer.
  if (stateOf(record) === STATE.SYN_SENT && record.upstream >= 0) captureAddresses(context, record, socket);
  // What is written before 'connect' waits here too.
  if (record.slot >= 0) ledger.nodeQueues.set(record, unreadBytes(socket), unsentBytes(socket));
  if ((record.flags & FLAG.open) === 0) return;
  captureAddresses(context, record, socket, true);
  countBytes(ledger, record, handle);
  noticeUnreadEof(ledger, record, socket, at);
  noticeBlindness(context, record, socket, at);
  noticeSilence(context, record, socket, at);
}

function noticeBlindness(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): void {
  const state = stateOf(record);
  const open = state === STATE.ESTABLISHED || state === STATE.FIN_WAIT_1 || state === STATE.FIN_WAIT_2;
  const blind = open && socket._handle !== null && socket._handle !== undefined && isBlind(socket._handle);
  context.ledger.setBlind(record, blind);
  if (blind) context.ledger.apply(record, EVENT.blind, at);
}

/** Asks the kernel about records whose end would not be announced: one system call each. */
function noticeSilence(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): void {
  const { ledger } = context;
  const state = stateOf(record);
  const handle = socket._handle;
  if (!handle) return;
  switch (state) {
    case STATE.ESTABLISHED:
      if ((record.flags & FLAG.blind) === 0) return;
      if (peerOf(handle, context.endpoint) === 'not-connected') ledger.apply(record, EVENT.gone, at);
      return;
    case STATE.CLOSE_WAIT: {
      const peer = peerOf(handle, context.endpoint);
      if (peer === 'not-connected') ledger.apply(record, EVENT.gone, at);
      // On TLS a live connection proves nothing: the end may have been a close_notify alert.
      else if (peer === 'connected' && (record.flags & FLAG.tls) === 0) ledger.apply(record, EVENT.alive, at);
      return;
    }
    case STATE.FIN_WAIT_1:
    case STATE.FIN_WAIT_2:
    case STATE.LAST_ACK:
      if (peerOf(handle, context.endpoint) === 'not-connected') ledger.apply(record, EVENT.gone, at);
      else if (state === STATE.FIN_WAIT_1 && at - record.changedAt > ACK_DUE_TICKS && handle.writeQueueSize === 0) {
        ledger.apply(record, EVENT.ackDue, at);
      }
      return;
    default:
  }
}
