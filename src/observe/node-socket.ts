// What finwait reads of a net.Socket and a net.Server beyond their public face. All of it is private to Node and was
// checked on Node 20, 22, 24 and 26; where a field is missing, the answer is "unknown", never an exception.
import net from 'node:net';
import { types } from 'node:util';

/** A libuv TCP or TLS handle. */
export interface NodeHandle {
  readonly reading?: boolean;
  readonly fd?: number;
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
  /** What libuv gives the bytes to. */
  readonly onread?: { readonly name?: string };
  /** Of a TLSWrap: the handle below it, and the socket that handle belonged to. */
  readonly _parent?: NodeHandle | null;
  readonly _parentWrap?: object | null;
  getpeername?(out: EndpointOut): number;
  getsockname?(out: EndpointOut): number;
}

/** What getpeername and getsockname of a handle fill in. */
export interface EndpointOut {
  address?: string;
  port?: number;
  family?: string;
}

/** The fields of a net.Socket that finwait reads. */
export interface NodeSocket {
  readonly connecting: boolean;
  readonly destroyed: boolean;
  readonly closed?: boolean;
  readonly readableEnded: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  readonly allowHalfOpen: boolean;
  readonly errored?: Error | null;
  readonly bytesRead: number;
  readonly _bytesDispatched?: number;
  readonly _handle: NodeHandle | null | undefined;
  readonly _host?: string | null;
  readonly _parent?: object | null;
  readonly _readableState?: NodeReadableState;
  readonly _writableState?: NodeWritableState;
  /** By event: a listener, or several. */
  readonly _events?: { readonly [event in 'agentRemove' | 'data' | 'end' | 'readable']?: unknown };
  /** Of HTTP/1: null once the connection has left it, and with a client while it is idle. */
  readonly parser?: { readonly incoming?: NodeIncomingMessage | null } | null;
  readonly encrypted?: boolean;
  /** Of a TLSSocket: true until its handshake is complete. */
  readonly secureConnecting?: boolean;
  /** Of a TLSSocket: the protocol that both ends agreed on. */
  readonly alpnProtocol?: string | false | null;
  readonly server?: object | null;
  /** The ClientRequest or ServerResponse that uses the socket now. */
  readonly _httpMessage?: NodeHttpMessage | null;
}

/** The fields of an IncomingMessage that finwait reads. */
export interface NodeIncomingMessage {
  readonly complete?: boolean;
  readonly method?: unknown;
  readonly url?: unknown;
}

/** What Node knows of the readable half of a stream. Its own, unlike the getters of the prototype. */
export interface NodeReadableState {
  readonly ended?: boolean;
  readonly endEmitted?: boolean;
  readonly length?: number;
  readonly flowing?: boolean | null;
  /** Somebody listens to 'readable': it does not flow, and is not paused. */
  readonly readableListening?: boolean;
  readonly destroyed?: boolean;
  /** The streams that it is piped into. */
  readonly pipes?: readonly object[];
}

/** The same of the writable half. */
export interface NodeWritableState {
  readonly length?: number;
  /** end() was called. */
  readonly ending?: boolean;
  readonly finished?: boolean;
  readonly needDrain?: boolean;
  readonly destroyed?: boolean;
}

/** The fields of a ClientRequest or ServerResponse that finwait reads. */
export interface NodeHttpMessage {
  /** Of a ServerResponse: what it answers. */
  readonly req?: object | null;
  /** Of a ClientRequest. */
  readonly method?: unknown;
  /** Whether the connection may serve another request. */
  readonly shouldKeepAlive?: boolean;
  /** Of a ClientRequest: it left HTTP by an upgrade or CONNECT. */
  readonly upgradeOrConnect?: boolean;
  /** Of a ClientRequest: its answer, once that has begun. */
  readonly res?: { readonly complete?: boolean; readonly rawHeaders?: readonly string[] } | null;
  /** Of a ClientRequest: the host as the program gave it. */
  readonly host?: unknown;
  /** Of a ClientRequest: the agent whose connection it uses, with the connections in use by `host:port:...`. */
  readonly agent?: { readonly sockets?: Readonly<Record<string, readonly unknown[] | undefined>> } | null;
}

