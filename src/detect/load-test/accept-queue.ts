import { RAISE_BACKLOG, raiseSomaxconn } from '../accept-queue.ts';
import { counted, duration, grouped } from '../wording.ts';
import { grew, impactOf, seen } from './evidence.ts';
import type { Confidence, Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { AcceptQueueSample, LoadSample } from './load-sample.ts';
import { counterGrowth, finite, movedSpan, spanOf, steadyLoad, tablePeak, tablesOf } from './load-window.ts';

/** Packets: a client sends its SYN again after 1, 3, 7 s. Fewer are hardly felt. */
const LEAST_OVERFLOWS = 5;
/** A short queue fills and empties between two looks. */
const SHORT = 128;
/** A long one that is never seen half full may be another server's that overflows. */
const HALF = 0.5;

/** An accept queue that had no room for the connections of the load. */
export function checkAcceptQueueFull(run: LoadRun): Finding | undefined {
  const window = steadyLoad(run);
  const tables = tablesOf(window.seen);
  const full = tables.filter(isFull);
  const overflows = counterGrowth(window, 'listenOverflows');
  if (overflows === undefined ? full.length === 0 : overflows < (full.length > 0 ? 1 : LEAST_OVERFLOWS)) {
    return undefined;
  }
  const most = tablePeak(window.seen, ({ acceptQueue }) => acceptQueue?.connections);
  const room = tablePeak(window.seen, ({ acceptQueue }) =>
    acceptQueue === undefined ? undefined : roomOf(acceptQueue),
  );
  const backlog = tablePeak(window.seen, ({ acceptQueue }) => backlogOf(acceptQueue));
  const opened = counterGrowth(window, 'passiveOpens') ?? 0;
  const confidence: Confidence = full.length > 0 ? 'proven' : isOurs(window.seen, most, room) ? 'likely' : 'possible';
  const span = spanOf(full) ?? movedSpan(window.counted, ({ counters }) => counters.listenOverflows);
  const { somaxconn } = run.settings;
  const isCut = backlog !== undefined && somaxconn !== undefined && backlog >= somaxconn;
  const dropped =
    overflows === undefined || overflows === 0
      ? ''
      : `${counted(overflows, 'packet')} that would have opened a connection ${overflows === 1 ? 'was' : 'were'} dropped in this network namespace`;
  return {
    kind: 'accept_queue_full',
    impact:
      confidence === 'possible' ? 0.25 : impactOf((overflows ?? 0) / Math.max(1, (overflows ?? 0) + opened), 0.4, 0.9),
    confidence,
    sentence:
      full.length > 0
        ? `${counted(most ?? 0, 'connection')} waited in the accept queue${room === undefined ? '' : `, which takes ${grouped(room)}`}${dropped === '' ? '' : `; ${dropped}`}.`
        : `${dropped} because an accept queue was full: that of the server${most === undefined || room === undefined ? ' was not seen so' : ` had ${grouped(most)} of ${grouped(room)} in it when seen`}.`,
    evidence: [
      ...grew('ListenOverflows', overflows, window.seconds, 'namespace'),
      ...grew('ListenDrops', counterGrowth(window, 'listenDrops'), window.seconds, 'namespace'),
      ...grew('TCPSynRetrans', counterGrowth(window, 'synRetransmits'), window.seconds, 'namespace'),
      ...seen('connections in the accept queue, at most', most, 'target'),
      ...seen('backlog of the listener, as the kernel keeps it', backlog, 'target'),
      ...seen('net.core.somaxconn', finite(somaxconn), 'namespace'),
      {
        what: 'looks that found it full',
        value: `${grouped(full.length)} of ${grouped(tables.length)}`,
        scope: 'target',
      },
      ...seen(
        'one connection in the accept queue for at least',
        tablePeak(window.seen, ({ acceptQueue }) => acceptQueue?.waitedMs),
        'target',
        duration,
      ),
    ],
    advice: [
      ...(isCut ? [raiseSomaxconn(somaxconn)] : []),
      RAISE_BACKLOG,
      'Or let clients keep their connections: what is not opened needs no place in the queue.',
    ],
    ...(span === undefined ? {} : { seen: span }),
    explains: ['packets_lost', 'syn_dropped'],
  };
}

/** Whether it is likely to be the queue of the target that overflows, though it was not seen full. */
function isOurs(looks: readonly LoadSample[], most: number | undefined, room: number | undefined): boolean {
  if (room === undefined || room <= SHORT || (most ?? 0) >= room * HALF) return true;
  const others = tablePeak(looks, ({ netns, server }) => netns.listen - server.listen);
  return others !== undefined && others <= 0;
}

function isFull({ table }: LoadSample): boolean {
  const queue = table?.acceptQueue;
  return queue?.limit !== undefined && queue.connections > queue.limit;
}

/** The kernel compares with `>`: a backlog of 4 takes 5 (sk_acceptq_is_full). */
function roomOf({ limit, listeners }: AcceptQueueSample): number | undefined {
  return limit === undefined ? undefined : limit + listeners;
}

function backlogOf(queue: AcceptQueueSample | undefined): number | undefined {
  return queue?.limit === undefined ? undefined : finite(Math.round(queue.limit / queue.listeners));
}
