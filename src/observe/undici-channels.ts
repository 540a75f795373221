import { FLAG, type SocketRecord } from '../sockets/record.ts';
import type { ObserveContext } from './context.ts';
import { noteKeepAliveValue } from './http-use.ts';
import type { NodeSocket } from './node-socket.ts';
import { requestText } from './request-text.ts';
import { recordOf } from './socket.ts';
import type { Tap } from './tap.ts';

// What undici's diagnostics channels mean for the record of a connection. undici of npm (6, 7 and 8) and the one that is
// built into Node as fetch publish on the same channels, with the same fields.

/** The fields of undici's Request that are read here. */
export interface UndiciRequest {
  readonly method?: string;
  /** With the query. */
  readonly path?: string;
  readonly origin?: string | URL;
  /** The program wants the connection closed after it. */
  readonly reset?: boolean | null;
}

/** What the channels say of one request after another. None may be given anything else than undici publishes. */
export interface UndiciRequests {
  /** `undici:request:create`: a client has it, and sends it when its turn comes. */
  created(request: UndiciRequest): void;
  /** `undici:client:sendHeaders`: it goes out on a connection; again if an earlier one was closed below it. */
  sent(request: UndiciRequest, socket: object): void;
  /** `undici:request:headers`: its answer has begun. */
  answered(request: UndiciRequest, statusCode: unknown, headers: unknown): void;
  /** `undici:request:trailers`: its answer is complete. */
  completed(request: UndiciRequest): void;
  /** `undici:request:error`, which may come twice, and before or after the connection is closed. */
  failed(request: UndiciRequest): void;
  /** `undici:client:connected`: a connection is ready for requests; that of a tunnel for the second time. */
  connected(record: SocketRecord): void;
  /** By origin, the requests that were created and neither sent nor given up. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  /** Begins to count those anew. */
  forgetWaiting(): void;
}

/** The requests to one origin that wait. */
export interface Waiting {
  count: number;
}

/** A connection, as long as undici uses it. */
interface Connection {
  readonly record: SocketRecord;
  readonly isHttp2: boolean;
  inFlight: number;
  /** How many of those have their answer begun. */
  responding: number;
}

/** A request that waits, or is under way on a connection. */
interface Exchange {
  waiting: Waiting | undefined;
  connection: Connection | undefined;
  responded: boolean;
}

