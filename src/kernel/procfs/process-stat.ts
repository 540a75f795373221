import { readFileSync } from 'node:fs';

/** What /proc/PID/stat says of a process or a thread. */
export interface ProcessStat {
  readonly parent: number;
  /** Its process group, by the process that leads it or did. */
  readonly group: number;
  /** `Z` has ended, and its parent has not waited for it. */
  readonly state: string;
  readonly ownMs: number;
  readonly childrenMs: number;
}

/** Parses /proc/PID/stat (proc_pid_stat(5)); undefined where the text is none. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  // The second field is the name that the process chose, brackets and spaces included: what follows its last bracket counts.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent, group] = fields;
  // utime, stime, cutime and cstime are fields 14 to 17.
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map((ticks) => Number(ticks) * TICK_MS);
  const numbers = [Number(parent), Number(group), user, system, childrenUser, childrenSystem];
  if (fields.length < 15 || numbers.some((number) => !Number.isFinite(number))) return undefined;
  return {
    parent: Number(parent),
    group: Number(group),
    state,
    ownMs: (user as number) + (system as number),
    childrenMs: (childrenUser as number) + (childrenSystem as number),
  };
}

/** Reads and parses the `stat` of a process or a thread by its folder; undefined when it has ended. Any user may. */
export function readStat(folder: string): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`${folder}/stat`, 'latin1'));
  } catch {
    // It has ended meanwhile, or there is no procfs.
    return undefined;
  }
}

/** USER_HZ is 100 on every architecture that Node runs on, whatever the kernel's own tick. */
const TICK_MS = 10;
