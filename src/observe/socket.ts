import { FLAG, SocketRecord } from '../sockets/record.ts';
import { EVENT } from '../tcp/event.ts';
import { captureAddresses } from './addresses.ts';
import { nameByPeer, nameClient } from './client-name.ts';
import type { Destination } from './connect-calls.ts';
import { connectCalled } from './connect-events.ts';
import type { ObserveContext } from './context.ts';
import { noticeLayer } from './handle-end.ts';
import {
  hasDescriptor,
  hasReadEof,
  isStandardStream,
  isTcpHandle,
  type NodeSocket,
  rawSocketOf,
  wireOf,
} from './node-socket.ts';
import { ended, finished, noticeUnreadEof } from './socket-events.ts';
import type { Tap } from './tap.ts';

/**
 * Observes one client socket, before or after it connects. Unix sockets, pipes, destroyed sockets and the standard
 * streams are left alone. Returns the function that ends it; observing a socket twice returns a stop of the same
 * observation.
 */
export function observeSocket(
  context: ObserveContext,
  sockets: Tap<SocketRecord>,
  socket: NodeSocket,
  name: string | undefined,
): () => void {
  if (socket.destroyed) return nothing;
  const handle = socket._handle;
  if (handle && (!isTcpHandle(handle) || isStandardStream(handle))) return nothing;
  const { ledger } = context;
  const at = context.now();
  const known = recordOf(sockets, socket);
  if (known !== undefined) {
    // It was found when it began to connect, and nothing has been counted under another name yet.
    if (name !== undefined && known.slot < 0) choose(context, known, socket, name, at);
    return stopOf(context, sockets, known);
  }
  const record = new SocketRecord(socket, socket.encrypted === true ? FLAG.tls : 0, at);
  const raw = rawSocketOf(socket);
  if (!sockets.attach(socket, record)) return nothing;
  if (raw !== undefined) sockets.attach(raw, record);
  if (handle && socket.connecting) {
    connectCalled(context, record, socket, undefined, at);
    // The attempt began before we looked, and no socket remembers to which port: a default name waits for its end.
    if (hasDescriptor(handle)) {
      context.handleEnds.from(handle);
      ledger.add(record);
      ledger.apply(record, EVENT.attempt, at);
      record.markAt = -1;
    }
  }
  if (name !== undefined) choose(context, record, socket, name, at);
  if (handle && !socket.connecting) adopt(context, record, socket);
  return stopOf(context, sockets, record);
}

function choose(context: ObserveContext, record: SocketRecord, socket: NodeSocket, name: string, at: number): void {
  record.flags |= FLAG.named;
  context.ledger.assign(record, 'client', name, true, at);
  nameClient(context, record, socket, undefined, 0, at);
}

/**
 * A socket is about to connect, for the first time or again: observes it from here on. Returns its record, if it has one.
 *
 * @param found whether that is for the observation of the whole process
 * @param isCalling whether connect() is being called now, so that its caller can be asked for
 */
export function observeConnect(
  context: ObserveContext,
  sockets: Tap<SocketRecord>,
  socket: NodeSocket,
  destination: Destination | undefined,
  found: boolean,
  isCalling: boolean = true,
): SocketRecord | undefined {
  const at = context.now();
  let record = sockets.get(socket);
  if (record === undefined) {
    // Over a socket that is connected, or connects, there is nothing to connect.
    if (recordOf(sockets, socket) !== undefined || rawSocketOf(socket) !== undefined) return undefined;
    record = new SocketRecord(socket, (socket.encrypted === true ? FLAG.tls : 0) | (found ? FLAG.found : 0), at);
    if (!sockets.attach(socket, record)) return undefined;
  }
  if ((record.flags & FLAG.server) === 0) {
    if (isCalling) context.sites.note(record, socket, destination, at);
    connectCalled(context, record, socket, destination, at);
  }
  return record;
}