/** The fields of a net.Server that finwait reads. */
export interface NodeServer {
  readonly listening: boolean;
  readonly _handle: NodeHandle | null | undefined;
  /** Of an http.Server, in milliseconds. */
  readonly keepAliveTimeout?: number;
  address(): { readonly address: string; readonly port: number } | string | null;
}

const ENOTCONN = -107;

/** A handle whose kernel socket is TCP: neither a pipe nor a stream that only looks like a socket. */
export function isTcpHandle(handle: NodeHandle | null | undefined): handle is NodeHandle {
  if (handle === null || handle === undefined) return false;
  const kind = handle.constructor;
  if (kind === tcpClass) return true;
  // The handle below a TLSWrap may be a pipe's, or over a Duplex no real one. It is there before the descriptor is.
  if (kind.name === 'TLSWrap') return isTcpHandle(handle._parent);
  if (kind.name !== 'TCP') return false;
  tcpClass = kind;
  return true;
}

/** The last class that was found to be libuv's: asking a class for its name is dear, and there is only one. */
let tcpClass: unknown;

/** The standard streams of the process: shared with whoever started it, so their events prove nothing. */
export function isStandardStream(handle: NodeHandle): boolean {
  const fd = descriptorOf(handle);
  return fd >= 0 && fd <= 2;
}

/** Whether libuv has opened the descriptor: at bind(2), else at connect(2). */
export function hasDescriptor(handle: NodeHandle): boolean {
  return descriptorOf(handle) >= 0;
}

/** Read once: it is a getter in C++. */
function descriptorOf({ fd }: NodeHandle): number {
  return typeof fd === 'number' ? fd : -1;
}

/** Whether a socket never had a handle: connect() makes one, unless it throws before. */
export function isUntouched(socket: NodeSocket): boolean {
  if (socket._handle) return false;
  asyncId ??= symbolOf(socket, 'async_id_symbol');
  // Node gives a number for the handle.
  return asyncId !== undefined && (socket as BySymbol)[asyncId] === -1;
}

/** The options of tls.connect(), if that made the socket; a copy of the program's, so nothing in them is a getter. */
export function connectOptionsOf(socket: NodeSocket): object | undefined {
  connectOptions ??= symbolOf(socket, 'connect-options');
  const options = connectOptions && (socket as BySymbol)[connectOptions];
  return typeof options === 'object' && options !== null ? options : undefined;
}

/** The bytes that destroy() found in the handle of a plain socket, a moment before it closed that; undefined elsewhere. */
export function lastReceived(socket: NodeSocket): number | undefined {
  bytesRead ??= symbolOf(socket, 'kBytesRead');
  // Here and below and not in a function of their own: V8 is fast where one place asks for one key.
  return bytesRead && numberOf((socket as BySymbol)[bytesRead]);
}

