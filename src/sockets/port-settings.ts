import { STATE } from '../tcp/state.ts';
import { PortSet } from './port-set.ts';
import type { KernelRow } from './row.ts';
import { isLoopback, TUPLE } from './tuple.ts';

/** Ports from one to another, both included. */
interface Ports {
  readonly from: number;
  readonly to: number;
}

/** What the kernel chooses the local ports of outgoing connections by. Undefined is unknown. */
export interface PortSettings {
  /** net.ipv4.ip_local_port_range */
  readonly localPortRange: Ports | undefined;
  /** net.ipv4.ip_local_reserved_ports */
  readonly reservedPorts: readonly Ports[] | undefined;
  /** net.ipv4.tcp_tw_reuse: whether connect(2) takes ports over from TIME_WAITs. 0 never, 1 always, 2 over loopback. */
  readonly timeWaitReuse: number | undefined;
}

/** What is left of a TIME_WAIT's minute when connect(2) may take its port over: it must be older than a second. */
const REUSABLE_MS = 59_000;

/** Whether connect(2) may take the local port of a row over, as the kernel decides it in tcp_twsk_unique(). */
export function isReusable({ state, timer, timerMs, tuple }: Readonly<KernelRow>, timeWaitReuse: number): boolean {
  if (state !== STATE.TIME_WAIT || timer !== 'timewait' || !(timerMs < REUSABLE_MS)) return false;
  switch (timeWaitReuse) {
    case 1:
      return true;
    case 2:
      return isLoopback(tuple, TUPLE.localAddress) || isLoopback(tuple, TUPLE.peerAddress);
    default:
      return false;
  }
}

/** The ports that the kernel may choose; undefined where the range is not known. */
export function usablePorts(settings: PortSettings | undefined): PortSet | undefined {
  if (settings?.localPortRange === undefined) return undefined;
  const ports = new PortSet();
  for (let port = settings.localPortRange.from; port <= settings.localPortRange.to; port++) ports.add(port);
  for (const { from, to } of settings.reservedPorts ?? []) for (let port = from; port <= to; port++) ports.delete(port);
  return ports;
}
