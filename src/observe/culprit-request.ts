import type { SocketRecord } from '../sockets/record.ts';
import { type NodeHttpMessage, type NodeSocket, pathOf } from './node-socket.ts';
import { requestPattern, requestText } from './request-text.ts';

/** The fields of an IncomingMessage that are read here. */
interface NodeRequest {
  readonly method?: unknown;
  readonly url?: unknown;
  /** Routers cut what they have matched off `url` and keep it here. */
  readonly originalUrl?: unknown;
}

/**
 * The last HTTP request of a connection, such as `GET /users/:id`: what is on record (an upgrade, a route, undici's),
 * else the one that is under way as Node holds it. Undefined where there is none.
 */
export function requestOf(record: SocketRecord, socket: NodeSocket): string | undefined {
  try {
    const text = record.request ?? underWay(socket);
    return text === undefined ? undefined : requestPattern(text);
  } catch {
    return undefined;
  }
}

function underWay(socket: NodeSocket): string | undefined {
  const message = socket._httpMessage;
  // A server that has answered may still be reading the request. A client's parser has the answer, without a method.
  return textOfServed(message?.req) ?? textOfSent(message) ?? textOfServed(socket.parser?.incoming);
}

function textOfServed(request: NodeRequest | null | undefined): string | undefined {
  if (!request) return undefined;
  const { method, url, originalUrl } = request;
  if (typeof method !== 'string' || typeof url !== 'string') return undefined;
  return requestText({ method, url: typeof originalUrl === 'string' ? originalUrl : url });
}

function textOfSent(message: NodeHttpMessage | null | undefined): string | undefined {
  const method = message?.method;
  return message && typeof method === 'string' ? requestText({ method, url: pathOf(message) }) : undefined;
}
