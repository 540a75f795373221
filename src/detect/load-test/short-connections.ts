import { isOutOfDescriptors } from './descriptors.ts';
import type { LoadRun } from './load-run.ts';
import type { TableSample } from './load-sample.ts';
import {
  counterGrowth,
  finite,
  growth,
  isCalledFromHere,
  type LoadWindow,
  mean,
  peak,
  samplesBefore,
  steadyLoad,
  tablePeak,
  tablesOf,
} from './load-window.ts';
import { resetsOf } from './reset-count.ts';

/** Fewer are a handful of clients that come and go. */
const LEAST_OPENED = 100;
const LEAST_PER_SECOND = 20;
/** Connections opened, for each that was open at a time. */
const OPENED_PER_OPEN = 5;
/** TIME_WAITs at the two ends that a table must show, for their place to be known. */
const LEAST_TIME_WAITS = 20;
/** Of the connections opened, those that were reset while open: being short is then not what is wrong with them. */
const ABORTED_SHARE = 0.5;

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
  /** RSTs over data that came after the server had closed: clients that did not know yet. */
  readonly late: number;
  /** HTTP requests, where finwait runs in the target. */
  readonly requests: number | undefined;
}

/** Undefined for a load that uses its connections again, and where nobody counts them. */
export function shortConnections(run: LoadRun): ShortConnections | undefined {
  if (isOutOfDescriptors(run)) return undefined;
  const window = steadyLoad(run);
  const opened = growth(window.counted, ({ inside }) => inside?.opened.server) ?? counterGrowth(window, 'passiveOpens');
  const openAtMost = tablePeak(window.seen, openOf);
  if (opened === undefined || openAtMost === undefined || window.seconds <= 0) return undefined;
  const openedPerSecond = opened / window.seconds;
  if (opened < LEAST_OPENED || openedPerSecond < LEAST_PER_SECOND) return undefined;
  if (opened < Math.max(1, openAtMost) * OPENED_PER_OPEN) return undefined;
  const serverTimeWaits = closedByServer(run, window) ?? 0;
  const callersTimeWaits = more(run, window, ({ callers }) => callers.time_wait + callers.fin_wait_2) ?? 0;
  const resets = resetsOf(window);
  const isAborted = (resets?.aborted ?? 0) + (resets?.received ?? 0) >= opened * ABORTED_SHARE;
  if (isAborted) return undefined;
  // An RST over data that came too late ends the server's FIN_WAIT_2 without a TIME_WAIT.
  const late = resets?.late ?? 0;
  const known = serverTimeWaits + late + callersTimeWaits;
  const requests = growth(window.counted, ({ inside }) => inside?.requests);
  return {
    opened,
    openedPerSecond,
    openAtMost,
    serverShare:
      shareInside(window) ?? (known < LEAST_TIME_WAITS ? undefined : finite((serverTimeWaits + late) / known)),
    isCalledFromHere: isCalledFromHere(window) === true,
    serverTimeWaits,
    callersTimeWaits,
    late,
    requests: requests === 0 ? undefined : requests,
  };
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
