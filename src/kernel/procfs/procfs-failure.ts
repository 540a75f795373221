/**
 * Why reading /proc/net/tcp and tcp6 gave no table that can be trusted. What `SS_FAILURES` has too means the same.
 *
 * - `procfs_missing`: there is no /proc/net/tcp (`subset=pid`, a hardened mount, not Linux).
 * - `eacces`: a file may not be read. `read_failed`: it cannot be for another reason, no free descriptor among them; the
 *   detail has the code. A tcp6 that is absent is none of them: IPv6 is switched off.
 * - `timeout`: it took too long. `aborted`: the caller gave it up.
 * - `truncated`: a file ends inside a line. `parse_ratio`: more than 1% of the lines are no rows, or a file does not
 *   begin with the kernel's header.
 * - `empty_suspect`: no rows, although other counters say that there are sockets.
 * - `consumer_threw`: the caller's `onRow` threw.
 */
export const PROCFS_FAILURES = [
  'procfs_missing',
  'eacces',
  'read_failed',
  'timeout',
  'aborted',
  'truncated',
  'parse_ratio',
  'empty_suspect',
  'consumer_threw',
] as const;

/** One of {@link PROCFS_FAILURES}. */
export type ProcfsFailure = (typeof PROCFS_FAILURES)[number];

/** What is wrong with a table that can still be used: `unparsed`, up to 1% of the lines are no rows. */
export const PROCFS_DEGRADATIONS = ['unparsed'] as const;

/** One of {@link PROCFS_DEGRADATIONS}. */
export type ProcfsDegradation = (typeof PROCFS_DEGRADATIONS)[number];

/**
 * The failure that the code of an error of open(2) or read(2), or of Node's permission model, stands for.
 *
 * @example judgeReadError('ENOENT') // 'procfs_missing'
 */
export function judgeReadError(code: string | undefined): ProcfsFailure {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'procfs_missing';
  return code === 'EACCES' || code === 'EPERM' || code === 'ERR_ACCESS_DENIED' ? 'eacces' : 'read_failed';
}
