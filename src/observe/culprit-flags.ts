import { isBlind, type NodeReadableState, type NodeSocket, type NodeWritableState } from './node-socket.ts';

/**
 * What Node's own state says of a socket that may matter to a leak: of `readableEnded`, `end withheld` (the end was read,
 * and 'end' waits for what is unread), `paused`, `not reading` (nothing of the kernel's is asked for), `writableEnded`,
 * `writableFinished`, `writableNeedDrain`, `destroyed`, `allowHalfOpen`, `no 'end' listener`, `no 'data' listener`
 * (`'readable'` is as good) those that hold. Empty where it cannot be read.
 */
export function flagsOf(socket: NodeSocket): readonly string[] {
  try {
    const known = { socket, readable: socket._readableState ?? {}, writable: socket._writableState ?? {} };
    return FLAGS.filter(([, holds]) => holds(known)).map(([flag]) => flag);
  } catch {
    return [];
  }
}

interface Known {
  readonly socket: NodeSocket;
  readonly readable: NodeReadableState;
  readonly writable: NodeWritableState;
}

const FLAGS: readonly (readonly [string, (known: Known) => boolean])[] = [
  ['readableEnded', ({ readable }) => readable.endEmitted === true],
  ['end withheld', ({ readable }) => readable.ended === true && readable.endEmitted === false],
  ['paused', ({ readable }) => readable.flowing === false && readable.readableListening !== true],
  ['not reading', ({ socket }) => !!socket._handle && isBlind(socket._handle)],
  ['writableEnded', ({ writable }) => writable.ending === true],
  ['writableFinished', ({ writable }) => writable.finished === true],
  ['writableNeedDrain', ({ writable }) => writable.needDrain === true && writable.ending !== true],
  ['destroyed', ({ readable, writable }) => readable.destroyed === true && writable.destroyed === true],
  ['allowHalfOpen', ({ socket }) => socket.allowHalfOpen === true],
  ["no 'end' listener", ({ socket }) => !isHeard(socket, 'end')],
  ["no 'data' listener", ({ socket }) => !isHeard(socket, 'data') && !isHeard(socket, 'readable')],
];

/** Whether anybody but net.Socket itself listens, without calling the emitter, which may be the program's. */
function isHeard({ _events }: NodeSocket, event: 'data' | 'end' | 'readable'): boolean {
  const listeners = _events?.[event];
  return [listeners].flat().some((listener) => typeof listener === 'function' && listener.name !== NODES_OWN);
}

/** What every net.Socket has on 'end': it ends the writable half unless allowHalfOpen says otherwise. */
const NODES_OWN = 'onReadableStreamEnd';
