import { counterGrowth, type LoadWindow } from './load-window.ts';

/** RSTs of the whole network namespace over a load, by what made the kernel send them. */
export interface ResetCount {
  /** Without those that refused a connect. */
  readonly sent: number;
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
  const sent = counterGrowth(window, 'resetsSent');
  if (sent === undefined) return undefined;
  return {
    // A refused connect is one failed attempt at one end and one RST at the other.
    sent: Math.max(0, sent - (counterGrowth(window, 'attemptFails') ?? 0)),
    onData: counterGrowth(window, 'abortsOnData') ?? 0,
    onClose: counterGrowth(window, 'abortsOnClose') ?? 0,
    onTimeout: counterGrowth(window, 'abortsOnTimeout') ?? 0,
    onMemory: counterGrowth(window, 'abortsOnMemory') ?? 0,
  };
}
