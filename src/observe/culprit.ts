import type { SocketRecord } from '../sockets/record.ts';
import type { SocketKind } from '../sockets/socket-kind.ts';
import type { ObserveContext } from './context.ts';
import { flagsOf } from './culprit-flags.ts';
import { kindOf } from './culprit-kind.ts';
import { requestOf } from './culprit-request.ts';
import { isProxied, type NodeSocket } from './node-socket.ts';
import { pairOf } from './pairs.ts';

/** Whose a leaking socket is, as far as this process can tell. */
export interface Culprit {
  readonly kind: SocketKind;
  /** The last HTTP request, as `GET /users/:id`. */
  readonly request: string | undefined;
  /** Where the program opened it, as `lib/proxy.ts:118`. Known of a sample of client sockets. */
  readonly site: string | undefined;
  /** The socket that it is piped into, or from. */
  readonly pair: object | undefined;
  /** What Node's own flags say, such as `readableEnded`, `paused`. */
  readonly flags: readonly string[];
}

/**
 * Gathers what there is to know of a socket that leaks: some microseconds, so for leaks only. Never throws, whatever the
 * program has made of its socket, and changes nothing.
 *
 * @param sources as {@link pairOf} takes them
 */
export function culpritOf(
  context: ObserveContext,
  record: SocketRecord,
  socket: object,
  sources?: ReadonlyMap<object, SocketRecord>,
): Culprit {
  const site = context.sites.of(record);
  // A proxy's traps would see whatever is read.
  if (isProxied(socket)) return { kind: 'unknown', request: undefined, site, pair: undefined, flags: [] };
  const known = socket as NodeSocket;
  return {
    kind: kindOf(record, known),
    request: requestOf(record, known),
    site,
    pair: pairOf(known, sources),
    flags: flagsOf(known),
  };
}
