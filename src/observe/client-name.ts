import { FLAG, type SocketRecord } from '../sockets/record.ts';
import { packAddress, TUPLE_WORDS } from '../sockets/tuple.ts';
import { type Destination, destinationOf } from './connect-calls.ts';
import type { ObserveContext } from './context.ts';
import { connectOptionsOf, type NodeSocket, peerOf } from './node-socket.ts';

/**
 * Names a client and counts the connect operation under way, if there is one. A name stays: what was chosen before, or
 * what an earlier attempt of the operation got.
 *
 * @param host as the program gave it; undefined where it gave an address, or nobody knows
 */
export function nameClient(
  context: ObserveContext,
  record: SocketRecord,
  socket: NodeSocket,
  host: string | undefined,
  port: number,
  at: number,
): void {
  if (record.slot < 0) {
    const chosen = chosenName(context, socket, host, port);
    context.ledger.assign(record, 'client', chosen ?? clientName(host, port), chosen !== undefined, at);
  }
  context.ledger.countConnect(record);
}

/** The same for a client whose attempt was not seen, after the peer it is connected to. */
export function nameByPeer(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): void {
  const { endpoint } = context;
  const isKnown = record.slot < 0 && socket._handle && peerOf(socket._handle, endpoint) === 'connected';
  nameClient(context, record, socket, hostOf(record, socket), isKnown ? (endpoint.port ?? 0) : 0, at);
  record.flags |= FLAG.hostStale;
}

/**
 * Names an operation that has failed, or still waits for its first attempt. Where it goes is known from connect(), from
 * the options of TLS or the agent of HTTP, from an error of the kernel, or from connections to the same host before.
 */
export function nameByDestination(
  context: ObserveContext,
  record: SocketRecord,
  socket: NodeSocket,
  at: number,
  port: number | undefined = undefined,
): void {
  const known = destinationOfWaiting(context, record, socket);
  const host = known?.host ?? hostOf(record, socket);
  // The name that the socket had when it was connected before is the best guess only where nothing is known.
  if (host !== undefined) forgetName(record);
  nameClient(context, record, socket, host, port ?? known?.port ?? portOf(host), at);
}

/** Takes the name off a socket that connects again, unless the program chose it or something is counted under it. */
export function forgetName(record: SocketRecord): void {
  const isUsed = record.index >= 0 && record.transition >= 0;
  if (!isUsed && (record.flags & (FLAG.named | FLAG.connectCounted)) === 0) record.slot = -1;
}

/** Whether an operation that waits for its first attempt can be given the name that it will have then. */
export function isNameable(context: ObserveContext, record: SocketRecord, socket: NodeSocket): boolean {
  if ((record.flags & FLAG.named) !== 0) return true;
  return destinationOfWaiting(context, record, socket) !== undefined;
}

/** Where an operation goes that has had no attempt yet, if that is certain. */
function destinationOfWaiting(
  context: ObserveContext,
  record: SocketRecord,
  socket: NodeSocket,
): Destination | undefined {
  if (!context.waiting.has(record)) return undefined;
  return context.waiting.get(record) ?? tlsDestination(socket) ?? agentDestination(socket);
}

/** What tls.connect() was given, and with it https and undici. */
function tlsDestination(socket: NodeSocket): Destination | undefined {
  if (socket.encrypted !== true) return undefined;
  const options = connectOptionsOf(socket);
  return options === undefined ? undefined : (destinationOf(options, undefined) ?? undefined);
}

/** What the agent of HTTP was given: it keeps the socket under `host:port:localAddress` and more. */
function agentDestination(socket: NodeSocket): Destination | undefined {
  const { host, agent } = socket._httpMessage ?? {};
  const pools = agent?.sockets ?? {};
  const key = Object.keys(pools).find((each) => each.startsWith(`${host}:`) && pools[each]?.includes(socket) === true);
  if (key === undefined || typeof host !== 'string') return undefined;
  return destinationOf(Number.parseInt(key.slice(host.length + 1), 10), host) ?? undefined;
}

/** The host that the program gave to this connect(), if it was looked up. */
export function hostOf(record: SocketRecord, socket: NodeSocket): string | undefined {
  return (record.flags & FLAG.hostStale) === 0 ? (socket._host ?? undefined) : undefined;
}

/** Remembers to which port a host is connected, because nobody tells where a name that does not resolve was to lead. */
export function rememberPort(host: string, port: number): void {
  const known = portByHost.get(host);
  if (known === port || known === SEVERAL) return;
  if (known === undefined && portByHost.size === MAX_HOSTS) portByHost.clear();
  portByHost.set(host, known === undefined ? port : SEVERAL);
}

const MAX_HOSTS = 1_000;
/** In the place of a port: the host is connected to more than one, and which was meant nobody knows. */
const SEVERAL = 0;
const portByHost = new Map<string, number>();

/** 0 where it is not known. */
function portOf(host: string | undefined): number {
  return host === undefined ? 0 : (portByHost.get(host) ?? 0);
}

function chosenName(
  context: ObserveContext,
  socket: NodeSocket,
  host: string | undefined,
  port: number,
): string | undefined {
  for (const namer of context.namers) {
    const name = namer(socket, host, port);
    if (name !== undefined) return name;
  }
  return context.nameOf?.(host, port);
}

/**
 * The default name of a client socket: the host as the program gave it, and the port; never an address. Without the port
 * where nobody knows it.
 */
function clientName(host: string | undefined, port: number): string {
  // One string for all sockets to one upstream: a new one would have to be hashed to be looked up.
  const known = nameByHost.get(host);
  if (known !== undefined && known.port === port) return known.name;
  const shown = host !== undefined && host !== '' && !isAddress(host) ? host : 'ip';
  const name = port === 0 ? shown : `${shown}:${port}`;
  if (known === undefined && nameByHost.size === MAX_HOSTS) nameByHost.clear();
  nameByHost.set(host, { port, name });
  return name;
}

/** The newest name of each host. */
const nameByHost = new Map<string | undefined, { readonly port: number; readonly name: string }>();

function isAddress(host: string): boolean {
  return packAddress(host, ADDRESS_SCRATCH, 0);
}

const ADDRESS_SCRATCH = new Uint32Array(TUPLE_WORDS);
