import { FLAG, type SocketRecord } from '../sockets/record.ts';
import type { SocketFlags } from '../sockets/socket-flags.ts';
import { hasReadEof, isEofUnread, type NodeSocket, unreadBytes, unsentBytes } from './node-socket.ts';

/** Reads the flags of an open socket. */
export function socketFlagsOf(socket: NodeSocket): SocketFlags {
  const eofRead = hasReadEof(socket);
  return {
    isReading: socket._handle?.reading,
    eofRead,
    endEmitted: eofRead && !isEofUnread(socket),
    unreadInNode: unreadBytes(socket),
    writableEnded: socket._writableState?.ending === true,
    writableFinished: socket._writableState?.finished === true,
    unsentInNode: unsentBytes(socket),
  };
}

/** Whether HTTP still has something to do on a connection: a request or an answer that is not complete. */
export function isServing(record: SocketRecord, socket: NodeSocket): boolean {
  if ((record.flags & FLAG.upgraded) !== 0) return false;
  if ((record.flags & (FLAG.active | FLAG.connecting)) !== 0 || socket._httpMessage) return true;
  const incoming = socket.parser?.incoming;
  return incoming !== undefined && incoming !== null && incoming.complete !== true;
}

/** Whether a client connection of HTTP waits in a pool for its next request. */
export function isPooled(record: SocketRecord, socket: NodeSocket): boolean {
  const isServer = (record.flags & FLAG.server) !== 0;
  return !isServer && record.requests > 0 && (record.flags & FLAG.upgraded) === 0 && !isServing(record, socket);
}
