import { type NodeHandle, peerOf } from './node-socket.ts';

// resetAndDestroy() and destroy() show the same events and leave the same flags, so an RST that the program asked for
// cannot be told from a FIN by looking at the socket (measured on Node 20 to 26). The one place where they differ is
// `reset` of libuv's TCP handle, which Node calls for nothing else. It is private to Node and no program reaches it,
// which makes this patch invisible where a wrapped net.Socket method would not be.
//
// `close` of that handle is the last moment at which the descriptor is open. There a socket that is destroyed before any
// walk has found out its addresses can still be asked for them, and
// it is seen whether an errno is a socket's own: a program may pass the error of one socket on to
// another (pipeline() does), which is then closed by a FIN like any other. Only while the descriptor is still open
// does getpeername tell: after an RST or a timeout it says ENOTCONN.

interface ResettableHandle extends NodeHandle {
  readonly owner?: object;
  reset?: ResetFunction & { readonly [PATCH]?: ResetPatch };
  close(callback?: () => void): unknown;
}

/** Called while the socket's descriptor is still open, with whether it will be by an RST. Must not throw. */
export type ClosingListener = (socket: object, aborts: boolean) => void;

/** What the end of handles shows, for one monitor. */
export interface HandleEnds {
  /** Starts with the first TCP handle that is shown; any will do. */
  from(handle: NodeHandle): void;
  /** The last one to stop puts the originals back. */
  stop(): void;
}

type ResetFunction = (this: ResettableHandle, callback: () => void) => number;

/** The patch in force, one for the process: two copies of finwait use it together, and the last one takes it away. */
interface ResetPatch {
  readonly intents: WeakSet<object>;
  /** Sockets whose connection was alive when they were destroyed with an errno. */
  readonly survivors: WeakSet<object>;
  /** Sockets below a TLSSocket, which has the errors for both. */
  readonly layered: WeakSet<object>;
  /** Whether anything was ever put into these sets: most programs never do, and then nobody need look. */
  anyIntent: boolean;
  anyLayer: boolean;
  /** Told of every socket whose handle is about to be closed. */
  listeners: readonly ClosingListener[];
  users: number;
  restore: () => void;
}

const PATCH = Symbol.for('finwait.reset.2');

/** What this copy of finwait uses, from the first handle it sees until its last user stops. */
let patch: ResetPatch | undefined;
let users = 0;

/** Whether the program called resetAndDestroy() on a socket, and libuv accepted it. */
export function hasResetIntent(socket: object): boolean {
  return patch?.anyIntent === true && patch.intents.has(socket);
}

/** Whether a socket's connection was alive when it was destroyed with an errno: the errno is another socket's. */
export function outlivedItsError(socket: object): boolean {
  return patch?.survivors.has(socket) === true;
}

/** Forgets both: the socket object connects again, and this was about the connection before. */
export function forgetEnd(socket: object): void {
  patch?.intents.delete(socket);
  patch?.survivors.delete(socket);
}

/** Says that a TLSSocket is over this socket. */
export function noticeLayer(raw: object): void {
  if (patch === undefined) return;
  patch.layered.add(raw);
  patch.anyLayer = true;
}

/**
 * Starts to notice how handles end: resetAndDestroy(), errors of somebody else, and the moment before a descriptor is
 * closed.
 */
export function noticeHandleEnds(onClosing: ClosingListener): HandleEnds {
  users++;
  let listening = false;
  let stopped = false;
  return {
    from(handle) {
      if (listening || stopped) return;
      const tcp = handle.constructor.name === 'TLSWrap' ? handle._parent : handle;
      if (tcp?.constructor.name !== 'TCP') return;
      if (patch === undefined) {
        patch = findPatch(Object.getPrototypeOf(tcp) as ResettableHandle);
        patch.users++;
      }
      patch.listeners = [...patch.listeners, onClosing];
      listening = true;
    },
    stop() {
      if (stopped) return;
      stopped = true;
      if (patch !== undefined) patch.listeners = patch.listeners.filter((listener) => listener !== onClosing);
      users--;
      if (users > 0 || patch === undefined) return;
      patch.users--;
      if (patch.users === 0) patch.restore();
      patch = undefined;
    },
  };
}

function findPatch(prototype: ResettableHandle): ResetPatch {
  const { reset: originalReset, close: originalClose } = prototype;
  const known = originalReset?.[PATCH];
  if (known !== undefined) return known;
  const created: ResetPatch = {
    intents: new WeakSet(),
    survivors: new WeakSet(),
    layered: new WeakSet(),
    anyIntent: false,
    anyLayer: false,
    listeners: [],
    users: 0,
    restore: () => undefined,
  };
  if (typeof originalReset !== 'function' || !Object.hasOwn(prototype, 'reset')) return created;
  const { intents, survivors, layered } = created;

  const reset: ResetFunction = Object.assign(
    function reset(this: ResettableHandle, callback: () => void): number {
      if (typeof this.owner === 'object' && this.owner !== null) {
        for (const listener of created.listeners) listener(this.owner, true);
      }
      const errno = originalReset.call(this, callback);
      // A socket whose FIN was being sent cannot be reset: libuv says EINVAL and leaves it open.
      if (errno === 0 && typeof this.owner === 'object' && this.owner !== null) {
        intents.add(this.owner);
        created.anyIntent = true;
      }
      return errno;
    },
    { [PATCH]: created },
  );
  const close = function close(this: ResettableHandle, callback?: () => void): unknown {
    const { owner } = this;
    if (typeof owner === 'object' && owner !== null) {
      for (const listener of created.listeners) listener(owner, false);
      const mayForward = hasErrno(owner) || (created.anyLayer && layered.has(owner));
      if (mayForward && peerOf(this, {}) === 'connected') survivors.add(owner);
    }
    return originalClose.call(this, callback);
  };
  prototype.reset = reset;
  // Inherited from what all handles have: put before it, and taken away again.
  Object.defineProperty(prototype, 'close', { value: close, writable: true, configurable: true, enumerable: false });
  created.restore = () => {
    if (prototype.reset === reset) prototype.reset = originalReset;
    if (prototype.close === close) Reflect.deleteProperty(prototype, 'close');
  };
  return created;
}

function hasErrno(socket: { readonly errored?: { readonly errno?: number } | null }): boolean {
  const errno = socket.errored?.errno;
  return errno !== undefined && errno < 0;
}