/** Keeps the books of undici's requests; `sockets` is the tap that all records share. */
export function undiciRequests(context: ObserveContext, sockets: Tap<SocketRecord>): UndiciRequests {
  const exchanges = new WeakMap<object, Exchange>();
  const connections = new WeakMap<object, Connection>();
  const waiting = new Map<string, Waiting>();

  function connectionOf(socket: object): Connection | undefined {
    const known = connections.get(socket);
    // Off the books: it was let go, and may have been found again since.
    if (known !== undefined && known.record.index >= 0) return known;
    const record = recordOf(sockets, socket);
    if (record === undefined || (record.flags & FLAG.open) === 0) return undefined;
    const isHttp2 = (socket as NodeSocket).alpnProtocol === 'h2';
    const connection: Connection = { record, isHttp2, inFlight: 0, responding: 0 };
    connections.set(socket, connection);
    return connection;
  }

  function waitingFor(origin: string): Waiting {
    let known = waiting.get(origin);
    if (known === undefined) {
      // A crawler has no end of origins, and few have anything that waits.
      if (waiting.size >= MAX_ORIGINS) for (const [each, { count }] of waiting) if (count === 0) waiting.delete(each);
      known = { count: 0 };
      waiting.set(origin, known);
    }
    return known;
  }

  /** It waits no more. */
  function leaveQueue(exchange: Exchange): void {
    if (exchange.waiting === undefined) return;
    exchange.waiting.count--;
    exchange.waiting = undefined;
  }

  /** It is no longer under way on its connection. */
  function leaveConnection(exchange: Exchange): Connection | undefined {
    const { connection, responded } = exchange;
    if (connection === undefined) return undefined;
    exchange.connection = undefined;
    exchange.responded = false;
    connection.inFlight--;
    if (responded) connection.responding--;
    return connection;
  }

  /** It will not be answered on its connection. */
  function lose(exchange: Exchange): void {
    const connection = leaveConnection(exchange);
    // In HTTP/1 the connection is closed with it, a moment ago or now: it goes down with a request under way.
    if (connection?.isHttp2 === true) rest(connection);
  }

  /** The connection has been idle since now, if that was the last request on it. */
  function rest({ record, inFlight, responding }: Connection): void {
    if (responding === 0) record.flags &= ~FLAG.responded;
    if (inFlight > 0) return;
    record.flags &= ~FLAG.active;
    record.markAt = context.now();
  }

  return {
    waiting,
    forgetWaiting: () => waiting.clear(),
    created(request) {
      const { origin } = request;
      const queue = waitingFor(typeof origin === 'string' ? origin : String(origin));
      queue.count++;
      exchanges.set(request, { waiting: queue, connection: undefined, responded: false });
    },
    sent(request, socket) {
      let exchange = exchanges.get(request);
      if (exchange !== undefined) {
        leaveQueue(exchange);
        lose(exchange);
      }
      const connection = connectionOf(socket);
      if (connection === undefined) return;
      if (exchange === undefined) {
        exchange = { waiting: undefined, connection, responded: false };
        exchanges.set(request, exchange);
      } else exchange.connection = connection;
      const { record } = connection;
      connection.inFlight++;
      context.ledger.countRequest(record);
      record.flags |= request.reset === true ? FLAG.active | FLAG.undici | FLAG.lastRequest : FLAG.active | FLAG.undici;
      record.request = requestText({ method: request.method, url: request.path }).slice(0, MAX_REQUEST_LENGTH);
    },
    answered(request, statusCode, headers) {
      const exchange = exchanges.get(request);
      if (exchange === undefined) return;
      // undici 6 does not say where it sends a request of HTTP/2.
      leaveQueue(exchange);
      const { connection } = exchange;
      if (connection === undefined) return;
      const isUpgrade = request.method === 'CONNECT' || statusCode === 101;
      // 103 and the like announce the answer.
      if (typeof statusCode === 'number' && statusCode < 200 && !isUpgrade) return;
      const { record } = connection;
      if (!exchange.responded) {
        exchange.responded = true;
        connection.responding++;
        record.flags |= FLAG.responded;
      }
      // An HTTP/2 connection is never given away: one of its streams is.
      if (connection.isHttp2) return;
      noteHeaders(context, record, headers);
      if (isUpgrade) record.flags = (record.flags | FLAG.upgraded) & ~FLAG.undici;
    },
    completed(request) {
      const exchange = exchanges.get(request);
      if (exchange === undefined) return;
      leaveQueue(exchange);
      const connection = leaveConnection(exchange);
      if (connection !== undefined) rest(connection);
    },
    failed(request) {
      const exchange = exchanges.get(request);
      if (exchange === undefined) return;
      leaveQueue(exchange);
      lose(exchange);
    },
    connected(record) {
      record.flags |= FLAG.undici;
      if (record.requests === 0) return;
      // The tunnel through a proxy stands: what CONNECT was is no use of what is inside.
      record.flags &= ~(FLAG.upgraded | FLAG.lastRequest | FLAG.active | FLAG.responded);
      record.requests = 0;
      record.markAt = -1;
    },
  };
}

const MAX_REQUEST_LENGTH = 200;
const MAX_ORIGINS = 1_000;

/**
 * What an answer says of the connection: until when it is kept, or that it is not. Names and values in turn. Runs for
 * each answer, so nothing is made a string that says nothing new.
 */
function noteHeaders(context: ObserveContext, record: SocketRecord, headers: unknown): void {
  if (!Array.isArray(headers)) return;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name: unknown = headers[index];
    // Both names have ten letters, and hardly another one has.
    if ((typeof name !== 'string' && !Buffer.isBuffer(name)) || name.length !== CONNECTION.length) continue;
    const initial = (typeof name === 'string' ? name.charCodeAt(0) : (name[0] as number)) | LOWER_CASE;
    const value: unknown = headers[index + 1];
    if (initial === INITIAL_OF_KEEP_ALIVE) {
      if (record.requests === 1 && isCalled(name, KEEP_ALIVE)) noteKeepAliveValue(context, record, String(value));
    } else if (initial === INITIAL_OF_CONNECTION) {
      const isKept = (value as { readonly length?: unknown } | undefined)?.length === KEEP_ALIVE.length;
      if (!isKept && isCalled(name, CONNECTION) && /\bclose\b/i.test(String(value))) record.flags |= FLAG.lastRequest;
    }
  }
}

function isCalled(name: string | Buffer, expected: string): boolean {
  return String(name).toLowerCase() === expected;
}

const KEEP_ALIVE = 'keep-alive';
const CONNECTION = 'connection';
/** The bit that a small letter of ASCII has and the capital one has not. */
const LOWER_CASE = 0x20;
const INITIAL_OF_KEEP_ALIVE: number = KEEP_ALIVE.charCodeAt(0);
const INITIAL_OF_CONNECTION: number = CONNECTION.charCodeAt(0);
