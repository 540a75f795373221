import { readFileSync } from 'node:fs';

/** Ports from one to another, both included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** The settings of this network namespace that limit its sockets. Undefined where they cannot be read. */
export interface Sysctls {
  /** net.ipv4.ip_local_port_range: what the kernel chooses local ports from. */
  readonly localPortRange: PortRange | undefined;
  /** net.ipv4.ip_local_reserved_ports: what it leaves out of that. */
  readonly reservedPorts: readonly PortRange[] | undefined;
  /** net.ipv4.tcp_tw_reuse: connect(2) may take a port over from a TIME_WAIT. 0 never, 1 always, 2 over loopback. */
  readonly timeWaitReuse: number | undefined;
  /** net.ipv4.tcp_max_tw_buckets: so many TIME_WAITs are kept at most. */
  readonly maxTimeWaits: number | undefined;
  /** net.core.somaxconn: what the backlog of listen(2) is cut to. */
  readonly maxBacklog: number | undefined;
}

/**
 * Reads the settings. The files are opened for it, so while descriptors have run out everything is undefined: keep what
 * an earlier call gave. Never throws.
 *
 * @example readSysctls().localPortRange // { from: 32768, to: 60999 }
 */
export function readSysctls(procRoot = '/proc'): Sysctls {
  const read = <T>(name: string, parse: (text: string) => T | undefined): T | undefined => {
    try {
      return parse(readFileSync(`${procRoot}/sys/net/${name}`, 'latin1'));
    } catch {
      // A hardened mount, another system, or no descriptor left.
      return undefined;
    }
  };
  return {
    localPortRange: read('ipv4/ip_local_port_range', parsePortRange),
    reservedPorts: read('ipv4/ip_local_reserved_ports', parsePortList),
    timeWaitReuse: read('ipv4/tcp_tw_reuse', parseNumber),
    maxTimeWaits: read('ipv4/tcp_max_tw_buckets', parseNumber),
    maxBacklog: read('core/somaxconn', parseNumber),
  };
}

/** Parses `32768\t60999\n`. */
export function parsePortRange(text: string): PortRange | undefined {
  const match = /^(\d+)\s+(\d+)$/.exec(text.trim());
  return match === null ? undefined : portRange(match[1] as string, match[2] as string);
}

/** Parses `40000-40015,50000\n`; an empty line is an empty list. */
export function parsePortList(text: string): readonly PortRange[] | undefined {
  const ranges: PortRange[] = [];
  const list = text.trim();
  if (list === '') return ranges;
  for (const item of list.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(item);
    const range = match === null ? undefined : portRange(match[1] as string, match[2] ?? (match[1] as string));
    if (range === undefined) return undefined;
    ranges.push(range);
  }
  return ranges;
}

/** Parses a file that holds one number. */
export function parseNumber(text: string): number | undefined {
  return /^-?\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
}

/**
 * How many local ports the kernel may choose from: those of the range that are not reserved. It is the limit for one
 * local address towards one peer's address and port, not for all sockets together.
 *
 * @example ephemeralPortCount({ from: 40000, to: 40031 }, [{ from: 40000, to: 40015 }]) // 16
 */
export function ephemeralPortCount(range: PortRange, reserved: readonly PortRange[]): number {
  let count = 0;
  let next = range.from;
  for (const { from, to } of [...reserved].sort((one, other) => one.from - other.from)) {
    count += Math.max(Math.min(from, range.to + 1) - next, 0);
    next = Math.max(next, to + 1);
  }
  return count + Math.max(range.to + 1 - next, 0);
}

function portRange(from: string, to: string): PortRange | undefined {
  const range = { from: Number(from), to: Number(to) };
  return range.from <= range.to && range.to <= 0xffff ? range : undefined;
}
