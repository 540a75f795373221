import { TICKS_PER_MS } from '../sockets/ledger.ts';
import { FLAG, type SocketRecord } from '../sockets/record.ts';
import type { UseAtClose } from '../sockets/requests.ts';
import type { ObserveContext } from './context.ts';
import { type NodeHttpMessage, type NodeSocket, pathOf } from './node-socket.ts';
import { requestText } from './request-text.ts';

// What HTTP/1 does with a connection, without a hook for every request of a client: the socket emits 'free' when the
// answer to a request is complete and the connection is kept, and whatever is under way stands in `_httpMessage`.

/** 'free': the answer is complete, and the connection goes back to its agent. */
export function answered(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): void {
  const message = socket._httpMessage;
  // A request that was given up before it was sent hands its connection back too.
  if (!message || (record.flags & FLAG.open) === 0) return;
  context.ledger.countRequest(record);
  record.markAt = at;
  if (record.requests > 1) return;
  if (message.agent) context.onAgent(message.agent);
  noteKeepAlive(context, record, message.res?.rawHeaders);
}

/** 'agentRemove': at an upgrade or CONNECT, while the request still stands there; and at much else, when none does. */
export function leftAgent(context: ObserveContext, record: SocketRecord, socket: NodeSocket): void {
  const message = socket._httpMessage;
  if (message?.upgradeOrConnect !== true || (record.flags & FLAG.open) === 0) return;
  context.ledger.countRequest(record);
  record.flags |= FLAG.upgraded;
  // Node takes the request off the socket next.
  if (typeof message.method === 'string') {
    record.request = requestText({ method: message.method, url: pathOf(message) });
  }
}

/** A server's 'request'. */
export function requested(context: ObserveContext, record: SocketRecord, response: NodeHttpMessage): void {
  if ((record.flags & FLAG.open) === 0) return;
  context.ledger.countRequest(record);
  if (response.shouldKeepAlive === false) record.flags |= FLAG.lastRequest;
}

/** The answer of a server is handed over to the kernel. */
export function responded(record: SocketRecord, at: number): void {
  record.markAt = at;
}

/** 'timeout' on a connection that no request uses: a keep-alive timer of ours. */
export function idleTimedOut(record: SocketRecord, socket: NodeSocket): void {
  if (record.requests > 0 && !socket._httpMessage) record.flags |= FLAG.idleTimeout;
}

/**
 * undici closes a connection that it needs no more with an error that nobody sees. Returns what that says of the
 * connection, as flags of the record; undefined for any other error.
 */
export function quietCloseOf({ code, message }: Error & { readonly code?: string }): number | undefined {
  // The program closed the client. With requests under way, these say so.
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return 0;
  // The peer's FIN, which 'end' has shown.
  if (code === 'UND_ERR_SOCKET' && message === 'other side closed') return 0;
  if (code !== 'UND_ERR_INFO') return undefined;
  switch (message) {
    case 'socket idle timeout':
      return FLAG.idleTimeout;
    case 'reset':
      // After an answer that allows no other request.
      return FLAG.lastRequest;
    case 'servername changed':
      return 0;
    default:
      return undefined;
  }
}

/** What a connection was doing when it was closed; undefined where it never served a request. */
export function useAtClose(
  context: ObserveContext,
  record: SocketRecord,
  socket: NodeSocket,
  at: number,
): UseAtClose | undefined {
  const message = socket._httpMessage;
  const isServer = (record.flags & FLAG.server) !== 0;
  const response = message?.res;
  // That of a client stays after an answer that ends the connection; that of a server never does.
  const isAnswered = !isServer && response?.complete === true;
  if (message && !isServer && (record.flags & FLAG.open) !== 0) {
    context.ledger.countRequest(record);
    if (isAnswered) record.flags |= FLAG.lastRequest;
  }
  if (record.requests === 0) return undefined;
  const timedOut = (record.flags & FLAG.idleTimeout) !== 0;
  // After the last answer a server ends the connection and shows 'finish'; whatever closes an idle one destroys it.
  const isEnded = isServer && !timedOut && (record.flags & FLAG.firstFinMask) === FLAG.firstFinLocal;
  const isUpgraded = (record.flags & FLAG.upgraded) !== 0;
  return {
    active: !isUpgraded && ((message && !isAnswered) || (record.flags & FLAG.active) !== 0) === true,
    responded: response ? true : (record.flags & FLAG.responded) !== 0,
    requests: record.requests,
    idleMs: record.markAt < 0 ? Number.NaN : (at - record.markAt) / TICKS_PER_MS,
    timedOut,
    last: isUpgraded || isEnded || (record.flags & FLAG.lastRequest) !== 0,
  };
}

/**
 * Remembers after how long the server says that it closes an idle connection: `Keep-Alive: timeout=5`, a hint that is
 * older than its RFC (RFC 2068 section 19.7.1.1). What is given are names and values in turn.
 */
function noteKeepAlive(context: ObserveContext, record: SocketRecord, headers: readonly string[] | undefined): void {
  if (headers === undefined) return;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name.length !== KEEP_ALIVE.length || name.toLowerCase() !== KEEP_ALIVE) continue;
    noteKeepAliveValue(context, record, headers[index + 1] ?? '');
    return;
  }
}

/** The same of a header's value. */
export function noteKeepAliveValue({ ledger }: ObserveContext, record: SocketRecord, value: string): void {
  const match = /\btimeout=(\d{1,9})/i.exec(value);
  if (match !== null && record.slot >= 0) ledger.requests.keepAliveSeconds[record.slot] = Number(match[1]);
}

const KEEP_ALIVE = 'keep-alive';
