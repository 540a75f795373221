import type { LoadRun } from './load-run.ts';
import type { TableSample } from './load-sample.ts';
import {
  counterGrowth,
  finite,
  growth,
  type LoadWindow,
  mean,
  peak,
  samplesBefore,
  steadyLoad,
  tablePeak,
  tablesOf,
} from './load-window.ts';

/** Fewer are a handful of clients that come and go. */
const LEAST_OPENED = 100;
const LEAST_PER_SECOND = 20;
/** Connections opened, for each that was open at a time. */
const OPENED_PER_OPEN = 5;
/** TIME_WAITs at the two ends that a table must show, for their place to be known. */
const LEAST_TIME_WAITS = 20;
/** Of the connections opened, those that ended in order: with fewer, being reset is what they have in common. */
const ORDERLY_SHARE = 0.5;

/** A load that opened far more connections than it had open at a time. */
export interface ShortConnections {
  readonly opened: number;
  readonly openedPerSecond: number;
  readonly openAtMost: number;
  /** Of those whose first closer is known, the share that the server closed first; undefined where nobody knows. */
  readonly serverShare: number | undefined;
  /** Whether those who connect are on this host: their TIME_WAITs would show here. */
  readonly isCalledFromHere: boolean;
  readonly serverTimeWaits: number;
  readonly callersTimeWaits: number;
  /** HTTP requests, where finwait runs in the target. */
  readonly requests: number | undefined;
}

/** Undefined for a load that uses its connections again, and where nobody counts them. */
export function shortConnections(run: LoadRun): ShortConnections | undefined {
  const window = steadyLoad(run);
  const opened = growth(window.counted, ({ inside }) => inside?.opened.server) ?? counterGrowth(window, 'passiveOpens');
  const openAtMost = tablePeak(window.seen, openOf);
  if (opened === undefined || openAtMost === undefined || window.seconds <= 0) return undefined;
  const openedPerSecond = opened / window.seconds;
  if (opened < LEAST_OPENED || openedPerSecond < LEAST_PER_SECOND) return undefined;
  if (opened < Math.max(1, openAtMost) * OPENED_PER_OPEN) return undefined;
  const serverTimeWaits = closedByServer(run, window) ?? 0;
  const callersTimeWaits = more(run, window, ({ callers }) => callers.time_wait + callers.fin_wait_2) ?? 0;
  const known = serverTimeWaits + callersTimeWaits;
  if (endByReset(window, opened, known)) return undefined;
  const requests = growth(window.counted, ({ inside }) => inside?.requests);
  return {
    opened,
    openedPerSecond,
    openAtMost,
    serverShare: shareInside(window) ?? (known < LEAST_TIME_WAITS ? undefined : finite(serverTimeWaits / known)),
    isCalledFromHere: isCalledFromHere(window),
    serverTimeWaits,
    callersTimeWaits,
    requests: requests === 0 ? undefined : requests,
  };
}

/** Each connection that ends in order leaves a TIME_WAIT at one of its ends. Of the others other rules tell. */
function endByReset(window: LoadWindow, opened: number, timeWaits: number): boolean {
  const created = counterGrowth(window, 'timeWaitCreated');
  if (isCalledFromHere(window)) {
    // With net.ipv4.tcp_max_tw_buckets used up, none is made.
    const orderly = created === undefined ? timeWaits : created + (counterGrowth(window, 'timeWaitOverflows') ?? 0);
    return orderly < (created === undefined ? LEAST_TIME_WAITS : opened * ORDERLY_SHARE);
  }
  const reset = counterGrowth(window, 'establishedResets') ?? 0;
  return timeWaits < LEAST_TIME_WAITS && reset >= opened * ORDERLY_SHARE;
}

function isCalledFromHere({ seen }: LoadWindow): boolean {
  const callers = tablePeak(seen, ({ callers }) => callers.established + callers.time_wait + callers.syn_sent);
  return callers !== undefined && callers > 0;
}

/** Connections at the target that the server has closed first: how many more the table shows at a time than before the load. */
export function closedByServer(run: LoadRun, window: LoadWindow): number | undefined {
  return more(run, window, ({ server }) => server.time_wait + server.fin_wait_2);
}

/** How long a connection lives, in the mean: as many are open at a time as are opened while one lives (Little's law). */
export function meanLifeMs(window: LoadWindow): number | undefined {
  const opened = counterGrowth(window, 'passiveOpens');
  const open = mean(tablesOf(window.seen), ({ table }) => table && openOf(table));
  if (opened === undefined || open === undefined || opened === 0) return undefined;
  return finite((open / opened) * window.seconds * 1_000);
}

function openOf({ server }: TableSample): number {
  return server.established + server.close_wait;
}

function more(run: LoadRun, window: LoadWindow, read: (table: TableSample) => number): number | undefined {
  const most = tablePeak(window.seen, read);
  const before = peak(tablesOf(samplesBefore(run)).slice(-1), ({ table }) => table && read(table)) ?? 0;
  return most === undefined ? undefined : Math.max(0, most - before);
}

function shareInside({ counted }: LoadWindow): number | undefined {
  const local = growth(counted, ({ inside }) => inside?.closedFirst.local);
  const remote = growth(counted, ({ inside }) => inside?.closedFirst.remote);
  if (local === undefined || remote === undefined || local + remote < LEAST_TIME_WAITS) return undefined;
  return finite(local / (local + remote));
}