/** The same of what was sent. */
export function lastSent(socket: NodeSocket): number | undefined {
  bytesWritten ??= symbolOf(socket, 'kBytesWritten');
  return bytesWritten && numberOf((socket as BySymbol)[bytesWritten]);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

interface BySymbol extends NodeSocket {
  readonly [key: symbol]: unknown;
}

/** One of Node's own symbols, found on the first socket that has it: there is one for all. */
function symbolOf(object: object, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(object).find(({ description }) => description === name);
}

/** What stands under one of Node's own symbols, or before a major introduced that, under the name of a public field. */
function fieldOf(object: object, name: string, symbolName: string): unknown {
  if (Object.hasOwn(object, name)) return (object as Readonly<Record<string, unknown>>)[name];
  const symbol = symbolOf(object, symbolName);
  return symbol && (object as Readonly<Record<symbol, unknown>>)[symbol];
}

/** The path of a ClientRequest, with the query: since Node 24 its `path` is a getter. */
export function pathOf(request: object): string | undefined {
  const path = fieldOf(request, 'path', 'kPath');
  return typeof path === 'string' ? path : undefined;
}

/** The socket of a ClientRequest, a ServerResponse or an IncomingMessage: since Node 22 that of the first two is a getter. */
export function socketOfMessage(message: object): object | undefined {
  const socket = fieldOf(message, 'socket', 'kSocket');
  return typeof socket === 'object' && socket !== null ? socket : undefined;
}

/** Whether a server of HTTP/2 has made a session of a socket: it then leaves itself there. A client's leaves nothing. */
export function hasHttp2Session(socket: object): boolean {
  const symbol = symbolOf(socket, 'server');
  return symbol !== undefined && isServer((socket as Readonly<Record<symbol, unknown>>)[symbol]);
}

let asyncId: symbol | undefined;
let connectOptions: symbol | undefined;
let bytesRead: symbol | undefined;
let bytesWritten: symbol | undefined;

/**
 * Whether a program shows a socket or a server behind a proxy. Its traps would see whatever is read, and the events are
 * those of the socket behind it, which nobody can ask for: it is left alone, as http2's `session.socket` must be.
 */
export function isProxied(value: unknown): boolean {
  return types.isProxy(value);
}

export function isSocket(value: unknown): value is NodeSocket {
  return value instanceof net.Socket;
}

export function isServer(value: unknown): value is NodeServer {
  return value instanceof net.Server;
}

/**
 * The handle that counts the bytes of the wire, as the raw socket below a TLSSocket does when both are closed: a TLSWrap
 * counts plain text.
 */
export function wireOf(handle: NodeHandle): NodeHandle {
  let wire = handle;
  while (wire._parent) wire = wire._parent;
  return wire;
}

/** Whether a server speaks TLS. Told by a method, because importing node:tls would load OpenSSL for every program. */
export function isTlsServer(server: object): boolean {
  return typeof (server as { setSecureContext?: unknown }).setSecureContext === 'function';
}

/** Whether a server speaks HTTP/1. Told by a property, because importing node:http would load it for every program. */
export function isHttpServer(server: { readonly keepAliveTimeout?: unknown }): boolean {
  return typeof server.keepAliveTimeout === 'number';
}

/** Whether read(2) returned 0, seen by Node even while unread bytes keep 'end' back. */
export function hasReadEof(socket: NodeSocket): boolean {
  return socket._readableState?.ended === true;
}

/** Whether that end has not been emitted yet. */
export function isEofUnread(socket: NodeSocket): boolean {
  return socket._readableState?.ended === true && socket._readableState.endEmitted === false;
}

/** Bytes that Node has read and the program has not; after setEncoding() Node counts characters instead. */
export function unreadBytes(socket: NodeSocket): number {
  return lengthOf(socket._readableState);
}

/** Bytes that the program has written and the kernel has not taken, libuv's own queue included. */
export function unsentBytes(socket: NodeSocket): number {
  return lengthOf(socket._writableState);
}

/** The stream's own counter, not `readableLength`: a getter of the prototype, which a program may have replaced. */
function lengthOf(state: { readonly length?: number } | undefined): number {
  const length = state?.length;
  return typeof length === 'number' && length > 0 ? length : 0;
}

/** Whether a FIN or an RST would stay unseen, because the handle is not reading. */
export function isBlind(handle: NodeHandle): boolean {
  return handle.reading === false;
}

/**
 * What the kernel says of the connection behind a handle, by getpeername(2) into an object of our own: reading
 * `socket.remoteAddress` would cache the address and change what the program reads later.
 */
export function peerOf(handle: NodeHandle, out: EndpointOut): 'connected' | 'not-connected' | 'unknown' {
  if (typeof handle.getpeername !== 'function') return 'unknown';
  const errno = handle.getpeername(out);
  return errno === 0 ? 'connected' : errno === ENOTCONN ? 'not-connected' : 'unknown';
}

/** The socket's own endpoint; false when it cannot be had. */
export function localOf(handle: NodeHandle, out: EndpointOut): boolean {
  return typeof handle.getsockname === 'function' && handle.getsockname(out) === 0;
}

/** The raw socket below a TLSSocket, or undefined. */
export function rawSocketOf(socket: NodeSocket): object | undefined {
  return socket._handle?._parentWrap ?? socket._parent ?? undefined;
}

/** The server that accepted a socket, or the socket below it. */
export function serverOf(socket: NodeSocket): object | undefined {
  return socket.server ?? (rawSocketOf(socket) as NodeSocket | undefined)?.server ?? undefined;
}

/** Every handle that keeps the process alive; undocumented, but the only list there is of what came before us. */
export function activeHandles(): readonly unknown[] {
  const list = (process as { _getActiveHandles?: () => unknown[] })._getActiveHandles;
  return typeof list === 'function' ? list.call(process) : [];
}
