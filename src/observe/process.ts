import diagnosticsChannel from 'node:diagnostics_channel';
import type { SocketRecord } from '../sockets/record.ts';
import { noticeConnects } from './connect-calls.ts';
import type { ObserveContext } from './context.ts';
import { activeHandles, isServer, isSocket, isTcpHandle, type NodeServer, type NodeSocket } from './node-socket.ts';
import type { ServerObserver } from './server.ts';
import { observeSocket } from './socket.ts';
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
  const stops = new Set<() => void>();
  let stopped = false;

  function guarded(action: () => void): void {
    try {
      if (!stopped) action();
    } catch (error) {
      context.report('observer', error);
    }
  }

  function foundServer(server: unknown): void {
    if (!isServer(server) || context.excluded.has(server)) return;
    stops.add(servers.observe(server, undefined));
  }

  function foundSocket(socket: object): void {
    if (!isSocket(socket) || context.excluded.has(socket)) return;
    stops.add(observeSocket(context, sockets, socket, undefined));
  }

  const onListen = (message: unknown): void => guarded(() => foundServer((message as { server: NodeServer }).server));
  diagnosticsChannel.subscribe(LISTEN_CHANNEL, onListen);
  const stopConnects = noticeConnects((socket) => guarded(() => foundSocket(socket)));

  const existing = activeHandles();
  for (const server of existing.filter(isServer)) guarded(() => foundServer(server));
  for (const socket of existing.filter(isClient)) guarded(() => foundSocket(socket));

  return () => {
    if (stopped) return;
    stopped = true;
    diagnosticsChannel.unsubscribe(LISTEN_CHANNEL, onListen);
    stopConnects();
    for (const stop of stops) stop();
    stops.clear();
  };
}

/** What no server of this process accepted; those it did come with the server. */
function isClient(handle: unknown): handle is NodeSocket {
  return isSocket(handle) && !handle.server && isTcpHandle(handle._handle);
}
