import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';

/** What of this machine decides how a measurement is run, and how far it can be trusted. */
export interface Machine {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly loadAverage: number;
  /** Whether processes can be pinned: the program under test to one core, its load to another. */
  readonly pins: boolean;
  /** Whether a part can have a network namespace of its own, whose TIME_WAIT rows go with it. */
  readonly namespaces: boolean;
}

/** The command that runs another in a network namespace of its own, with its loopback up. */
export const IN_NAMESPACE: readonly string[] = ['unshare', '-rn', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'];

/** Looks at this machine. */
export function lookAtMachine(): Machine {
  const cores = cpus().length;
  return {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores,
    loadAverage: loadavg()[0] ?? 0,
    pins: cores >= 2 && runs('taskset', ['-c', '0', 'true']),
    namespaces: runs(IN_NAMESPACE[0] as string, [...IN_NAMESPACE.slice(1), 'true']),
  };
}

function runs(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
