import { queueMicrotask } from '../globals.ts';
import { FLAG, type SocketRecord } from '../sockets/record.ts';
import { listenTo } from './channels.ts';
import { type Destination, noticeConnects } from './connect-calls.ts';
import type { NameOf, ObserveContext } from './context.ts';
import { isSocket, type NodeSocket } from './node-socket.ts';
import { adoptFound, leave, observeConnect, observeSocket, recordOf } from './socket.ts';
import type { Tap } from './tap.ts';
import { type UndiciRequest, undiciRequests } from './undici-channels.ts';
import {
  clientOf,
  destinationOf,
  globalDispatchers,
  isCalling,
  isHiddenProxy,
  isOnStack,
  socketOf,
  type UndiciClient,
  urlOf,
  walkClients,
} from './undici-dispatchers.ts';
import { undiciPools } from './undici-pools.ts';

/** undici's connections, of npm's and of the one that is built in as fetch: requests, pools, names. */
export interface UndiciObserver {
  /**
   * Follows the requests on all connections of the process that are observed. Returns the function that ends it.
   *
   * @param adopts whether the connections that the global dispatcher has already are observed too
   */
  followProcess(adopts: boolean): () => void;
  /**
   * Observes the connections of one dispatcher, or of whichever is the global one. Returns the function that ends it;
   * observing a dispatcher twice returns the first one's.
   */
  observe(dispatcher: object | undefined, nameOf: NameOf | undefined): () => void;
  /** Ends whatever is observed. */
  stop(): void;
}

/** A dispatcher that was shown to us, or the global ones. */
interface Root {
  readonly dispatchers: () => readonly object[];
  readonly nameOf: NameOf | undefined;
  /**
   * By host, the clients and pools that were seen below it: the Agent of undici 7 and 8 drops them when they have no
   * connection left, though requests may wait there for the next one.
   */
  readonly origins: Map<string, WeakRef<object>[]>;
}

/** A client of a root connects. */
interface Dial {
  readonly root: Root;
  /** Undefined where it is hidden. */
  readonly client: UndiciClient | undefined;
  readonly origin: URL;
}

/** What `undici:client:beforeConnect` and `undici:client:connected` carry, as far as it is read. */
interface ConnectMessage {
  readonly connectParams: { readonly host: string; readonly protocol: string };
  readonly connector: unknown;
  readonly socket?: unknown;
}

/** What the channels of requests carry. */
interface RequestMessage {
  readonly request: UndiciRequest;
  readonly socket: object;
  readonly response: { readonly statusCode?: unknown; readonly headers?: unknown };
}

/**
 * Creates the observer; `sockets` is the tap that all records share.
 *
 * @param isProcessObserved whether every socket of the process is observed already
 */
