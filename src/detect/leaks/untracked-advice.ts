import type { LeakFacts } from './leak.ts';

/** The first thing to try where finwait does not know a socket. */
export const OBSERVE_ALL =
  'Let finwait see every socket: `monitor.observeProcess()` as early as can be, or start with `node --import finwait/register`.';

/** Who has the descriptor where Node has no socket for it. */
export function holdsDescriptor({ sockets }: LeakFacts): string {
  return `If that changes nothing, a worker thread has ${sockets === 1 ? 'it' : 'them'} (a monitor there names ${sockets === 1 ? 'it' : 'them'}), a native add-on, or a bare handle: \`ls -l /proc/PID/fd\` and \`ss -tape\` show the inode that the samples have.`;
}
