import type { LeakRule } from './leak.ts';

/** What is known of one socket whose row said CLOSE_WAIT: the row, and Node's flags as they are now. */
export interface CloseWaitFacts {
  /** Whether finwait has a record of it. Without one, nothing else here means anything. */
  readonly isTracked: boolean;
  /** Whether the record is unchanged since before the table was read: only then may row and flags be compared. */
  readonly isComparable: boolean;
  /** The longest turn of the event loop, in milliseconds, while the table was read. */
  readonly loopBlockedMs: number;
  /** Bytes in the kernel's queues. A FIN that is unread counts as one, unless the last bytes came in its segment. */
  readonly receiveQueue: number;
  readonly sendQueue: number;
  /** Whether the handle reads; undefined where it is gone, or does not say. */
  readonly isReading: boolean | undefined;
  /** Whether read(2) has returned 0 to Node. */
  readonly eofRead: boolean;
  /** Whether 'end' was emitted. */
  readonly endEmitted: boolean;
  /** Bytes in the socket's own buffer; those in the buffer of an HTTP body are not among them. */
  readonly unreadInNode: number;
  /** Whether end() was called. */
  readonly writableEnded: boolean;
  /** Whether all was given to the kernel, the FIN included. */
  readonly writableFinished: boolean;
  readonly unsentInNode: number;
}

/** A {@link LeakRule} that tells by itself whether it is the one. */
export interface CloseWaitRule extends LeakRule {
  /** Whether the facts are a case of it, provided that no earlier rule of the order took them. */
  matches(facts: CloseWaitFacts): boolean;
}
