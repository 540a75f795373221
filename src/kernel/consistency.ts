import { STATE, STATES } from '../tcp/state.ts';
import type { Counters } from './procfs/read-counters.ts';

/** The counters as they stood right before and right after a table was read. */
export interface Bracket {
  readonly before: Counters;
  readonly after: Counters;
}

/**
 * Says how the kernel's own counters contradict a table, or undefined where they do not, or cannot: a table is no
 * snapshot, so what was opened and closed while it was read may be in it, or not, or twice.
 *
 * Three numbers are known apart from the table: `CurrEstab`, the connections in ESTABLISHED and CLOSE_WAIT (RFC 4022);
 * `tw` of sockstat, the mini-sockets: all of TIME_WAIT, and those of FIN_WAIT_2 that nobody holds; and with `inuse` of
 * sockstat and sockstat6, which are all other sockets that the kernel's hash tables hold, the rows of all states
 * together. Only of SYN_RECEIVED they say little: there is a socket already with TCP Fast Open, and else not yet.
 *
 * @param states rows of the whole network namespace by state
 * @example contradictionOf({ before, after }, column.netnsStates) // '38167 of 48167 rows ...'
 */
export function contradictionOf({ before, after }: Bracket, states: ArrayLike<number>): string | undefined {
  const opened = grown(before.activeOpens, after.activeOpens) + grown(before.passiveOpens, after.passiveOpens);
  const waited = grown(before.timeWaitCreated, after.timeWaitCreated);
  const established = boundsOf(before.currentEstablished, after.currentEstablished, opened);
  const open = countIn(states, STATE.ESTABLISHED) + countIn(states, STATE.CLOSE_WAIT);
  if (established !== undefined && isOutside(open, open, established)) {
    return `${open} rows in ESTABLISHED and CLOSE_WAIT, where the kernel counts ${text(established)}`;
  }
  const minis = boundsOf(before.timeWait, after.timeWait, waited);
  const least = countIn(states, STATE.TIME_WAIT);
  const most = least + countIn(states, STATE.FIN_WAIT_2);
  if (minis !== undefined && isOutside(least, most, minis)) {
    return `${least} rows in TIME_WAIT and ${most - least} in FIN_WAIT_2, where the kernel counts ${text(minis)}`;
  }
  const sockets = boundsOf(socketsIn(before), socketsIn(after), opened + waited);
  const all = STATES.reduce((sum, state) => sum + countIn(states, state), 0);
  const without = all - countIn(states, STATE.SYN_RECEIVED);
  if (sockets !== undefined && isOutside(without, all, sockets)) {
    return `${without} rows without SYN_RECEIVED, where the kernel counts ${text(sockets)} sockets`;
  }
  return undefined;
}

/** All sockets that the kernel's hash tables hold; undefined where it does not tell (gVisor, no IPv6). */
function socketsIn({ inuse, inuse6, timeWait }: Counters): number | undefined {
  return inuse === undefined || inuse6 === undefined || timeWait === undefined ? undefined : inuse + inuse6 + timeWait;
}

interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** Counters are summed over the processors while they change, and a timer may fire between two looks. */
const SLACK = 8;

/**
 * Where a gauge may have stood in between: it rose by no more than what was born, and fell by no more than that and what
 * it has lost since. Twice, because a row that moves while the table is walked may be met again, or missed.
 */
function boundsOf(before: number | undefined, after: number | undefined, born: number): Bounds | undefined {
  if (before === undefined || after === undefined) return undefined;
  const died = Math.max(before + born - after, 0);
  const churn = 2 * (born + died) + SLACK;
  return { low: Math.min(before, after) - churn, high: Math.max(before, after) + churn };
}

function isOutside(least: number, most: number, { low, high }: Bounds): boolean {
  return most < low || least > high;
}

/** How much a counter has grown: nothing where it is not known, or has wrapped. */
function grown(before: number | undefined, after: number | undefined): number {
  return before === undefined || after === undefined ? 0 : Math.max(after - before, 0);
}

function countIn(states: ArrayLike<number>, state: number): number {
  return states[state] ?? 0;
}

function text({ low, high }: Bounds): string {
  return `${Math.max(low, 0)} to ${high}`;
}
