import diagnosticsChannel from 'node:diagnostics_channel';
import { FLAG, type SocketRecord } from '../sockets/record.ts';
import { noticeConnects } from './connect-calls.ts';
import type { ObserveContext } from './context.ts';
import {
  activeHandles,
  isProxied,
  isServer,
  isSocket,
  isTcpHandle,
  type NodeServer,
  type NodeSocket,
} from './node-socket.ts';
import type { ServerObserver } from './server.ts';
import { adoptFound, letGo, observeConnect } from './socket.ts';
import type { Tap } from './tap.ts';

const LISTEN_CHANNEL = 'tracing:net.server.listen:asyncStart';

/**
 * Observes every server that begins to listen and every socket that begins to connect in this process, and those that
 * keep it alive already. Returns the function that ends it: what was found is observed no more, and nothing is left
 * behind.
 */
export function observeProcess(
  context: ObserveContext,
  sockets: Tap<SocketRecord>,
  servers: ServerObserver,
): () => void {
  const { ledger, excluded } = context;
  let stopped = false;

  function guarded(action: () => void): void {
    try {
      if (!stopped) action();
    } catch (error) {
      context.report('observer', error);
    }
  }

  function found(server: unknown): void {
    if (!isProxied(server) && isServer(server) && !excluded.has(server)) servers.find(server);
  }

  const onListen = (message: unknown): void => guarded(() => found((message as { server: NodeServer }).server));
  diagnosticsChannel.subscribe(LISTEN_CHANNEL, onListen);
  const stopConnects = noticeConnects((socket, destination) =>
    guarded(() => {
      if (!isProxied(socket) && isSocket(socket) && !excluded.has(socket))
        observeConnect(context, sockets, socket, destination);
    }),
  );

  const existing = activeHandles();
  for (const server of existing.filter(isServer)) guarded(() => found(server));
  for (const socket of existing.filter(isClient)) guarded(() => adoptFound(context, sockets, socket));

  return () => {
    if (stopped) return;
    stopped = true;
    diagnosticsChannel.unsubscribe(LISTEN_CHANNEL, onListen);
    stopConnects();
    servers.stopFound();
    for (const record of [...ledger.records, ...context.unnamed.keys()]) {
      if ((record.flags & FLAG.found) !== 0) letGo(context, sockets, record, record.socket as NodeSocket | undefined);
    }
  };
}

/** What no server of this process accepted; those it did come with the server. */
function isClient(handle: unknown): handle is NodeSocket {
  return isSocket(handle) && !handle.server && isTcpHandle(handle._handle);
}
