import { size } from '../wording.ts';
import { IDLE_LIMIT } from './advice.ts';
import type { CloseWaitFacts, CloseWaitRule } from './close-wait-facts.ts';

/**
 * The peer has ended its side and does not take what this side still sends: no FIN goes out before the last byte. Bytes in
 * the kernel alone are no stall while nobody has called end(): then that is what is missing.
 */
export const WRITE_STALLED: CloseWaitRule = {
  matches: ({ unsentInNode, writableEnded, sendQueue }: CloseWaitFacts) =>
    unsentInNode > 0 || (writableEnded && sendQueue > 0),
  explain({ unsentInNode, sendQueue }) {
    const queues = [
      ...(unsentInNode > 0 ? [`${size(unsentInNode)} in Node`] : []),
      ...(sendQueue > 0 ? [`${size(sendQueue)} in the kernel`] : []),
    ];
    const waiting = queues.length > 0 ? queues.join(' and ') : 'bytes';
    return `the peer has ended and does not read: ${waiting} wait to be sent, and the FIN behind them`;
  },
  fix: ({ kind, side }) => [
    kind === 'http' && side === 'server'
      ? 'Bound it: `server.setTimeout(60_000)` closes a connection on which nothing moves for that long. By default nothing bounds it: `server.timeout` is 0.'
      : `Bound it: ${IDLE_LIMIT}. By default nothing bounds it.`,
    "Write no more than is taken: stop when `write()` returns false and go on at 'drain', or use `pipeline()` of node:stream.",
  ],
};
