import { agree, size } from '../wording.ts';
import type { LeakRule } from './leak.ts';

/** LAST_ACK and CLOSING: the program has closed, the kernel has not. */
export const FIN_UNACKNOWLEDGED: LeakRule = {
  explain({ sockets, sendQueue }) {
    // A FIN that was not acknowledged counts as a byte.
    const unsent = sendQueue - sockets;
    return unsent > 0
      ? `closed here, and the ${agree(sockets, 'peer does', 'peers do')} not take the last ${size(unsent)}, nor the FIN behind`
      : `closed here, and the ${agree(sockets, 'peer does', 'peers do')} not acknowledge the FIN`;
  },
  fix: () => [
    'Nothing to change in the program: it has closed. The kernel sends again and gives up by net.ipv4.tcp_orphan_retries (0 means 8: some 100 s where round trips are short).',
    'Look at the network: a peer that vanished without RST, a firewall or a NAT that forgot the connection.',
    'A great many of them are bounded by net.ipv4.tcp_max_orphans; beyond it the kernel resets.',
  ],
};
