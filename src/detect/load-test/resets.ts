import { counted, percent } from '../wording.ts';
import { grew, impactOf } from './evidence.ts';
import type { Confidence, Finding } from './finding.ts';
import { checkKeepAliveRace } from './keep-alive-race.ts';
import type { LoadRun } from './load-run.ts';
import {
  counterGrowth,
  growth,
  isCalledFromHere,
  type LoadWindow,
  movedSpan,
  steadyLoad,
  tablePeak,
} from './load-window.ts';
import { type ResetCount, resetsOf } from './reset-count.ts';
import { shortConnections } from './short-connections.ts';
import { looksWithoutListener } from './target-gone.ts';

/** A client that goes leaves one now and then. */
const LEAST = 10;
/** Of the connections that were open. */
const LEAST_SHARE = 0.02;
/** What most of them have in common. */
const MOST = 0.5;

/** Who reset, and how it is known. */
interface Direction {
  readonly by: 'server' | 'clients' | 'either' | 'unknown';
  readonly count: number;
  readonly confidence: Confidence;
}

/** Connections that ended by an RST. */
export function checkResets(run: LoadRun): Finding | undefined {
  // Each tells of the same RSTs: a server that ends resets what it has.
  if (checkKeepAliveRace(run) !== undefined || looksWithoutListener(run).length > 0) return undefined;
  const window = steadyLoad(run);
  const resets = resetsOf(window);
  const sent = growth(window.counted, ({ inside }) => inside?.resetsSent) ?? 0;
  const received = growth(window.counted, ({ inside }) => inside?.resetsReceived) ?? 0;
  const total = Math.max(toldHere(run, resets), sent, received);
  const opened = counterGrowth(window, 'passiveOpens') ?? 0;
  const open = tablePeak(window.seen, ({ server }) => server.established) ?? 0;
  const connections = Math.max(1, opened + open);
  if (total < LEAST || total < connections * LEAST_SHARE) return undefined;
  const direction = directionOf(window, resets, total, sent, received);
  const span = movedSpan(window.counted, ({ counters }) => counters.resetsSent);
  return {
    kind: 'resets',
    impact: impactOf(total / connections, 0.35, 0.9),
    confidence: direction.confidence,
    sentence: `${sentenceOf(direction)}, ${percent(Math.min(1, direction.count / connections))} of all${how(resets)}.`,
    evidence: [
      ...grew('OutRsts, without refused connects', resets?.sent, window.seconds, 'namespace'),
      ...grew('EstabResets', counterGrowth(window, 'establishedResets'), window.seconds, 'namespace'),
      ...grew('TCPAbortOnData', resets?.onData, window.seconds, 'namespace'),
      ...grew('TCPAbortOnClose', resets?.onClose, window.seconds, 'namespace'),
      ...(resets === undefined || resets.onTimeout + resets.onMemory === 0
        ? []
        : [
            ...grew('TCPAbortOnTimeout', resets.onTimeout, window.seconds, 'namespace'),
            ...grew('TCPAbortOnMemory', resets.onMemory, window.seconds, 'namespace'),
          ]),
      ...grew('connections opened', opened, window.seconds, 'namespace'),
      ...(sent + received === 0
        ? []
        : [
            ...grew('RSTs sent by the server', sent, window.seconds, 'target'),
            ...grew('RSTs received by the server', received, window.seconds, 'target'),
          ]),
    ],
    advice: adviceOf(direction, resets),
    ...(span === undefined ? {} : { seen: span }),
    explains: [],
  };
}

/** Data that came too late belongs to whoever closed: another rule tells of a server that closes after each answer. */
function toldHere(run: LoadRun, resets: ResetCount | undefined): number {
  if (resets === undefined) return 0;
  return resets.aborted + resets.received + (shortConnections(run) === undefined ? resets.late : 0);
}

function directionOf(
  window: LoadWindow,
  resets: ResetCount | undefined,
  total: number,
  sent: number,
  received: number,
): Direction {
  if (sent >= LEAST && sent >= received) return { by: 'server', count: sent, confidence: 'proven' };
  if (received >= LEAST) return { by: 'clients', count: received, confidence: 'proven' };
  // With both ends in one namespace they count in the same counters.
  const isHere = isCalledFromHere(window);
  if (isHere === undefined) return { by: 'unknown', count: total, confidence: 'possible' };
  if (isHere) return { by: 'either', count: total, confidence: 'likely' };
  const isFromOutside = (resets?.received ?? 0) > total / 2;
  return { by: isFromOutside ? 'clients' : 'server', count: total, confidence: 'likely' };
}

function sentenceOf({ by, count }: Direction): string {
  switch (by) {
    case 'server':
      return `The server reset ${counted(count, 'connection')}`;
    case 'clients':
      return `Clients reset ${counted(count, 'connection')} of the server`;
    case 'unknown':
      return `${counted(count, 'connection')} of this network namespace ${count === 1 ? 'was' : 'were'} reset`;
    case 'either':
      return `${counted(count, 'connection')} ${count === 1 ? 'was' : 'were'} reset by one of the two ends on this host`;
  }
  by satisfies never;
}

function how(resets: ResetCount | undefined): string {
  if (resets === undefined || resets.sent === 0) return '';
  if (resets.onData >= resets.sent * MOST) return ', by `resetAndDestroy()` or over data that came after a close';
  if (resets.onClose >= resets.sent * MOST) return ', by closing with bytes unread';
  if (resets.onMemory >= resets.sent * MOST) return ', for want of memory for sockets';
  return '';
}

function adviceOf({ by }: Direction, resets: ResetCount | undefined): readonly string[] {
  const { sent = 0, onData = 0, onClose = 0, onMemory = 0, onTimeout = 0 } = resets ?? {};
  const whose =
    by === 'clients' ? 'the clients' : by === 'server' ? 'the server' : 'the server, and of the load generator';
  return [
    ...(onData >= sent * MOST && onData > 0
      ? [
          `Look in the code of ${whose} for \`socket.resetAndDestroy()\`, SO_LINGER of 0, and answers that end while the other end still sends.`,
        ]
      : []),
    ...(onClose >= sent * MOST && onClose > 0
      ? [
          `Look in the code of ${whose} for \`socket.destroy()\` before everything is read: read the body of a request to its end (\`request.resume()\`) before the connection is closed.`,
        ]
      : []),
    ...(onMemory > 0 ? ['Raise `net.ipv4.tcp_mem`: the kernel had no memory left for sockets.'] : []),
    ...(onTimeout > 0 ? ['Look at the network: peers did not acknowledge within the time that TCP allows.'] : []),
    ...(by === 'clients'
      ? ['A client that gives up resets as well: compare its timeout with how long answers take.']
      : [
          "Listen on 'clientError' of the server, and log: a request that does not parse, is too long or too slow is answered and closed.",
        ]),
    'With finwait inside the server (`node --import finwait/register`) the report tells who reset.',
  ].slice(0, 3);
}
