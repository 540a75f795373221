import { FLAG, type SocketRecord } from '../sockets/record.ts';
import type { SocketKind } from '../sockets/socket-kind.ts';
import { hasHttp2Session, isHttpServer, isProxied, isTlsServer, type NodeSocket, serverOf } from './node-socket.ts';

/**
 * What a socket is to the program, by what is on record and Node's own fields: nothing of the program's is called.
 * `http` is HTTP/1, over TLS too; a client of HTTP/2 is a `client`, unless undici's. `unknown` where it cannot be read.
 */
export function kindOf(record: SocketRecord, socket: NodeSocket): SocketKind {
  try {
    if ((record.flags & FLAG.upgraded) !== 0) return record.request?.startsWith('CONNECT ') ? 'connect' : 'upgraded';
    return (record.flags & FLAG.server) !== 0 ? kindOfAccepted(record, socket) : kindOfClient(record, socket);
  } catch {
    return 'unknown';
  }
}

function kindOfAccepted({ flags }: SocketRecord, socket: NodeSocket): SocketKind {
  if (socket.alpnProtocol === 'h2' || hasHttp2Session(socket)) return 'http2';
  if (socket._httpMessage || socket.parser) return 'http';
  // Node takes the parser away where it hands the connection over: before anybody watched, or there would be a flag.
  if (socket.parser === null && socket._readableState?.destroyed !== true) return 'upgraded';
  const server = serverOf(socket);
  const known = server === undefined || isProxied(server) ? {} : server;
  // Until its handshake is complete, an https connection is a plain socket of that server.
  if (isHttpServer(known)) return 'http';
  return (flags & FLAG.tls) !== 0 || socket.encrypted === true || isTlsServer(known) ? 'tls' : 'net';
}

function kindOfClient({ flags }: SocketRecord, socket: NodeSocket): SocketKind {
  if ((flags & FLAG.undici) !== 0) return 'undici';
  // http.Agent listens to 'agentRemove' as long as a socket is its own, in use or idle; nothing else has that event.
  return socket._events?.agentRemove === undefined ? 'client' : 'agent';
}
