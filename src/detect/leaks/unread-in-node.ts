import { size } from '../wording.ts';
import type { CloseWaitFacts, CloseWaitRule } from './close-wait-facts.ts';
import { readingAdvice } from './reading-advice.ts';

/**
 * Node has all that the peer sent, and the program does not take it: Node has read the end and holds 'end' back until the
 * bytes before it are read; or it stopped reading between the last byte and the end. Then the kernel's queue is empty too,
 * because recv(2) takes a FIN together with the bytes of its segment.
 */
export const UNREAD_IN_NODE: CloseWaitRule = {
  matches({ eofRead, endEmitted, isReading, receiveQueue }: CloseWaitFacts) {
    return eofRead ? !endEmitted : isReading === false && receiveQueue === 0;
  },
  explain({ unreadInNode, state }) {
    const bytes = unreadInNode > 0 ? size(unreadInNode) : 'bytes';
    if (state === 'fin_wait_2') {
      return `this side has ended, and the program does not read what the peer still sends: ${bytes} wait in Node`;
    }
    return `the peer has ended, and the program has not read all that it sent: 'end' waits behind ${bytes} in Node`;
  },
  fix: readingAdvice,
};
