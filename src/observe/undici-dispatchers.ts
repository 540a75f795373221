// What finwait reads of undici's dispatchers beyond their public face: plain fields under private symbols, which are
// found by their description. Checked with undici 6.24, 6.28, 6.29, 7.29, 7.30, 8.10 and 8.12, npm's and those built
// into Node 20, 22, 24 and 26; where a field is missing, the answer is "unknown", never an exception.

import type { Destination } from './connect-calls.ts';

/** A Client of undici: one connection, and the requests that wait for it. */
export type UndiciClient = object;

/** What is met on a walk, from above to below and the newest first. */
export interface Visitor {
  /** A client; returning true ends the walk. */
  client(client: UndiciClient): boolean;
  /** The client or pool of one origin that an Agent or the program made, which an Agent may drop before it is closed. */
  origin?(dispatcher: object): void;
  /** A pool, with the number of requests that no client of it has yet. */
  pool?(pool: object, queued: number): void;
}

/**
 * Where the dispatchers below one are kept. Agent: a Map by origin of dispatchers (6) or of `{ dispatcher }` (7, 8); Pool
 * and BalancedPool: an array; ProxyAgent: an Agent, whose pools connect through the client or pool of the proxy;
 * EnvHttpProxyAgent: three agents; MockAgent: the one that it mocks; Socks5ProxyAgent: a Map of pools.
 */
const CHILDREN: ReadonlySet<string | undefined> = new Set([
  'clients',
  'proxy agent',
  'proxy client',
  'no proxy agent',
  'http proxy agent',
  'https proxy agent',
  'agent',
  'pools',
]);

/** undici 6 and 7 keep the dispatcher of fetch under the first; 7 and 8 under both, where 8 wraps that of the first. */
const GLOBALS: readonly symbol[] = [Symbol.for('undici.globalDispatcher.2'), Symbol.for('undici.globalDispatcher.1')];

/** The dispatchers that fetch uses if it is given none. None before the first fetch: reading this loads nothing. */
export function globalDispatchers(): readonly object[] {
  const world = globalThis as unknown as { readonly [key: symbol]: unknown };
  return GLOBALS.map((key) => world[key]).filter(isObject);
}

/** Whether a dispatcher shows what is below it. RetryAgent, and what others wrote, does not. */
export function isReadable(dispatcher: object): boolean {
  return isClient(dispatcher) || childSymbolsOf(dispatcher).length > 0;
}

/**
 * Walks the clients below a dispatcher.
 *
 * @param host if given, pools and clients of another one are passed over
 * @returns whether the visitor ended the walk
 */
export function walkClients(dispatcher: object, host: string | undefined, visitor: Visitor): boolean {
  return walk(dispatcher, host, visitor, false, 0);
}

function walk(
  dispatcher: object,
  host: string | undefined,
  visitor: Visitor,
  isBelowOrigin: boolean,
  depth: number,
): boolean {
  if (depth > MAX_DEPTH) return false;
  const url = isBelowOrigin && host === undefined ? undefined : urlOf(dispatcher);
  // Only what has an origin can be of another.
  if (url !== undefined && host !== undefined && url.host !== host) return false;
  if (url !== undefined && !isBelowOrigin) visitor.origin?.(dispatcher);
  if (isClient(dispatcher)) return visitor.client(dispatcher);
  if (visitor.pool !== undefined) {
    const queued = read(dispatcher, 'queued');
    if (typeof queued === 'number') visitor.pool(dispatcher, queued);
  }
  for (const symbol of childSymbolsOf(dispatcher)) {
    const children = childrenOf((dispatcher as Fields)[symbol]);
    for (let index = children.length - 1; index >= 0; index--) {
      const child = dispatcherOf(children[index]);
      if (child !== undefined && walk(child, host, visitor, isBelowOrigin || url !== undefined, depth + 1)) return true;
    }
  }
  return false;
}

/**
 * Whether there is a client below a dispatcher that nobody can see, and that connects to a host: ProxyAgent speaks to an
 * `http:` origin through one (undici 8; 6 and 7 with `proxyTunnel: false`), all of them to the address of the proxy.
 */