export function observeUndici(
  context: ObserveContext,
  sockets: Tap<SocketRecord>,
  isProcessObserved: () => boolean,
): UndiciObserver {
  const { ledger } = context;
  const requests = undiciRequests(context, sockets);
  const roots = new Set<Root>();
  /** What fetch uses; its connections are followed if they are observed, and named as all others. */
  const followed = rootOf(undefined, undefined);
  /** By the dispatcher; that of the global ones by `followed`. */
  const stops = new Map<object, () => void>();
  /** Whose a socket is, from its connect() on. */
  const dials = new WeakMap<object, Dial>();
  /** The client that calls its connector now: the next connect() is its. */
  let current: Dial | undefined;
  let unsubscribe: (() => void) | undefined;
  let isFollowing = false;

  const pools = undiciPools(context, {
    waiting: requests.waiting,
    *dispatchers() {
      for (const root of everyRoot()) for (const dispatcher of dispatchersOf(root)) yield [dispatcher, root.nameOf];
    },
  });

  function* everyRoot(): Generator<Root> {
    yield* roots;
    if (isFollowing) yield followed;
  }

  /** What was seen below a root, and what was shown to us. */
  function* dispatchersOf({ dispatchers, origins }: Root, host?: string): Generator<object> {
    for (const refs of host === undefined ? origins.values() : [origins.get(host) ?? []]) {
      for (const ref of refs) {
        const origin = ref.deref();
        if (origin !== undefined) yield origin;
      }
    }
    yield* dispatchers();
  }

  // ---- whose a connection is ----------------------------------------------------------------------------------------

  function beforeConnect({ connectParams, connector }: ConnectMessage): void {
    const origin = originOf(connectParams);
    current = dialOf(origin, (client) => isCalling(client, connector));
    // A connector that dials in a later turn is known by its connection only, once it has it.
    if (current !== undefined) queueMicrotask(forgetCurrent);
  }

  function forgetCurrent(): void {
    current = undefined;
  }

  function dialOf(origin: URL, isIt: (client: UndiciClient) => boolean): Dial | undefined {
    for (const root of everyRoot()) {
      for (const dispatcher of dispatchersOf(root, origin.host)) {
        let client: UndiciClient | undefined;
        walkClients(dispatcher, origin.host, {
          client(each) {
            if (isIt(each)) client = each;
            return client !== undefined;
          },
          origin: (each) => remember(root, each),
        });
        if (client !== undefined || isHiddenProxy(dispatcher, origin.host)) return { root, client, origin };
      }
    }
    return undefined;
  }

  function remember({ origins }: Root, dispatcher: object): void {
    const host = urlOf(dispatcher)?.host;
    if (host === undefined) return;
    const known = origins.get(host)?.filter((ref) => ref.deref() !== undefined) ?? [];
    if (known.some((ref) => ref.deref() === dispatcher)) return;
    if (origins.size >= MAX_HOSTS && !origins.has(host)) origins.clear();
    origins.set(host, [...known, new WeakRef(dispatcher)]);
  }

  function connectBegins(socket: NodeSocket, destination: Destination | undefined): void {
    const dial = current;
    if (dial === undefined) return;
    current = undefined;
    // The program's own connect(), after a connector that has not dialled yet.
    if (dial.client !== undefined && isOnStack(dial.client) === false) return;
    dials.set(socket, dial);
    if (dial.root === followed || isProcessObserved()) return;
    observeConnect(context, sockets, socket, destination ?? destinationOf(dial.origin), false);
  }

  function nameByDial(socket: object): string | undefined {
    const dial = dials.get(socket);
    if (dial === undefined) return undefined;
    const record = recordOf(sockets, socket);
    if (record !== undefined) pools.remember(record, dial.client, dial.origin.origin);
    return nameOf(dial);
  }

  function nameOf({ root, origin }: Dial): string | undefined {
    if (!roots.has(root)) return undefined;
    const { host, port } = destinationOf(origin);
    return root.nameOf?.(host, port);
  }

  function connected({ connectParams, socket }: ConnectMessage): void {
    if (!isSocket(socket)) return;
    const origin = originOf(connectParams);
    const client = clientOf(socket);
    const dial = dials.get(socket) ?? dialOf(origin, (each) => each === client);
    const record = dial === undefined ? recordOf(sockets, socket) : take(socket, dial);
    if (record === undefined) return;
    requests.connected(record);
    pools.remember(record, client, origin.origin);
  }

  /** Sees to it that a connection of a dispatcher that was shown to us is observed for it. */
  function take(socket: NodeSocket, dial: Dial): SocketRecord | undefined {
    dials.set(socket, dial);
    const known = recordOf(sockets, socket);
    if (dial.root === followed) return known;
    if (known === undefined) observeSocket(context, sockets, socket, nameOf(dial));
    const record = known ?? sockets.get(socket);
    if (record !== undefined) record.flags &= ~FLAG.found;
    return record;
  }

  /** Takes what a dispatcher is connected to already. */
  function adopt(root: Root): void {
    try {
      for (const dispatcher of root.dispatchers()) {
        walkClients(dispatcher, undefined, {
          client(client) {
            adoptClient(root, client);
            return false;
          },
          origin: (each) => remember(root, each),
        });
      }
    } catch (error) {
      report(error);
    }
  }

  function adoptClient(root: Root, client: UndiciClient): void {
    const socket = socketOf(client);
    const origin = urlOf(client);
    if (!isSocket(socket) || socket.destroyed || origin === undefined || context.excluded.has(socket)) return;
    if (root === followed) adoptFound(context, sockets, socket);
    const record = take(socket, { root, client, origin });
    if (record === undefined) return;
    record.flags |= FLAG.undici;
    pools.remember(record, client, origin.origin);
  }

  function leaveAll(root: Root): void {
    for (const record of [...ledger.records, ...context.waiting.keys()]) {
      const socket = record.socket as NodeSocket | undefined;
      if (socket === undefined || dials.get(socket)?.root !== root) continue;
      leave(context, sockets, record, socket, isProcessObserved());
    }
  }

  // ---- what is listened to ------------------------------------------------------------------------------------------

  function report(error: unknown): void {
    context.report('observer', error);
  }

  function subscribe(): () => void {
    const ends = [
      on<ConnectMessage>('undici:client:beforeConnect', beforeConnect),
      on<ConnectMessage>('undici:client:connected', connected),
      on<RequestMessage>('undici:client:sendHeaders', ({ request, socket }) => requests.sent(request, socket)),
      on<RequestMessage>('undici:request:headers', ({ request, response }) =>
        requests.answered(request, response.statusCode, response.headers),
      ),
      on<RequestMessage>('undici:request:trailers', ({ request }) => requests.completed(request)),
      on<RequestMessage>('undici:request:error', ({ request }) => requests.failed(request)),
      noticeConnects(context, connectBegins),
    ];
    context.namers.add(nameByDial);
    context.pools.add(pools.read);
    return () => {
      for (const end of ends) end();
      context.namers.delete(nameByDial);
      context.pools.delete(pools.read);
    };
  }

  function on<T>(channel: string, action: (message: T) => void): () => void {
    return listenTo(channel, action, report);
  }

  function listenIfNeeded(): void {
    if (isFollowing || roots.size > 0) unsubscribe ??= subscribe();
    else {
      unsubscribe?.();
      unsubscribe = undefined;
    }
  }

  return {
    followProcess(adopts) {
      isFollowing = true;
      listenIfNeeded();
      const endCreated = on<RequestMessage>('undici:request:create', ({ request }) => requests.created(request));
      if (adopts) adopt(followed);
      return () => {
        isFollowing = false;
        endCreated();
        requests.forgetWaiting();
        listenIfNeeded();
      };
    },
    observe(dispatcher, name) {
      const key = dispatcher ?? followed;
      const earlier = stops.get(key);
      if (earlier !== undefined) return earlier;
      const root = rootOf(dispatcher, name);
      roots.add(root);
      listenIfNeeded();
      adopt(root);
      const stop = (): void => {
        if (!roots.delete(root)) return;
        stops.delete(key);
        leaveAll(root);
        listenIfNeeded();
      };
      stops.set(key, stop);
      return stop;
    },
    stop() {
      for (const stop of [...stops.values()]) stop();
    },
  };
}

function rootOf(dispatcher: object | undefined, nameOf: NameOf | undefined): Root {
  return { dispatchers: dispatcher === undefined ? globalDispatchers : () => [dispatcher], nameOf, origins: new Map() };
}

/** A crawler has no end of hosts. */
const MAX_HOSTS = 1_000;

function originOf({ protocol, host }: ConnectMessage['connectParams']): URL {
  return new URL(`${protocol}//${host}`);
}
