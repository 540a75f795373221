import { FLAG, type SocketRecord } from '../sockets/record.ts';
import { packAddress, TUPLE_WORDS } from '../sockets/tuple.ts';
import type { ObserveContext } from './context.ts';
import { type NodeSocket, peerOf } from './node-socket.ts';

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
  context.unnamed.delete(record);
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
 * Names an operation that has failed, or that still looks a name up: where it goes is known from connect(), from an
 * error of the kernel, or from connections to the same host before.
 */
export function nameByDestination(
  context: ObserveContext,
  record: SocketRecord,
  socket: NodeSocket,
  at: number,
  port: number | undefined = undefined,
): void {
  const destination = context.unnamed.get(record);
  const host = destination?.host ?? hostOf(record, socket);
  nameClient(context, record, socket, host, port ?? destination?.port ?? portOf(host), at);
}

/** The host that the program gave to this connect(), if it was looked up. */
export function hostOf(record: SocketRecord, socket: NodeSocket): string | undefined {
  return (record.flags & FLAG.hostStale) === 0 ? (socket._host ?? undefined) : undefined;
}

/** Remembers to which port a host is connected, because nobody tells where a name that does not resolve was to lead. */
export function rememberPort(host: string | undefined, port: number): void {
  if (host === undefined || portByHost.get(host) === port) return;
  if (portByHost.size === MAX_HOSTS) portByHost.clear();
  portByHost.set(host, port);
}

/** Whether it is known to which port a host is connected. */
export function isKnownHost(host: string | undefined): boolean {
  return host !== undefined && portByHost.has(host);
}

const MAX_HOSTS = 1_000;
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
  if (host === lastHost && port === lastPort) return lastName;
  const shown = host !== undefined && host !== '' && !isAddress(host) ? host : 'ip';
  lastName = port === 0 ? shown : `${shown}:${port}`;
  lastHost = host;
  lastPort = port;
  return lastName;
}

let lastHost: string | undefined;
let lastPort = -1;
let lastName = '';

function isAddress(host: string): boolean {
  return packAddress(host, ADDRESS_SCRATCH, 0);
}

const ADDRESS_SCRATCH = new Uint32Array(TUPLE_WORDS);
