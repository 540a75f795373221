import type { NodeHandle } from './node-socket.ts';

// resetAndDestroy() and destroy() show the same events and leave the same flags, so an RST that the program asked for
// cannot be told from a FIN by looking at the socket (measured on Node 20 to 26). The one place where they differ is
// `reset` of libuv's TCP handle, which Node calls for nothing else. It is private to Node and no program reaches it,
// which makes this patch invisible where a wrapped net.Socket method would not be.

interface ResettableHandle extends NodeHandle {
  readonly owner?: object;
  reset?: (this: ResettableHandle, callback: () => void) => number;
}

const intents = new WeakSet<object>();
let users = 0;
let restore: (() => void) | undefined;

/** Whether the program called resetAndDestroy() on a socket, and libuv accepted it. */
export function hasResetIntent(socket: object): boolean {
  return intents.has(socket);
}

/**
 * Starts to notice resetAndDestroy(), from the first TCP handle seen on. Returns the function that ends it; the last
 * one to end it puts the original back.
 */
export function noticeResets(): { from(handle: NodeHandle): void; stop(): void } {
  users++;
  let stopped = false;
  return {
    from(handle) {
      if (restore === undefined && !stopped && handle.constructor.name === 'TCP') patch(handle);
    },
    stop() {
      if (stopped) return;
      stopped = true;
      users--;
      if (users > 0) return;
      restore?.();
      restore = undefined;
    },
  };
}

function patch(handle: NodeHandle): void {
  const prototype = Object.getPrototypeOf(handle) as ResettableHandle;
  const original = prototype.reset;
  restore = () => undefined;
  if (typeof original !== 'function' || !Object.hasOwn(prototype, 'reset')) return;
  const patched = function reset(this: ResettableHandle, callback: () => void): number {
    const errno = original.call(this, callback);
    // A socket whose FIN was being sent cannot be reset: libuv says EINVAL and leaves it open.
    if (errno === 0 && typeof this.owner === 'object' && this.owner !== null) intents.add(this.owner);
    return errno;
  };
  prototype.reset = patched;
  restore = () => {
    if (prototype.reset === patched) prototype.reset = original;
  };
}
