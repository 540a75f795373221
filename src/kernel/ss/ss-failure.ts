import { constants } from 'node:os';

/**
 * Why a run of ss gave no table that can be trusted. An exit code of 0 is no proof: ss also exits with it after it
 * fell back to procfs, or broke off in the middle of a dump.
 *
 * - `enoent`: there is no such file, also where a shell says so with exit code 127. `eacces`: it cannot be executed (126),
 *   or this process may start none.
 * - `spawn_failed`: no process could be started (out of descriptors, processes or memory); the detail has the code.
 * - `unsupported_option`: exit 255, an ss that does not know an option. There is no smaller set of options to try: each
 *   of `-Htanoe` is in iproute2 4.9, -D is older still, and without -H, which came last (4.7), its header would be read as
 *   well.
 * - `usage`: any other exit code that is not 0.
 * - `netlink_denied_fallback`: ss read /proc/net/tcp instead, or would have, had it been asked for text.
 *   `netlink_partial`: the dump failed half-way; its rows are incomplete and some are there twice.
 * - `signalled`: a signal ended it (SIGSYS: a seccomp filter), or the caller did. `timeout`: it was killed for taking too long.
 * - `helper_died`: the shell that ran ss ended under it. The next run does without, or has a new one.
 * - `truncated`: its output ends inside a line, or without the message that ends a dump. `parse_ratio`: more than 1% of
 *   the lines or messages are no rows; where it is most of them, or most of the bytes, ss is ended early.
 * - `empty_suspect`: no rows, although other counters say that there are sockets.
 * - `consumer_threw`: the caller's `onRow` threw.
 */
export const SS_FAILURES = [
  'enoent',
  'eacces',
  'spawn_failed',
  'unsupported_option',
  'usage',
  'netlink_denied_fallback',
  'netlink_partial',
  'signalled',
  'timeout',
  'helper_died',
  'truncated',
  'parse_ratio',
  'empty_suspect',
  'consumer_threw',
] as const;

/** One of {@link SS_FAILURES}. */
export type SsFailure = (typeof SS_FAILURES)[number];

/**
 * What is wrong with a table that can still be used: `stderr`, ss complained of something unknown; `unparsed`, up to
 * 1% of the lines or messages are no rows.
 */
export const SS_DEGRADATIONS = ['stderr', 'unparsed'] as const;

/** One of {@link SS_DEGRADATIONS}. */
export type SsDegradation = (typeof SS_DEGRADATIONS)[number];

/**
 * What one line that ss wrote to stderr means for its table: a failure, `degraded` where it is not known, or
 * undefined where it means nothing.
 *
 * @example judgeComplaint('RTNETLINK answers: Device or resource busy') // 'netlink_partial'
 */
export function judgeComplaint(line: string): SsFailure | 'degraded' | undefined {
  if (line === '' || CGROUP_NAME_UNKNOWN.test(line)) return undefined;
  if (NETLINK_DENIED.test(line)) return 'netlink_denied_fallback';
  if (NETLINK_BROKEN.test(line)) return 'netlink_partial';
  return 'degraded';
}

/**
 * Whether some of these lines may mean a failure to {@link judgeComplaint}. Much cheaper than to ask it line by line.
 *
 * @example maySayFailure('one\ntwo\n') // false
 */
export function maySayFailure(lines: string): boolean {
  return NETLINK.test(lines);
}

/** The failure that an exit code other than 0 stands for; a shell counts 128 + n after the signal n. */
export function judgeExitCode(code: number): SsFailure {
  switch (code) {
    case 126:
      return 'eacces';
    case 127:
      return 'enoent';
    case 255:
      return 'unsupported_option';
    default:
      return signalOf(code) === undefined ? 'usage' : 'signalled';
  }
}

/**
 * The failure that an error of the kernel's answer stands for. Without tcp_diag, which a container may not have loaded, it
 * is ENOENT or EOPNOTSUPP: ss says nothing of these and would read procfs.
 */
export function judgeRefusal(errno: number): SsFailure {
  return errno === constants.errno.ENOENT || errno === constants.errno.EOPNOTSUPP
    ? 'netlink_denied_fallback'
    : 'netlink_partial';
}

/** The name of the signal that an exit code stands for, such as SIGSYS for 159. */
export function signalOf(code: number): string | undefined {
  const number = code - 128;
  if (number <= 0 || number > 64) return undefined;
  const found = Object.entries(constants.signals).find((entry) => entry[1] === number);
  return found?.[0] ?? `signal ${number}`;
}

/** The failure that an error of spawn(2), or of Node's permission model, stands for. */
export function judgeSpawnError(code: string | undefined): SsFailure {
  if (code === 'ENOENT') return 'enoent';
  return code === 'EACCES' || code === 'EPERM' || code === 'ERR_ACCESS_DENIED' ? 'eacces' : 'spawn_failed';
}

// With -e ss looks up the name of every socket's cgroup and complains once per socket that has none it can see:
// no cgroup2 mount, no CAP_DAC_READ_SEARCH in a container (iproute2, lib/fs.c, get_cgroup2_path).
const CGROUP_NAME_UNKNOWN = /cgroup2|^Failed to (open mounts file|read value of symbolic link)/;

// What iproute2's lib/libnetlink.c says when it cannot open its socket, and when a dump breaks off.
const NETLINK_DENIED = /^Cannot (open|bind) netlink socket|^Cannot getsockname/;
const NETLINK_BROKEN =
  /netlink receive error|RTNETLINK answers|TCPDIAG answers|EOF on netlink|Dump was interrupted|[Mm]essage truncated|Remnant/;
const NETLINK = new RegExp(`${NETLINK_DENIED.source}|${NETLINK_BROKEN.source}`, 'm');
