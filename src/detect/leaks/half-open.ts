import { agree, size } from '../wording.ts';
import type { LeakRule } from './leak.ts';

/** ESTABLISHED, unacknowledged bytes, and the kernel has sent them again and again. */
export const HALF_OPEN: LeakRule = {
  explain: ({ sockets, sendQueue }) =>
    `the ${agree(sockets, 'peer does', 'peers do')} not acknowledge ${sendQueue > 0 ? size(sendQueue) : 'what was sent'}, however often the kernel sends again: gone without FIN or RST`,
  fix: () => [
    'Give what you wait for a deadline, and destroy the socket when it has passed: a ping of the protocol, or `socket.setTimeout(30_000, () => socket.destroy())`.',
    'Set `socket.setKeepAlive(true, 30_000)` for the time without requests: it finds a peer that is gone within 40 s. It does not probe while bytes are unacknowledged.',
    'Otherwise the kernel gives up after some 15 min (net.ipv4.tcp_retries2 is 15). TCP_USER_TIMEOUT cannot be set from Node.',
  ],
};
