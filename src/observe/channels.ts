import diagnosticsChannel from 'node:diagnostics_channel';

/** The diagnostics channels of Node that are listened to. */
export const CHANNEL = {
  /** `{ socket }`: a socket is about to connect. See connect-calls.ts for what Node 20 leaves out. */
  connect: 'net.client.socket',
  /** `{ server, options }`: a server is about to listen, and has not bound yet. */
  listen: 'tracing:net.server.listen:asyncStart',
  /** `{ request, response, socket, server }`: the answer of an http.Server was handed over to the kernel. */
  response: 'http.server.response.finish',
} as const;

/**
 * Calls back for every message of a channel. What the listener throws is reported: Node would make it an uncaught
 * exception of the program. Returns the function that ends it.
 *
 * @example const stop = listenTo<{ server: Server }>(CHANNEL.listen, ({ server }) => found(server), report)
 */
export function listenTo<T>(
  channel: string,
  listener: (message: T) => void,
  report: (error: unknown) => void,
): () => void {
  const onMessage = (message: unknown): void => {
    try {
      listener(message as T);
    } catch (error) {
      report(error);
    }
  };
  diagnosticsChannel.subscribe(channel, onMessage);
  return () => {
    diagnosticsChannel.unsubscribe(channel, onMessage);
  };
}
