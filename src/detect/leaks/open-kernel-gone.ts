import { agree } from '../wording.ts';
import { IDLE_LIMIT } from './advice.ts';
import type { LeakRule } from './leak.ts';

/** A socket that Node thinks open, at most half-closed, and getpeername(2) says ENOTCONN. */
export const OPEN_KERNEL_GONE: LeakRule = {
  explain: ({ sockets }) =>
    `the kernel has closed ${agree(sockets, 'it', 'them')} and Node does not know: after 'end', or while it does not read, it sees an RST only when it writes`,
  fix: ({ unreadInNode, paused }) => [
    unreadInNode > 0 || paused > 0
      ? 'Read to the end (`socket.resume()`), or `socket.destroy()`: what is not read to its end is never closed, not even after `end()`.'
      : "Close on 'end': `socket.end()` or `socket.destroy()`. Without `allowHalfOpen: true` Node does so.",
    `Bound it: ${IDLE_LIMIT}.`,
  ],
};
