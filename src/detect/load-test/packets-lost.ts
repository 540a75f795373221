import { counted, percent } from '../wording.ts';
import { grew, impactOf, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { counterGrowth, movedSpan, steadyLoad, tablePeak } from './load-window.ts';

/** From here on the windows of a fast connection stay small: its rate goes with one over the square root of the loss. */
const LEAST_SHARE = 0.01;
/** A few are sent again in any test. */
const LEAST = 50;
/** Loss that leaves nothing as it was. */
const HEAVY = 0.1;

/** Segments that had to be sent again. SYNs apart: they are sent again because of a full queue as well. */
export function checkPacketsLost(run: LoadRun): Finding | undefined {
  const window = steadyLoad(run);
  const all = counterGrowth(window, 'retransmittedSegments');
  const sent = counterGrowth(window, 'segmentsSent');
  if (all === undefined || sent === undefined) return undefined;
  const syns = counterGrowth(window, 'synRetransmits') ?? 0;
  // Where an accept queue is full, the ACK that would open the connection is dropped and the data behind it too.
  const dropped = counterGrowth(window, 'listenDrops') ?? counterGrowth(window, 'listenOverflows') ?? 0;
  // A probe of the tail is sent where the last ACK is late, and into a window of zero.
  const probes = counterGrowth(window, 'lossProbes') ?? 0;
  const again = Math.max(0, all - syns - probes - dropped);
  const share = again / Math.max(1, sent);
  if (again < LEAST || share < LEAST_SHARE) return undefined;
  const span = movedSpan(window.counted, ({ counters }) => counters.retransmittedSegments);
  const rows = tablePeak(window.seen, ({ serverEnd }) => serverEnd.retransmitting);
  const callers = tablePeak(window.seen, ({ callersEnd }) => callersEnd.retransmitting);
  const outbound = tablePeak(window.seen, ({ outboundEnd }) => outboundEnd.retransmitting);
  const isOurs = (rows ?? 0) + (callers ?? 0) + (outbound ?? 0) > 0;
  return {
    kind: 'packets_lost',
    impact: impactOf(share / HEAVY, 0.25, 0.8),
    confidence: isOurs ? 'proven' : 'likely',
    sentence: `${counted(again, 'segment')} had to be sent again, ${share < 0.1 ? `${Math.round(share * 1_000) / 10}%` : percent(share)} of what this network namespace sent: packets were lost on the way.`,
    evidence: [
      ...grew('RetransSegs, without what is no loss', again, window.seconds, 'namespace'),
      ...grew('OutSegs', sent, window.seconds, 'namespace'),
      ...grew('TCPSynRetrans', syns, window.seconds, 'namespace'),
      ...grew('TCPLossProbes', probes, window.seconds, 'namespace'),
      ...grew('TCPFastRetrans', counterGrowth(window, 'fastRetransmits'), window.seconds, 'namespace'),
      ...grew('TCPTimeouts', counterGrowth(window, 'retransmitTimeouts'), window.seconds, 'namespace'),
      ...(dropped === 0 ? [] : grew('ListenDrops', dropped, window.seconds, 'namespace')),
      ...seen('connections of the server that send again, at most', rows, 'target'),
      ...seen('connections to the server that send again, at most', callers, 'generator'),
      ...(outbound === undefined || outbound === 0
        ? []
        : seen('connections of the server to elsewhere that send again, at most', outbound, 'target')),
    ],
    advice: [
      'Look for where they are dropped: `ip -s link` (errors, dropped), `tc -s qdisc`, `nstat -az TcpExtTCPBacklogDrop TcpExtTCPRcvQDrop`, and a limit of bandwidth on the way (a virtual machine, a container, Wi-Fi).',
      'Where a link is full, loss is how TCP learns of it: smaller answers, compression, or a faster link.',
    ],
    ...(span === undefined ? {} : { seen: span }),
    explains: ['syn_dropped'],
  };
}
