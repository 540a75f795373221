import type { SocketRecord } from '../sockets/record.ts';
import {
  isProxied,
  isSocket,
  type NodeHttpMessage,
  type NodeReadableState,
  type NodeSocket,
  socketOfMessage,
} from './node-socket.ts';

// Which socket is piped into which, as Node's streams have it: a proxy's two halves, of which one leaks for the other.

/** From one socket to the other it takes at most so many pipes. */
const MAX_HOPS = 8;

interface NodeStream {
  readonly _readableState?: NodeReadableState;
}

/**
 * The socket that a socket is piped into: by itself, or with HTTP/1 by the body that it carries (`req.pipe(proxyReq)`,
 * `proxyRes.pipe(res)`), through transforms too. Only reads, and never throws: of a socket without pipes three fields.
 * Undefined where there is none, or it is the socket itself, as in an echo.
 */
export function pipeTargetOf(socket: object): object | undefined {
  try {
    if (isProxied(socket)) return undefined;
    const { parser, _httpMessage } = socket as NodeSocket;
    const target =
      targetOf(socket, MAX_HOPS) ??
      (parser || _httpMessage ? targetOfBody(parser?.incoming, _httpMessage ?? undefined) : undefined);
    return target === socket ? undefined : target;
  } catch {
    return undefined;
  }
}

/**
 * The other half of a pair: the socket that this one is piped into, else one that is piped into this.
 *
 * @param sources by the socket that they are piped into ({@link pipeTargetOf}), the records of all sockets that are
 */
export function pairOf(socket: object, sources: ReadonlyMap<object, SocketRecord> | undefined): object | undefined {
  return pipeTargetOf(socket) ?? sources?.get(socket)?.socket;
}

/** What a connection carries: the request that a server reads, or the answer that a client does. */
function targetOfBody(incoming: object | null | undefined, message: NodeHttpMessage | undefined): object | undefined {
  for (const body of [incoming, message?.req, message?.res]) {
    const target = body ? targetOf(body, MAX_HOPS) : undefined;
    if (target !== undefined) return target;
  }
  return undefined;
}

function targetOf(stream: NodeStream, hops: number): object | undefined {
  const pipes = stream._readableState?.pipes;
  if (pipes === undefined || pipes.length === 0 || hops === 0) return undefined;
  for (const pipe of pipes) {
    if (isProxied(pipe)) continue;
    const target = isSocket(pipe) ? pipe : (socketOfMessage(pipe) ?? targetOf(pipe, hops - 1));
    if (target !== undefined) return target;
  }
  return undefined;
}
