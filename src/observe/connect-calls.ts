import net from 'node:net';
import { CHANNEL, listenTo } from './channels.ts';
import type { ObserveContext } from './context.ts';
import { isProxied, isSocket, type NodeSocket } from './node-socket.ts';

// Where client sockets come from. Node 24 and 26, and later versions of 22, publish every connect() on a channel; before,
// on Node 20 above all, only those of net.connect(): not new Socket().connect(), not TLS, not a reconnect. There
// Socket.prototype.connect is wrapped, the one function of Node's public face that finwait ever replaces.

/**
 * Called when a socket is about to connect, before Node has done anything for it. The destination is known only where
 * connect() itself is seen.
 */
export type ConnectListener = (socket: NodeSocket, destination: Destination | undefined) => void;

/** One connect(), as the channel publishes it; the wrap adds where to. */
interface ConnectCall {
  readonly socket: object;
  readonly destination?: Destination | undefined;
}

type CallListener = (call: ConnectCall) => void;

/** What a program asked to connect to. */
export interface Destination {
  /** As the program gave it: a name or an address. */
  readonly host: string;
  readonly port: number;
}

type Connect = (this: object, ...values: unknown[]) => unknown;
type WrappedConnect = Connect & { readonly [WRAP]?: ConnectWrap };

/** The wrap in force, one for the process: two copies of finwait use it together, and the last one takes it away. */
interface ConnectWrap {
  listeners: readonly CallListener[];
  restore: () => void;
}

const WRAP = Symbol.for('finwait.connect.1');

/**
 * Calls back for every connect() of a net.Socket that a monitor may observe, TLS and reconnects included. Returns the
 * function that ends it.
 *
 * @example const stop = noticeConnects(context, (socket) => attach(socket))
 */
export function noticeConnects(context: ObserveContext, listener: ConnectListener): () => void {
  const report = (error: unknown): void => context.report('observer', error);
  const prototype = net.Socket.prototype as unknown as { connect: WrappedConnect };
  const call = ({ socket, destination }: ConnectCall): void => {
    // A proxy's traps would see whatever is asked of it, so that is asked first.
    if (isProxied(socket) || !isSocket(socket) || context.excluded.has(socket)) return;
    listener(socket, destination);
  };
  if (isPublished(prototype.connect)) return listenTo<ConnectCall>(CHANNEL.connect, call, report);
  return wrap(prototype, (seen) => {
    try {
      call(seen);
    } catch (error) {
      report(error);
    }
  });
}

/** Whether this connect() publishes each call itself. Read off its text, because a trial would show on the channel. */
function isPublished(connect: WrappedConnect): boolean {
  return connect[WRAP] === undefined && Function.prototype.toString.call(connect).includes('netClientSocketChannel');
}

function wrap(prototype: { connect: WrappedConnect }, listener: CallListener): () => void {
  const active = prototype.connect[WRAP] ?? wrapConnect(prototype);
  active.listeners = [...active.listeners, listener];
  return () => {
    active.listeners = active.listeners.filter((other) => other !== listener);
    if (active.listeners.length === 0) active.restore();
  };
}

function wrapConnect(prototype: { connect: WrappedConnect }): ConnectWrap {
  const original = prototype.connect;
  const created: ConnectWrap = { listeners: [], restore: () => undefined };
  function connect(this: object): unknown {
    // biome-ignore lint/complexity/noArguments: the program's own arguments, as they came
    const values = arguments;
    const destination = created.listeners.length > 0 ? readDestination(values[0], values[1]) : null;
    if (destination !== null) for (const listener of created.listeners) listener({ socket: this, destination });
    return Reflect.apply(original, this, values);
  }
  for (const key of ['name', 'length'] as const) {
    Object.defineProperty(connect, key, { value: original[key], configurable: true });
  }
  Object.defineProperty(connect, WRAP, { value: created });
  prototype.connect = connect;
  created.restore = () => {
    // Where somebody wrapped ours it stays below theirs, and passes through.
    if (prototype.connect === connect) prototype.connect = original;
  };
  return created;
}

/** What stands in an options object may be a getter of the program, and throw. */
function readDestination(first: unknown, second: unknown): Destination | null | undefined {
  try {
    return destinationOf(first, second);
  } catch {
    return undefined;
  }
}

/**
 * Where the arguments of connect() lead: `(port, host)`, `(options)`, or the array that Node makes of either; null to a
 * pipe, undefined where they say nothing. Node checks them only after this.
 *
 * @example destinationOf(6379, 'cache') // { host: 'cache', port: 6379 }
 */
export function destinationOf(first: unknown, second: unknown): Destination | null | undefined {
  if (Array.isArray(first)) return destinationOf(first[0], first[1]);
  if (typeof first === 'object' && first !== null) {
    const { path, host, port } = first as { path?: unknown; host?: unknown; port?: unknown };
    return path ? null : destination(host, port);
  }
  if (typeof first === 'string' && !isPort(first)) return null;
  return destination(second, first);
}

function destination(host: unknown, port: unknown): Destination | undefined {
  if (!isPort(port)) return undefined;
  return { host: typeof host === 'string' && host !== '' ? host : 'localhost', port: Number(port) };
}

/** Node refuses anything else, as it does a string that is all blank. */
function isPort(port: unknown): boolean {
  if (typeof port !== 'number' && (typeof port !== 'string' || port.trim() === '')) return false;
  const value = Number(port);
  return Number.isInteger(value) && value >= 0 && value <= 65_535;
}
