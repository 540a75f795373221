import { BLOCKED_TURN_MS, FREE_TURN_MS } from '../sockets/accept-pressure.ts';
import type { Saturation, ServerUse } from './server-use.ts';
import type { Verdict } from './verdict.ts';
import { counted, duration, grouped, known } from './wording.ts';

/** What the kernel makes of a backlog. */
export interface AcceptSettings {
  /** net.core.somaxconn; undefined where it cannot be read. */
  readonly maxBacklog?: number | undefined;
}

/** What happened longer ago is no news. */
const RECENT_MS = 300_000;

/** An accept queue that was full: because the event loop did not come round to accept, or because it is too short. */
export function checkAcceptQueue(server: ServerUse, settings: AcceptSettings | undefined): Verdict | undefined {
  const { saturation } = server;
  if (saturation === undefined || saturation.agoMs > RECENT_MS) return undefined;
  return saturation.loopBlockedMs >= BLOCKED_TURN_MS
    ? loopBlocked(server, saturation)
    : tooShort(server, saturation, settings);
}

function loopBlocked({ name }: ServerUse, saturation: Saturation): Verdict {
  const { connections, limit, agoMs, loopBlockedMs, overflows } = saturation;
  return {
    kind: 'accept_queue_full',
    name,
    side: 'server',
    severity: 'critical',
    sentence: `${counted(connections, 'connection')} waited to be accepted by \`${name}\` ${duration(agoMs)} ago, and its queue takes ${grouped(limit)}: the event loop did nothing else than one piece of work for at least ${duration(loopBlockedMs)}. Clients saw their connect or their first answer hang${lost(overflows)}.`,
    advice: [
      'Find what holds the event loop: a CPU profile (`node --cpu-prof`), or `perf_hooks.monitorEventLoopDelay()`. Move it to a worker thread, or divide it.',
      'A longer queue only lets more clients wait for as long.',
    ],
    evidence: known({ connections, limit, loopBlockedMs, overflows }),
  };
}

function tooShort({ name }: ServerUse, saturation: Saturation, settings: AcceptSettings | undefined): Verdict {
  const { connections, limit, agoMs, loopBlockedMs, overflows } = saturation;
  const most = settings?.maxBacklog;
  return {
    kind: 'accept_queue_full',
    name,
    side: 'server',
    severity: 'critical',
    sentence: `${counted(connections, 'connection')} waited to be accepted by \`${name}\` ${duration(agoMs)} ago, and its queue takes ${grouped(limit)}, ${loopBlockedMs < FREE_TURN_MS ? 'though the event loop was free' : `with turns of the event loop of ${duration(loopBlockedMs)}`}: more connections arrive at a time than there is room for${lost(overflows)}.`,
    advice:
      most !== undefined && limit > most
        ? [raiseSomaxconn(most), RAISE_BACKLOG, ...shorten(loopBlockedMs)]
        : [RAISE_BACKLOG, ...shorten(loopBlockedMs)],
    evidence: known({ connections, limit, loopBlockedMs, overflows, somaxconn: most }),
  };
}

/** What to do about a queue that is too short. */
export const RAISE_BACKLOG =
  'Pass a larger backlog: `server.listen({ port, backlog: 4096 })`; Node asks for 511 unless told, and the kernel cuts it to `net.core.somaxconn`.';

/** What to do where the kernel cuts the backlog. */
export function raiseSomaxconn(most: number): string {
  return `Raise \`net.core.somaxconn\` first: it is ${grouped(most)} here, and cuts whatever backlog a server asks for.`;
}

function shorten(loopBlockedMs: number): string[] {
  return loopBlockedMs < FREE_TURN_MS ? [] : ['Or shorten the turns: nothing is accepted meanwhile.'];
}

function lost(overflows: number | undefined): string {
  if (overflows === undefined || overflows === 0) return '';
  return `; ${counted(overflows, 'connection')} found no place (a count of the whole network namespace)`;
}
