import { BLOCKED_TURN_MS, FREE_TURN_MS } from '../../sockets/accept-pressure.ts';
import { duration, grouped, percent } from '../wording.ts';
import { isOutOfDescriptors } from './descriptors.ts';
import { impactOf, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { LoadSample } from './load-sample.ts';
import { counterGrowth, finite, mean, peak, spanOf, steadyLoad, tablesOf } from './load-window.ts';
import { GIVE_PROCESSOR, wantedShare } from './processor-use.ts';

/** What a single look must find: a whole machine may stand still for less. */
const WAITED_ONCE_MS = 1_000;
/** And how many looks, where it is less. */
const LEAST_WAITING = 2;
/** Of the time that a thread wanted a processor: with so little of one, short turns are long as well. */
const CROWDED_OUT = 0.75;
/** A loop that sleeps wants none. */
const MOSTLY = 0.6;
/** Of the time: a thread that waits for a processor so much would turn if it had one. */
const STARVED = 0.85;
/** Between two looks, to tell whether anything was answered. */
const LEAST_INTERVAL_MS = 200;
/** A thread that computes all the time, less what is lost between the looks. */
const BUSY = 0.9;
/** A thread that does nothing at all. */
const IDLE = 0.05;
/** Between two looks: acknowledgements and a scrape, and no answer to speak of. */
const FEW_SEGMENTS = 4;
/** Of the connections at the server: all of them wait, and not one that is not read for a reason of its own. */
const UNREAD_SHARE = 0.5;
const LEAST_UNREAD = 3;
/** Node takes no longer head of a request than that (--max-http-header-size). */
const MOST_REQUEST_BYTES = 16_384;
/** Packets that found no place in an accept queue: nothing was accepted either. */
const LEAST_OVERFLOWS = 5;
/** Looks in which nothing was answered: one may be a pause of the whole machine. */
const LEAST_SILENT = 2;

/** An event loop that did one piece of work, and nothing else, for so long that everybody waited. */
export function checkLoopBlocked(run: LoadRun): Finding | undefined {
  if (isOutOfDescriptors(run)) return undefined;
  const window = steadyLoad(run);
  const tables = tablesOf(window.seen);
  const waiting = tables.filter(isWaiting);
  const waitedMs = peak(waiting, ({ table }) => table?.acceptQueue?.waitedMs);
  const overflows = counterGrowth(window, 'listenOverflows');
  const isOverflowing = (overflows ?? 0) >= LEAST_OVERFLOWS;
  const silent = silentLooks(tables, isOverflowing);
  const turnMs = turnOf(tables);
  const starved = mean(waiting, ({ target }) => target?.waitedForProcessor) ?? 0;
  const isSeen =
    (waiting.length >= LEAST_WAITING || (waitedMs ?? 0) >= WAITED_ONCE_MS) &&
    turnMs >= FREE_TURN_MS &&
    (isOverflowing || (!isCrowdedOut(waiting) && !(turnMs < BLOCKED_TURN_MS && isStart(tables))));
  if (!isSeen && silent.size < LEAST_SILENT) return undefined;
  const looks = tables.filter((sample) => (isSeen && isWaiting(sample)) || silent.has(sample));
  const share = looks.length / Math.max(1, tables.length);
  const unread = peak(looks, ({ table }) => table?.serverEnd.unread);
  const wanted = mean(looks, ({ target }) => wantedShare(target));
  const queued = peak(waiting, ({ table }) => table?.acceptQueue?.connections);
  const span = spanOf(looks);
  const isProven =
    isSeen &&
    turnMs >= BLOCKED_TURN_MS &&
    starved < STARVED &&
    wanted !== undefined &&
    (wanted >= BUSY || wanted <= IDLE);
  return {
    kind: 'loop_blocked',
    impact: impactOf(share, 0.3, 0.95),
    confidence: isProven ? 'proven' : 'likely',
    sentence:
      isSeen && waitedMs !== undefined
        ? `The same connection waited ${duration(waitedMs)} to be accepted${queued === undefined || queued < 2 ? '' : `, with ${grouped(queued)} in the queue`}${outcome(wanted, starved, turnMs)}.`
        : `${grouped(unread ?? 0)} connections had requests that nobody read, and nothing was answered in ${percent(share)} of the looks${outcome(wanted, 0, Number.POSITIVE_INFINITY)}.`,
    evidence: [
      ...seen('one connection in the accept queue for at least', waitedMs, 'target', duration),
      ...seen('connections in the accept queue', queued, 'target'),
      ...(isSeen && Number.isFinite(turnMs)
        ? seen('a turn of the event loop, at least', turnMs, 'target', duration)
        : []),
      ...seen('connections with unread bytes at the server', unread, 'target'),
      ...seen('time that its busiest thread had something to do meanwhile', wanted, 'target', percent),
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
      ...(starved >= STARVED ? [GIVE_PROCESSOR] : []),
      wanted !== undefined && wanted <= IDLE
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

/**
 * The least that a turn of the event loop took while connections waited, in milliseconds; infinite where none was accepted.
 * libuv accepts one connection a turn (measured with 1.46), the oldest first: while one and the same waits, at most those
 * before it were accepted, and no more than the kernel has opened meanwhile.
 */
function turnOf(tables: readonly LoadSample[]): number {
  let ms = 0;
  let accepted = 0;
  for (const [index, sample] of tables.entries()) {
    if (!isWaiting(sample)) continue;
    const before = tables[index - 1];
    const now = sample.table?.acceptQueue?.connections;
    const then = before?.table?.acceptQueue?.connections;
    // Where nobody waited at the look before, it is not known since when.
    if (before === undefined || now === undefined || then === undefined || then === 0) continue;
    const opened = (sample.counters.passiveOpens ?? Number.NaN) - (before.counters.passiveOpens ?? Number.NaN);
    const most = Math.max(0, then - 1);
    ms += sample.atMs - before.atMs;
    accepted += opened >= 0 ? Math.min(most, Math.max(0, opened + then - now)) : most;
  }
  return accepted > 0 ? ms / accepted : Number.POSITIVE_INFINITY;
}

/**
 * Whether the queue was only ever the one that a load begins with, when all its connections come at once: it shrinks from
 * the first looks on for as long as anything waits in it.
 */
function isStart(tables: readonly LoadSample[]): boolean {
  const last = tables.findLastIndex(isWaiting);
  const lengths = tables.slice(0, last + 1).map(({ table }) => table?.acceptQueue?.connections ?? 0);
  const longest = lengths.indexOf(Math.max(...lengths));
  return longest <= 1 && lengths.every((length, index) => index <= longest || length < (lengths[index - 1] as number));
}

/**
 * Looks before which nothing was sent though requests lay at the server, both then and at the look before. A server that
 * does not read though it could computes little, and goes on accepting.
 */
function silentLooks(tables: readonly LoadSample[], isOverflowing: boolean): ReadonlySet<LoadSample> {
  const silent = tables.filter((sample, index) => {
    const before = tables[index - 1];
    if (before === undefined || !isUnread(before) || !isUnread(sample)) return false;
    if (sample.atMs - before.atMs < LEAST_INTERVAL_MS) return false;
    const sent = (sample.counters.segmentsSent ?? Number.NaN) - (before.counters.segmentsSent ?? Number.NaN);
    if (!(sent >= 0 && sent <= FEW_SEGMENTS)) return false;
    return isOverflowing || (wantedShare(sample.target) ?? 0) >= BUSY || isStopped(before) || isStopped(sample);
  });
  return new Set(silent);
}

/**
 * Whether the server did nothing at all while what lay unread were requests. One that reads an upload when it pleases lets
 * more than that lie, or closes its window.
 */
function isStopped({ table, target }: LoadSample): boolean {
  if (table === undefined || target === undefined) return false;
  const { unread, unreadBytes } = table.serverEnd;
  const wanted = wantedShare(target);
  return (
    wanted !== undefined &&
    wanted <= IDLE &&
    table.callersEnd.zeroWindow === 0 &&
    unreadBytes <= unread * MOST_REQUEST_BYTES
  );
}

/** Whether others of the host had the processors while connections waited. */
function isCrowdedOut(waiting: readonly LoadSample[]): boolean {
  const wanted = mean(waiting, ({ target }) => wantedShare(target)) ?? 0;
  const waited = mean(waiting, ({ target }) => target?.waitedForProcessor) ?? 0;
  return wanted >= MOSTLY && waited >= wanted * CROWDED_OUT;
}

/** A connection that was in the accept queue at the look before is there still. */
function isWaiting({ table }: LoadSample): boolean {
  return (finite(table?.acceptQueue?.waitedMs) ?? 0) >= BLOCKED_TURN_MS;
}

function isUnread({ table }: LoadSample): boolean {
  if (table === undefined) return false;
  const { unread } = table.serverEnd;
  return unread >= LEAST_UNREAD && unread >= table.server.established * UNREAD_SHARE;
}

function outcome(wanted: number | undefined, starved: number, turnMs: number): string {
  if (starved >= STARVED) {
    return `: the event loop did not turn, for the server waited for a processor ${percent(starved)} of the time`;
  }
  const why = turnMs >= BLOCKED_TURN_MS ? 'was blocked' : 'takes long turns, and accepts one connection in each';
  return `${doing(wanted)}: the event loop ${why}`;
}

function doing(wanted: number | undefined): string {
  if (wanted === undefined) return '';
  if (wanted >= BUSY) return ', while a thread of the server was busy all the time';
  return wanted <= IDLE ? ', while the server did nothing' : '';
}
