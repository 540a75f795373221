import type { SocketFlags } from '../../sockets/socket-flags.ts';
import type { LeakRule } from './leak.ts';

/** What is known of one socket whose row said CLOSE_WAIT: the row, and Node's flags as they are now. */
export interface CloseWaitFacts extends SocketFlags {
  /** Whether finwait has a record of it. Without one, nothing else here means anything. */
  readonly isTracked: boolean;
  /** Whether the record is unchanged since before the table was read: only then may row and flags be compared. */
  readonly isComparable: boolean;
  /** The longest turn of the event loop, in milliseconds, while the table was read. */
  readonly loopBlockedMs: number;
  /** Bytes in the kernel's queues. A FIN that is unread counts as one, unless the last bytes came in its segment. */
  readonly receiveQueue: number;
  readonly sendQueue: number;
}

/** A {@link LeakRule} that tells by itself whether it is the one. */
export interface CloseWaitRule extends LeakRule {
  /** Whether the facts are a case of it, provided that no earlier rule of the order took them. */
  matches(facts: CloseWaitFacts): boolean;
}
