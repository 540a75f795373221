import { IDLE_LIMIT, JOIN_BY_PIPELINE } from './advice.ts';
import type { LeakFacts } from './leak.ts';

/** What makes the program read to the end, or give up: the same wherever the bytes wait. */
export function readingAdvice(group: LeakFacts): readonly string[] {
  switch (group.kind) {
    case 'http':
      return [
        'Read the body of the request to its end, or discard it: `request.resume()`; a stream that it is piped into must go on taking bytes.',
        "Bound it: `server.setTimeout(60_000)`. `server.requestTimeout` ends it as well (5 min by default, 0 is never), counted from the request's begin.",
      ];
    case 'agent':
      return [
        'Read the body of the response to its end, or discard it: `response.resume()`, or `response.destroy()`.',
        "Bound it: `timeout: 30_000` on the request, and `request.on('timeout', () => request.destroy())`.",
      ];
    case 'undici':
      return [
        'Read the body of every response, or discard it: `await response.body.dump()` with undici, `await response.body?.cancel()` with fetch.',
        "Bound it: an `AbortSignal.timeout(...)` as `signal`. undici's `bodyTimeout` does not run while nobody reads.",
      ];
    case 'upgraded':
      return [
        "Read the upgraded socket (`socket.resume()`, a 'data' listener, a pipe) and end it: `socket.on('end', () => socket.end())`; or `socket.destroy()`.",
        `Bound it: ${IDLE_LIMIT}. The server's timeouts do not close an upgraded socket.`,
      ];
    case 'connect':
      return [JOIN_BY_PIPELINE, `Give both a limit: ${IDLE_LIMIT}.`];
    case 'net':
    case 'tls':
    case 'http2':
    case 'client':
    case 'closed':
    case 'unknown':
      return [
        ...(group.pairedWith.length > 0 ? [JOIN_BY_PIPELINE] : []),
        'Read on: `socket.resume()` after a `pause()` or with `pauseOnConnect`, and let what it is piped into take bytes; or `socket.destroy()`.',
        `Bound it: ${IDLE_LIMIT}.`,
      ];
  }
}
