import { counterGrowth, isCalledFromHere, type LoadWindow } from './load-window.ts';

/** RSTs of the whole network namespace over a load, by what made the kernel send them. */
export interface ResetCount {
  /** Without those that refused a connect. */
  readonly sent: number;
  /** Of these, those that ended a connection which both ends still had open. */
  readonly aborted: number;
  /** Of these, the others: answers to data that came after this end had closed. The client was told by a FIN before. */
  readonly late: number;
  /** Connections that somebody outside of the namespace reset. */
  readonly received: number;
  /** `resetAndDestroy()`, and data that came to a socket which was closed a moment ago. */
  readonly onData: number;
  /** Closed while bytes lay unread. */
  readonly onClose: number;
  /** The peer did not acknowledge in time: given up, and usually without an RST. */
  readonly onTimeout: number;
  readonly onMemory: number;
}

/** Undefined where the kernel's count of RSTs is not known. */
export function resetsOf(window: LoadWindow): ResetCount | undefined {
  const all = counterGrowth(window, 'resetsSent');
  if (all === undefined) return undefined;
  // A refused connect is one failed attempt at one end and one RST at the other.
  const sent = Math.max(0, all - (counterGrowth(window, 'attemptFails') ?? 0));
  // EstabResets counts each end that was in ESTABLISHED or CLOSE_WAIT. With both ends in this namespace that is 2 where
  // a connection was aborted, and 1 where only the client had it still.
  const ends = counterGrowth(window, 'establishedResets') ?? sent * 2;
  const isBoth = isCalledFromHere(window) ?? true;
  const aborted = Math.min(sent, isBoth ? Math.max(0, ends - sent) : ends);
  return {
    sent,
    aborted,
    late: sent - aborted,
    received: isBoth ? 0 : Math.max(0, ends - sent),
    onData: counterGrowth(window, 'abortsOnData') ?? 0,
    onClose: counterGrowth(window, 'abortsOnClose') ?? 0,
    onTimeout: counterGrowth(window, 'abortsOnTimeout') ?? 0,
    onMemory: counterGrowth(window, 'abortsOnMemory') ?? 0,
  };
}
