import type { PortSettings } from '../sockets/port-settings.ts';
import { REUSE } from './connection-reuse.ts';
import { recentReuseShare, type UpstreamSnapshot } from './upstream.ts';
import { grouped } from './wording.ts';

/** So many requests that find a connection leave little to gain. */
export const HIGH_REUSE = 0.9;
/** Most of what there can be: a wider range than this gains little. */
const WIDE_RANGE = 50_000;

/** What gives a name more local ports, the most effective first. */
export function portAdvice(upstream: UpstreamSnapshot, settings: PortSettings | undefined): string[] {
  const { churn, ports } = upstream;
  const reuse = recentReuseShare(churn);
  return [
    ...(reuse === undefined || reuse < HIGH_REUSE ? REUSE.slice(0, 2) : []),
    ...(ports.isBound ? [UNBIND] : []),
    ...(ports.limit === undefined || ports.limit < WIDE_RANGE ? [widen(ports.limit)] : []),
    ...(ports.isBound ? [] : timeWaitReuse(settings?.timeWaitReuse)),
    ...(ports.isBound ? [] : [SPREAD]),
  ];
}

const SPREAD = 'Connect to more addresses or ports of the upstream: each has all local ports of its own.';

/** What to do about `localAddress`. */
export const UNBIND =
  'Remove `localAddress` (and `localPort`): Node binds without IP_BIND_ADDRESS_NO_PORT, so that each port serves one destination only, and a TIME_WAIT holds it whatever tcp_tw_reuse says. Choose the address by a route instead (`ip route ... src ADDRESS`).';

/** What to do about the range. */
export function widen(limit: number | undefined): string {
  const now = limit === undefined ? '' : `, now ${grouped(limit)} ports`;
  return `Widen the range${now}: \`sysctl -w net.ipv4.ip_local_port_range="10240 65535"\` has 55,296, less what is reserved or listened on.`;
}

/** What to do about net.ipv4.tcp_tw_reuse: nothing where it is 1, or not known. */
export function timeWaitReuse(setting: number | undefined): string[] {
  switch (setting) {
    case 0:
      return [
        'net.ipv4.tcp_tw_reuse is 0: with 1, connect(2) takes a port over from a TIME_WAIT older than a second (with TCP timestamps at both ends).',
      ];
    case 2:
      return [
        'net.ipv4.tcp_tw_reuse is 2, which helps over loopback only: with 1, connect(2) takes a port over from a TIME_WAIT older than a second (with TCP timestamps at both ends).',
      ];
    default:
      return [];
  }
}
