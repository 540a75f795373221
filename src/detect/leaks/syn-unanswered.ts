import { agree } from '../wording.ts';
import type { LeakFacts, LeakRule } from './leak.ts';

/** SYN_SENT: neither SYN-ACK nor RST. */
export const SYN_UNANSWERED: LeakRule = {
  explain: ({ sockets }) =>
    `nobody answers ${agree(sockets, 'the SYN', 'their SYNs')}, neither with SYN-ACK nor with RST`,
  fix: (group) => [
    'Look for what drops the packets: a firewall or security group, a wrong address, a server whose accept queue is full.',
    `Bound connecting: ${boundOf(group)}`,
    'Without a bound the kernel gives up after some 2 min (net.ipv4.tcp_syn_retries is 6).',
  ],
};

function boundOf({ kind }: LeakFacts): string {
  switch (kind) {
    case 'undici':
      return '`new Agent({ connect: { timeout: 5_000 } })` of undici; 10 s is its default.';
    case 'agent':
      return "`timeout: 5_000` on the request, and `request.on('timeout', () => request.destroy())`.";
    default:
      return "`socket.setTimeout(5_000, () => socket.destroy())`, and `socket.setTimeout(0)` on 'connect'. net has no connect timeout: its `timeout` option only emits 'timeout', and `new Socket().connect()` ignores it.";
  }
}
