import { size } from '../wording.ts';
import type { CloseWaitFacts, CloseWaitRule } from './close-wait-facts.ts';
import { readingAdvice } from './reading-advice.ts';

/**
 * The handle does not read, so that the FIN, and what is before it, stays in the kernel. Not once Node has read an end:
 * that of TLS is an alert, and behind it the FIN stays unread for good.
 */
export const UNREAD_IN_KERNEL: CloseWaitRule = {
  matches: ({ isReading, eofRead, receiveQueue }: CloseWaitFacts) =>
    isReading === false && !eofRead && receiveQueue >= 1,
  explain({ receiveQueue, sockets, state }) {
    if (state === 'fin_wait_2') {
      return `this side has ended, and the program does not read what the peer still sends: ${size(receiveQueue)} wait in the kernel`;
    }
    // Each FIN counts as a byte.
    const before = receiveQueue - sockets;
    const behind = before > 0 ? ` behind ${size(before)}` : '';
    return `the peer has ended, and the program has stopped reading: the FIN waits in the kernel${behind}`;
  },
  fix: readingAdvice,
};
