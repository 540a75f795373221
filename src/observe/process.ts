import { FLAG, type SocketRecord } from '../sockets/record.ts';
import { isAgent, socketsOf } from './agents.ts';
import { CHANNEL, listenTo } from './channels.ts';
import { noticeConnects } from './connect-calls.ts';
import type { ObserveContext } from './context.ts';
import { findInHeap } from './heap.ts';
import { activeHandles, isProxied, isServer, isSocket, isTcpHandle, type NodeSocket, serverOf } from './node-socket.ts';
import type { ServerObserver } from './server.ts';
import { adoptFound, letGo, observeConnect } from './socket.ts';
import type { Tap } from './tap.ts';

/**
 * Where to look for what was there before: among the handles that keep the process alive and the idle sockets of the
 * global agents; in the whole heap; or nowhere.
 */
export const FIND_EXISTING = ['handles', 'heap', 'none'] as const;

/** One of {@link FIND_EXISTING}. */
export type FindExisting = (typeof FIND_EXISTING)[number];

/**
 * Observes every server that begins to listen and every socket that begins to connect in this process, and those that
 * keep it alive already. Returns the function that ends it: what was found is observed no more, and nothing is left
 * behind.
 */
export function observeProcess(
  context: ObserveContext,
  sockets: Tap<SocketRecord>,
  servers: ServerObserver,
  findExisting: FindExisting,
): () => void {
  const { ledger, excluded } = context;
  let stopped = false;
  const report = (error: unknown): void => context.report('observer', error);

  function found(server: unknown): void {
    if (!isProxied(server) && isServer(server) && !excluded.has(server)) servers.find(server);
  }

  const stopListens = listenTo<{ readonly server: unknown }>(CHANNEL.listen, ({ server }) => found(server), report);
  const stopConnects = noticeConnects(context, (socket, destination) => {
    observeConnect(context, sockets, socket, destination, true);
  });

  try {
    const existing = existingObjects(findExisting);
    // Servers first: the sockets that they accepted are theirs.
    for (const server of existing) if (isServer(server) && server.listening) found(server);
    for (const socket of existing) if (isClient(socket) && !excluded.has(socket)) adoptFound(context, sockets, socket);
  } catch (error) {
    report(error);
  }

  return () => {
    if (stopped) return;
    stopped = true;
    stopListens();
    stopConnects();
    servers.stopFound();
    for (const record of [...ledger.records, ...context.waiting.keys()]) {
      if ((record.flags & FLAG.found) !== 0) letGo(context, sockets, record, record.socket as NodeSocket | undefined);
    }
  };
}

/** What there is before the observation begins, as far as it is looked for. */
function existingObjects(findExisting: FindExisting): readonly unknown[] {
  switch (findExisting) {
    case 'none':
      return [];
    case 'handles':
      return [...activeHandles(), ...idleSocketsOfGlobalAgents()];
    case 'heap':
      return findInHeap();
    default:
      return findExisting satisfies never;
  }
}

/** An agent unrefs what is idle, so it is no active handle; its own list has it. */
export function idleSocketsOfGlobalAgents(): readonly unknown[] {
  const loaded = (process as { readonly moduleLoadList?: readonly string[] }).moduleLoadList ?? [];
  return ['http', 'https'].flatMap((id) => {
    // What the program has not loaded has no sockets, and is not loaded for this.
    if (!loaded.includes(`NativeModule ${id}`)) return [];
    const { globalAgent } = process.getBuiltinModule(id) as { readonly globalAgent?: unknown };
    return isAgent(globalAgent) ? socketsOf(globalAgent.freeSockets) : [];
  });
}

/** What no server of this process accepted; those it did come with the server. */
function isClient(handle: unknown): handle is NodeSocket {
  return isSocket(handle) && !serverOf(handle) && isTcpHandle(handle._handle);
}