/** Observes a socket that was there before the observation of the whole process began. */
export function adoptFound(context: ObserveContext, sockets: Tap<SocketRecord>, socket: NodeSocket): void {
  if (recordOf(sockets, socket) !== undefined) return;
  observeSocket(context, sockets, socket, undefined);
  const record = sockets.get(socket);
  if (record !== undefined) record.flags |= FLAG.found;
}

/** Puts a socket on the books that was open before it was observed, in the state that its flags tell. */
export function adopt(context: ObserveContext, record: SocketRecord, socket: NodeSocket): void {
  const { ledger } = context;
  const at = context.now();
  nameByPeer(context, record, socket, at);
  ledger.add(record);
  record.flags |= FLAG.adopted;
  ledger.apply(record, EVENT.adopt, at);
  ledger.open(record, at);
  // What was transferred before is not ours to count.
  const { bytesRead = 0, bytesWritten = 0 } = socket._handle ? wireOf(socket._handle) : {};
  record.bytesReceived = bytesRead;
  record.bytesSent = bytesWritten;
  captureAddresses(context, record, socket, true);
  if (socket._handle) context.handleEnds.from(socket._handle);
  const raw = rawSocketOf(socket);
  if (raw !== undefined) noticeLayer(raw);
  if (hasReadEof(socket) && socket.writableFinished) record.flags |= FLAG.firstFinUnknown;
  finished(context, record, socket, at);
  noticeUnreadEof(ledger, record, socket, at);
  // The end was read some time ago: the kernel may have gone on since.
  ended(context, record, socket, at, EVENT.eofOrReset);
}

/** The record of a socket, if it has one. A TLSSocket over a recorded socket takes that one's over. */
export function recordOf(sockets: Tap<SocketRecord>, socket: object): SocketRecord | undefined {
  const known = sockets.get(socket);
  if (known !== undefined) return known;
  const raw = rawSocketOf(socket as NodeSocket);
  // A program may ask for anything that it takes for a socket.
  const below = typeof raw === 'object' ? sockets.get(raw) : undefined;
  if (below !== undefined && below.index >= 0) takeOver(sockets, below, socket);
  return below;
}

/** A TLSSocket over a recorded socket is the same descriptor: it takes the record over, and nothing is counted. */
function takeOver(sockets: Tap<SocketRecord>, record: SocketRecord, tlsSocket: object): void {
  record.socket = tlsSocket;
  record.flags |= FLAG.tls;
  const raw = rawSocketOf(tlsSocket as NodeSocket);
  if (raw !== undefined) noticeLayer(raw);
  sockets.attach(tlsSocket, record);
}

function stopOf(context: ObserveContext, sockets: Tap<SocketRecord>, record: SocketRecord): () => void {
  return () => {
    const target = record.socket as NodeSocket | undefined;
    if (target !== undefined && sockets.get(target) === record) letGo(context, sockets, record, target);
  };
}

/** Ends the observation of a socket, and of the raw one below it: what is open then counts as released. */
export function letGo(
  context: ObserveContext,
  sockets: Tap<SocketRecord>,
  record: SocketRecord,
  socket: NodeSocket | undefined,
): void {
  context.waiting.delete(record);
  // An operation that has no attempt yet is not on the list of records.
  context.ledger.release(record, context.now());
  if (socket === undefined) return;
  const raw = rawSocketOf(socket);
  sockets.detach(socket);
  if (raw !== undefined && sockets.get(raw) === record) sockets.detach(raw);
}

/** Ends what one observer did for a socket: the observation of the whole process goes on with it, if there is one. */
export function leave(
  context: ObserveContext,
  sockets: Tap<SocketRecord>,
  record: SocketRecord,
  socket: NodeSocket,
  isProcessObserved: boolean,
): void {
  if (isProcessObserved) record.flags |= FLAG.found;
  else letGo(context, sockets, record, socket);
}

function nothing(): void {}
