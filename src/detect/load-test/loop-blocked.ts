import { BLOCKED_TURN_MS } from '../../sockets/accept-pressure.ts';
import { duration, grouped, percent } from '../wording.ts';
import { checkDescriptors } from './descriptors.ts';
import { impactOf, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { LoadSample } from './load-sample.ts';
import { counterGrowth, finite, mean, peak, spanOf, steadyLoad, tablesOf } from './load-window.ts';

/** What a single look must find: a whole machine may stand still for less. */
const WAITED_ONCE_MS = 1_000;
/** And how many looks, where it is less. */
const LEAST_WAITING = 2;
/** Between two looks, to tell whether anything was answered. */
const LEAST_INTERVAL_MS = 200;
/** A thread that computes all the time, less what the clock of the processor time (10 ms) loses. */
const BUSY = 0.9;
/** A thread that does nothing at all. */
const IDLE = 0.05;
/** Between two looks: acknowledgements and a scrape, and no answer to speak of. */
const FEW_SEGMENTS = 4;
/** Of the connections at the server: all of them wait, and not one that is not read for a reason of its own. */
const UNREAD_SHARE = 0.5;
const LEAST_UNREAD = 3;
/** Looks in which nothing was answered: one may be a pause of the whole machine. */
const LEAST_SILENT = 2;

/** An event loop that did one piece of work, and nothing else, for so long that everybody waited. */
export function checkLoopBlocked(run: LoadRun): Finding | undefined {
  const descriptors = checkDescriptors(run);
  if (descriptors?.evidence.some(({ scope }) => scope === 'target') === true) return undefined;
  const window = steadyLoad(run);
  const tables = tablesOf(window.seen);
  // An event loop that turns accepts all that waits within milliseconds.
  const waiting = tables.filter(({ table }) => (finite(table?.acceptQueue?.waitedMs) ?? 0) >= BLOCKED_TURN_MS);
  const waitedMs = peak(waiting, ({ table }) => table?.acceptQueue?.waitedMs);
  const silent = silentLooks(tables);
  const isSeen = waiting.length >= LEAST_WAITING || (waitedMs ?? 0) >= WAITED_ONCE_MS;
  if (!isSeen && silent.length < LEAST_SILENT) return undefined;
  const looks = isSeen ? waiting : silent;
  const share = looks.length / Math.max(1, tables.length);
  const unread = peak(looks, ({ table }) => table?.serverEnd.unread);
  const busiest = mean(looks, ({ target }) => target?.busiestThread);
  const queued = peak(waiting, ({ table }) => table?.acceptQueue?.connections);
  const overflows = counterGrowth(window, 'listenOverflows');
  const span = spanOf(looks);
  return {
    kind: 'loop_blocked',
    impact: impactOf(share, 0.3, 0.95),
    confidence: isSeen && busiest !== undefined && (busiest >= BUSY || busiest <= IDLE) ? 'proven' : 'likely',
    sentence:
      !isSeen || waitedMs === undefined
        ? `${grouped(unread ?? 0)} connections had requests that nobody read, and nothing was answered in ${percent(share)} of the looks${doing(busiest)}: the event loop was blocked.`
        : `The same connection waited ${duration(waitedMs)} to be accepted${queued === undefined || queued < 2 ? '' : `, with ${grouped(queued)} in the queue`}${doing(busiest)}: the event loop was blocked.`,
    evidence: [
      ...seen('one connection in the accept queue for at least', waitedMs, 'target', duration),
      ...seen('connections in the accept queue', queued, 'target'),
      ...seen('connections with unread bytes at the server', unread, 'target'),
      ...seen('busiest thread of the server meanwhile', busiest, 'target', percent),
      {
        what: 'looks that found it so',
        value: `${grouped(looks.length)} of ${grouped(tables.length)}`,
        scope: 'target',
      },
      ...(overflows === undefined || overflows === 0
        ? []
        : seen('ListenOverflows', overflows, 'namespace', (count) => `+${grouped(count)}`)),
    ],
    advice: [
      busiest !== undefined && busiest <= IDLE
        ? 'Find what waits without computing: `execSync`, `Atomics.wait`, `fs.*Sync` on a slow disk; or a process that was stopped. Use the asynchronous call.'
        : 'Find what holds the event loop: a CPU profile (`node --cpu-prof`), or `perf_hooks.monitorEventLoopDelay()`. Move it to a worker thread, or divide it.',
      'A longer queue only lets more clients wait for as long.',
    ],
    ...(span === undefined ? {} : { seen: span }),
    explains: [
      'accept_queue_full',
      'packets_lost',
      'syn_dropped',
      'keep_alive_race',
      'resets',
      'leak',
      'reader_stalled',
      'server_busy',
    ],
  };
}

/** Looks before which nothing was sent though requests lay at the server, both then and at the look before. */
function silentLooks(tables: readonly LoadSample[]): readonly LoadSample[] {
  return tables.filter((sample, index) => {
    const before = tables[index - 1];
    if (before === undefined || !isUnread(before) || !isUnread(sample)) return false;
    if (sample.atMs - before.atMs < LEAST_INTERVAL_MS) return false;
    const sent = (sample.counters.segmentsSent ?? Number.NaN) - (before.counters.segmentsSent ?? Number.NaN);
    // A server that does not read though it could is another finding: it computes little.
    return sent >= 0 && sent <= FEW_SEGMENTS && (sample.target?.busiestThread ?? 0) >= BUSY;
  });
}

function isUnread({ table }: LoadSample): boolean {
  if (table === undefined) return false;
  const { unread } = table.serverEnd;
  return unread >= LEAST_UNREAD && unread >= table.server.established * UNREAD_SHARE;
}

function doing(busiest: number | undefined): string {
  if (busiest === undefined) return '';
  if (busiest >= BUSY) return ', while a thread of the server computed all the time';
  return busiest <= IDLE ? ', while the server did nothing' : '';
}
