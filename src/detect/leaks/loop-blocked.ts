import { BLOCKED_TURN_MS } from '../../sockets/accept-pressure.ts';
import type { CloseWaitFacts, CloseWaitRule } from './close-wait-facts.ts';

/** The program reads, and had no chance to. */
export const LOOP_BLOCKED: CloseWaitRule = {
  matches({ loopBlockedMs, isReading, eofRead, isComparable }: CloseWaitFacts) {
    const wasUnread = !eofRead || !isComparable;
    return loopBlockedMs >= BLOCKED_TURN_MS && isReading !== false && wasUnread;
  },
  explain: () => 'no leak: the event loop was blocked, so Node had not come to read the FIN when the table was made',
  fix: () => [
    'Move long work off the event loop: into a worker thread, or into slices. `node --cpu-prof` shows which function it is.',
    'Nothing is wrong with these sockets: Node closes them once the loop turns again.',
  ],
};
