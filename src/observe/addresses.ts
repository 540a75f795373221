import type { Ledger } from '../sockets/ledger.ts';
import { FLAG, type SocketRecord } from '../sockets/record.ts';
import { isWildcard, packAddress, TUPLE, TUPLE_WORDS } from '../sockets/tuple.ts';
import { EVENT } from '../tcp/event.ts';
import type { ObserveContext } from './context.ts';
import { isClosedByGuard } from './free-socket-guard.ts';
import {
  hasReadEof,
  isTcpHandle,
  lastReceived,
  lastSent,
  localOf,
  type NodeHandle,
  type NodeSocket,
  peerOf,
  wireOf,
} from './node-socket.ts';

/**
 * Finds out a record's two endpoints, by which its row in the kernel's table is found, with as few system calls as
 * will do (1.7 us each): a client knows its peer from the attempt, a server its own end from its listener. Where that
 * is bound to the wildcard, the local address may stay the wildcard.
 *
 * @param exact whether to ask for a local address that a wildcard stands for: two processes that share a port, or two
 *   addresses of one machine, may meet the same peer
 */
export function captureAddresses(
  context: ObserveContext,
  record: SocketRecord,
  socket: NodeSocket,
  exact: boolean = false,
): void {
  const { ledger, tuple } = context;
  if ((record.flags & FLAG.noAddress) !== 0) return;
  if (record.tupleSlot >= 0 && !(exact && isLocalOpen(ledger, record))) return;
  const handle = socket._handle;
  if (!isTcpHandle(handle)) return;
  const listener =
    (record.flags & FLAG.server) !== 0 && socket.server ? context.listenerOf.get(socket.server) : undefined;
  const known = listener !== undefined && !(exact && isWildcard(listener.tuple, TUPLE.localAddress));
  if (known) copyLocal(listener.tuple, tuple);
  const hasLocal = known || takeLocal(context, handle);
  if (record.upstream >= 0) copyUpstream(context, record);
  if (hasLocal && (record.upstream >= 0 || takePeer(context, handle))) ledger.setTuple(record, tuple);
  // The kernel has no connection any more; asking again would not help.
  else if (record.tupleSlot < 0) record.flags |= FLAG.noAddress;
}

/** Takes over what a handle has transferred so far, in bytes of the wire. */
export function countBytes(ledger: Ledger, record: SocketRecord, handle: NodeHandle): void {
  const { bytesRead = 0, bytesWritten = 0 } = wireOf(handle);
  ledger.countBytes(record, bytesRead, bytesWritten);
}

/**
 * Takes what only the handle of a socket knows, whose descriptor is about to be closed: the bytes, which a TLSSocket
 * leaves in plain text and connect() in the same tick wipes out; and the addresses, unless the peer closed first:
 * whoever closes first keeps TIME_WAIT, and a socket that is destroyed emits nothing before it is closed.
 */
export function captureBeforeClose(
  context: ObserveContext,
  record: SocketRecord | undefined,
  socket: NodeSocket,
  aborts: boolean,
): void {
  if (record === undefined || (record.flags & FLAG.open) === 0) return;
  try {
    // An accepted socket connects to nothing later, and 'close' finds its bytes for less.
    const isPlainServer = (record.flags & (FLAG.server | FLAG.tls)) === FLAG.server;
    if (!isPlainServer) countLastBytes(context.ledger, record, socket);
    if (!aborts && isClosedByGuard(socket)) noticeFreeSocketEnd(context, record);
    // An RST leaves nothing behind in the kernel that its addresses could find.
    if (aborts || record.tupleSlot >= 0) return;
    if (closedByPeer(record) || hasReadEof(socket)) return;
    captureAddresses(context, record, socket);
  } catch (error) {
    context.report('observer', error);
  }
}

/** The bytes of a socket that is being destroyed. Node has just asked a plain one's handle, which costs 0.1 us a count. */
function countLastBytes(ledger: Ledger, record: SocketRecord, socket: NodeSocket): void {
  const isPlain = (record.flags & FLAG.tls) === 0 && socket.encrypted !== true;
  const received = isPlain && socket.destroyed ? lastReceived(socket) : undefined;
  if (received !== undefined) ledger.countBytes(record, received, lastSent(socket) ?? 0);
  else if (socket._handle) countBytes(ledger, record, socket._handle);
}

/** The peer's FIN on an idle connection of an agent, which is closed for it and emits no 'end'. */
function noticeFreeSocketEnd({ ledger, now }: ObserveContext, record: SocketRecord): void {
  if ((record.flags & FLAG.firstFinMask) !== 0) return;
  record.flags |= FLAG.firstFinRemote;
  ledger.apply(record, EVENT.unreadEof, now());
}

function closedByPeer({ flags }: SocketRecord): boolean {
  const failure = flags & FLAG.failureMask;
  return (flags & FLAG.firstFinMask) === FLAG.firstFinRemote || (failure !== 0 && failure !== FLAG.failedProgram);
}

/** Whether the wildcard still stands for the local address. */
function isLocalOpen(ledger: Ledger, record: SocketRecord): boolean {
  if ((record.flags & FLAG.server) === 0 || !ledger.tuples.hasAnyLocal) return false;
  ledger.tuples.read(record.tupleSlot, SCRATCH);
  return isWildcard(SCRATCH, TUPLE.localAddress);
}

function takeLocal(context: ObserveContext, handle: NodeHandle): boolean {
  return localOf(handle, context.endpoint) && take(context, TUPLE.localAddress, TUPLE.localPort);
}

function takePeer(context: ObserveContext, handle: NodeHandle): boolean {
  return peerOf(handle, context.endpoint) === 'connected' && take(context, TUPLE.peerAddress, TUPLE.peerPort);
}

function take(context: ObserveContext, addressAt: number, portAt: number): boolean {
  const { address, port } = context.endpoint;
  if (address === undefined || port === undefined || !pack(address, context.tuple, addressAt)) return false;
  context.tuple[portAt] = port;
  return true;
}

/** Most often it is the address that was asked for before, which then need not be parsed again. */
function pack(address: string, into: Uint32Array, at: number): boolean {
  if (address !== lastAddress) {
    if (!packAddress(address, LAST, 0)) {
      lastAddress = '';
      return false;
    }
    lastAddress = address;
  }
  for (let index = 0; index < TUPLE.peerAddress; index++) into[at + index] = LAST[index] as number;
  return true;
}

let lastAddress = '';
const LAST = new Uint32Array(TUPLE_WORDS);

function copyLocal(from: Uint32Array, to: Uint32Array): void {
  for (let index = 0; index < TUPLE.peerAddress; index++) to[index] = from[index] as number;
  to[TUPLE.localPort] = from[TUPLE.localPort] as number;
}

function copyUpstream(context: ObserveContext, record: SocketRecord): void {
  const { ledger, tuple } = context;
  ledger.upstreams.read(record.upstream, UPSTREAM);
  for (let index = TUPLE.peerAddress; index < TUPLE.localPort; index++) tuple[index] = UPSTREAM[index] as number;
  tuple[TUPLE.peerPort] = UPSTREAM[TUPLE.peerPort] as number;
}

const UPSTREAM = new Uint32Array(TUPLE_WORDS);
const SCRATCH = new Uint32Array(TUPLE_WORDS);
