import { counted } from '../wording.ts';
import { checkAcceptQueueFull } from './accept-queue.ts';
import { grew, impactOf, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { counterGrowth, movedSpan, steadyLoad, tablePeak } from './load-window.ts';

const LEAST = 10;

/** SYNs that nobody answered, for another reason than an accept queue that is full. */
export function checkSynDropped(run: LoadRun): Finding | undefined {
  const window = steadyLoad(run);
  // A full queue drops SYNs and is counted in ListenDrops too; the client sends the SYN again.
  if (checkAcceptQueueFull(run) !== undefined) return undefined;
  const overflows = counterGrowth(window, 'listenOverflows') ?? 0;
  const drops = Math.max(0, (counterGrowth(window, 'listenDrops') ?? 0) - overflows);
  const queueFull = counterGrowth(window, 'synQueueFullDrops') ?? 0;
  const cookies = counterGrowth(window, 'synCookiesSent') ?? 0;
  const again = counterGrowth(window, 'synRetransmits') ?? 0;
  const unanswered = Math.max(0, again - overflows);
  if (Math.max(drops, queueFull, cookies, unanswered) < LEAST) return undefined;
  const opened = counterGrowth(window, 'activeOpens') ?? counterGrowth(window, 'passiveOpens') ?? 0;
  const lost = Math.max(drops, queueFull, unanswered);
  const outbound = tablePeak(window.seen, ({ outboundEnd }) => outboundEnd.synRetransmitting) ?? 0;
  const callers = tablePeak(window.seen, ({ callersEnd }) => callersEnd.synRetransmitting) ?? 0;
  const server = tablePeak(window.seen, ({ serverEnd }) => serverEnd.synRetransmitting) ?? 0;
  const isUpstream = outbound > 0 && callers + server === 0;
  const isQueue = queueFull >= LEAST || cookies >= LEAST;
  const why = isQueue
    ? queueWasFull(queueFull, cookies)
    : isUpstream
      ? upstreamIsDeaf(unanswered)
      : { sentence: unansweredSentence(drops, unanswered), advice: ON_THE_WAY };
  const span = movedSpan(
    window.counted,
    ({ counters }) => counters.synRetransmits ?? counters.listenDrops ?? counters.synQueueFullDrops,
  );
  return {
    kind: 'syn_dropped',
    impact: lost < LEAST ? 0.15 : impactOf(lost / Math.max(1, lost + opened), 0.3, 0.85),
    confidence: queueFull >= LEAST ? 'proven' : callers + server + outbound > 0 ? 'likely' : 'possible',
    sentence: why.sentence,
    evidence: [
      ...grew('TCPSynRetrans', again, window.seconds, 'namespace'),
      ...grew('ListenDrops beyond ListenOverflows', drops, window.seconds, 'namespace'),
      ...grew('TCPReqQFullDrop', queueFull, window.seconds, 'namespace'),
      ...grew('SyncookiesSent', cookies, window.seconds, 'namespace'),
      ...seen('connects to the server that send their SYN again, at most', callers, 'generator'),
      ...seen('half-open connections of the server that answer again, at most', server, 'target'),
      ...seen('connects of the server that send their SYN again, at most', outbound, 'target'),
    ],
    advice: why.advice,
    ...(span === undefined ? {} : { seen: span }),
    explains: [],
  };
}

type Explanation = Pick<Finding, 'sentence' | 'advice'>;

function queueWasFull(dropped: number, cookies: number): Explanation {
  const lost =
    dropped >= LEAST ? `${counted(dropped, 'SYN')} dropped` : `${counted(cookies, 'SYN')} answered by a cookie`;
  return {
    sentence: `The queue of half-open connections was full: ${lost}, in the whole network namespace.`,
    advice: [
      'Raise `net.ipv4.tcp_max_syn_backlog` and `net.core.somaxconn`, and the backlog of the server: the smallest of them counts.',
      'Leave `net.ipv4.tcp_syncookies` at 1: with 0, what does not fit is dropped.',
    ],
  };
}

function upstreamIsDeaf(unanswered: number): Explanation {
  return {
    sentence: `${counted(unanswered, 'SYN')} had to be sent again, and connections of the server to elsewhere wait for an answer: an upstream does not take connections.`,
    advice: ['Look at the upstream of the server: its accept queue (`ss -tln`), a firewall, its address.'],
  };
}

function unansweredSentence(drops: number, unanswered: number): string {
  return drops > unanswered
    ? `${counted(drops, 'SYN')} of this network namespace were dropped by listeners whose accept queue was not full.`
    : `${counted(unanswered, 'SYN')} of this network namespace had to be sent again: nobody answered, and no accept queue was full.`;
}

const ON_THE_WAY: readonly string[] = [
  'Look for what drops SYNs on the way: a firewall or its connection tracking (`nf_conntrack: table full` in `dmesg`), a security group, a wrong address.',
  '`nstat -az TcpExtListenDrops TcpExtTCPReqQFullDrop IpInDiscards` tells what this host itself drops.',
];