export function isHiddenProxy(dispatcher: object, host: string, depth: number = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  const proxy = read(dispatcher, 'proxy agent options') as { readonly uri?: unknown } | undefined;
  const uri = proxy?.uri;
  if (typeof uri === 'string' && URL.canParse(uri) && new URL(uri).host === host) return true;
  return PROXIES.some((description) => {
    const child = read(dispatcher, description);
    return isObject(child) && isHiddenProxy(child, host, depth + 1);
  });
}

const PROXIES: readonly string[] = ['http proxy agent', 'https proxy agent', 'agent'];
/** Proxies in proxies: what is deeper is a ring. */
const MAX_DEPTH = 8;

/** All of them are set by the constructors. */
function childSymbolsOf(dispatcher: object): readonly symbol[] {
  const kind: unknown = dispatcher.constructor;
  const known = typeof kind === 'function' ? childSymbols.get(kind) : undefined;
  if (known !== undefined) return known;
  const own = Object.getOwnPropertySymbols(dispatcher).filter(({ description }) => CHILDREN.has(description));
  if (typeof kind === 'function' && own.length > 0) childSymbols.set(kind, own);
  return own;
}

const childSymbols = new WeakMap<object, readonly symbol[]>();

function childrenOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.values()];
  return isObject(value) ? [value] : NONE;
}

/** Older versions hold the dispatchers of an agent weakly. */
function dispatcherOf(value: unknown): object | undefined {
  if (value instanceof WeakRef) return value.deref();
  if (!isObject(value)) return undefined;
  const { dispatcher } = value as { readonly dispatcher?: unknown };
  return isObject(dispatcher) ? dispatcher : value;
}

function isClient(dispatcher: object): boolean {
  return typeof read(dispatcher, 'pending index') === 'number';
}

/** Whether a client is the one that calls a connector at this moment: 6 shares one connector among all clients of a pool. */
export function isCalling(client: UndiciClient, connector: unknown): boolean {
  return read(client, 'connector') === connector && readLate(client, 'connecting') === true;
}

/** Whether a client is on the stack, and with it the connector that it calls; undefined where nobody can tell. */
export function isOnStack(client: UndiciClient): boolean | undefined {
  const resuming = read(client, 'resuming');
  return typeof resuming === 'number' ? resuming === RESUMING : undefined;
}

/** undici: "0, idle, 1, scheduled, 2 resuming". */
const RESUMING = 2;

/** The requests that a client has not sent yet. */
export function pendingOf(client: UndiciClient): number {
  const queue = read(client, 'queue');
  const next = read(client, 'pending index');
  return Array.isArray(queue) && typeof next === 'number' ? Math.max(0, queue.length - next) : 0;
}

/** The client's connection, while it has one. */
export function socketOf(client: UndiciClient): object | undefined {
  const socket = readLate(client, 'socket');
  return isObject(socket) ? socket : undefined;
}

/** The client that a connection of undici belongs to. */
export function clientOf(socket: object): UndiciClient | undefined {
  const client = readLate(socket, 'client');
  return isObject(client) && isClient(client) ? client : undefined;
}

/** The origin of a client or pool, such as `http://cache:8080`. */
export function urlOf(dispatcher: object): URL | undefined {
  const url = read(dispatcher, 'url');
  return url instanceof URL ? url : undefined;
}

/** What a client of an origin connects to. */
export function destinationOf({ hostname, port, protocol }: URL): Destination {
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return { host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
}

type Fields = { readonly [key: symbol]: unknown };

/**
 * By class and description, the symbol under which dispatchers keep a field; undefined where they have none. Only for
 * what their constructors set.
 */
const symbols = new WeakMap<object, Map<string, symbol | undefined>>();

function read(dispatcher: object, description: string): unknown {
  const kind: unknown = dispatcher.constructor;
  if (typeof kind !== 'function') return readLate(dispatcher, description);
  let known = symbols.get(kind);
  if (known === undefined) {
    known = new Map();
    symbols.set(kind, known);
  }
  if (!known.has(description)) known.set(description, symbolOf(dispatcher, description));
  const symbol = known.get(description);
  return symbol === undefined ? undefined : (dispatcher as Fields)[symbol];
}

/** The same of a field that comes and goes, or that several copies of undici put on objects of one class. */
function readLate(target: object, description: string): unknown {
  const symbol = symbolOf(target, description);
  return symbol === undefined ? undefined : (target as Fields)[symbol];
}

function symbolOf(target: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(target).find((each) => each.description === description);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

const NONE: readonly never[] = [];
