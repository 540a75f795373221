import { agree } from '../wording.ts';
import type { LeakRule } from './leak.ts';

/** FIN_WAIT_2 with a descriptor: the kernel's timeout begins only when that is closed. */
export const PEER_KEEPS_OPEN: LeakRule = {
  explain: ({ sockets }) =>
    `this side has ended and the ${agree(sockets, 'peer keeps its side', 'peers keep theirs')} open: no timeout of the kernel runs while Node holds the descriptor`,
  fix: ({ kind }) => [
    'Give the peer a grace period: `socket.end(); socket.setTimeout(10_000, () => socket.destroy())`.',
    ...(kind === 'agent' || kind === 'undici'
      ? ['For the connections of a pool: `agent.destroy()`, or `destroy()` of the dispatcher, closes them at once.']
      : []),
    'If nothing more is wanted of the peer, `socket.destroySoon()` instead of `end()`: it sends what is queued and closes; the kernel forgets the rest after net.ipv4.tcp_fin_timeout (60 s).',
  ],
};
