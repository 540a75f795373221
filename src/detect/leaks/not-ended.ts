import { IDLE_LIMIT, JOIN_BY_PIPELINE } from './advice.ts';
import type { CloseWaitFacts, CloseWaitRule } from './close-wait-facts.ts';
import type { LeakFacts } from './leak.ts';

/** 'end' came, and this side has not ended. */
export const NOT_ENDED: CloseWaitRule = {
  matches: ({ endEmitted, writableEnded }: CloseWaitFacts) => endEmitted && !writableEnded,
  explain({ pairedWith }) {
    const why = pairedWith.length > 0 ? ': a pipe ends it only when the socket at its other end has ended' : '';
    return `the peer's FIN was read and nobody called end()${why}`;
  },
  fix(group: LeakFacts): readonly string[] {
    switch (group.kind) {
      case 'upgraded':
        return [
          "Handle 'end' on the upgraded socket: `socket.on('end', () => socket.end())`, or set `socket.allowHalfOpen = false` in the 'upgrade' listener.",
          `Bound it: ${IDLE_LIMIT}. The server's timeouts do not close an upgraded socket.`,
        ];
      case 'connect':
        return [
          JOIN_BY_PIPELINE,
          `Give both a limit, because a peer may keep its half open for ever: ${IDLE_LIMIT}.`,
          "If nothing is piped: `socket.on('end', () => socket.end())` on the socket of the 'connect' listener.",
        ];
      case 'http':
        return [
          'End the response: `response.end()`. With `server.httpAllowHalfOpen = true` Node leaves that to you; leave it off if you can.',
          'Bound it: `server.setTimeout(60_000)`; by default there is no limit.',
        ];
      case 'net':
      case 'tls':
      case 'http2':
      case 'client':
      case 'agent':
      case 'undici':
      case 'closed':
      case 'unknown':
        return [
          ...(group.pairedWith.length > 0 ? [JOIN_BY_PIPELINE] : []),
          "Call `socket.end()` on 'end', or leave `allowHalfOpen: true` away: without it Node does so.",
          `Bound it: ${IDLE_LIMIT}.`,
        ];
    }
  },
};
