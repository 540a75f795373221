import type { LeakReport } from '../detect/leaks/leak.ts';
import type { Counters } from '../kernel/procfs/read-counters.ts';
import type { Side } from '../sockets/names.ts';
import type { StateLabel } from '../tcp/state.ts';
import type { NameSnapshot, Snapshot } from './snapshot.ts';

/** What the kernel has counted for the whole network namespace since it was made; undefined where it does not say. */
export interface NamespaceCounts {
  readonly listenOverflows: number | undefined;
  readonly listenDrops: number | undefined;
  readonly synRetransmits: number | undefined;
  readonly retransmittedSegments: number | undefined;
  readonly resetsSent: number | undefined;
  readonly timeWaitCreated: number | undefined;
}

/** The counters of a sample that a comparison takes. */
export function namespaceCounts(counters: Counters | undefined): NamespaceCounts {
  return Object.freeze({
    listenOverflows: counters?.listenOverflows,
    listenDrops: counters?.listenDrops,
    synRetransmits: counters?.synRetransmits,
    retransmittedSegments: counters?.retransmittedSegments,
    resetsSent: counters?.resetsSent,
    timeWaitCreated: counters?.timeWaitCreated,
  });
}

/** One moment of a test, with a name. See {@link Monitor.mark}. */
export interface Mark {
  readonly label: string;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly atMs: number;
  readonly snapshot: Snapshot;
  readonly leaks: LeakReport;
  readonly namespace: NamespaceCounts;
}

/** What happened to the connections of one name between two marks. */
export interface NameComparison {
  readonly side: Side;
  readonly name: string;
  readonly opened: number;
  readonly closed: number;
  readonly resetsReceived: number;
  readonly resetsSent: number;
  /** HTTP/1 requests. */
  readonly requests: number;
  /** Undefined where nothing was opened. */
  readonly requestsPerConnection: number | undefined;
  /** Connect operations that failed; 0 on a server. */
  readonly connectFailures: number;
}

/** Sockets of one name in one state: how many more than before. */
export interface Remainder {
  readonly side: Side;
  readonly name: string;
  readonly state: StateLabel;
  readonly sockets: number;
}

/** What lies between two marks, as plain data. */
export interface Comparison {
  readonly from: string;
  readonly to: string;
  readonly durationMs: number;
  readonly names: readonly NameComparison[];
  /**
   * What is there and was not before, TIME_WAIT apart, which the kernel keeps for 60 s: empty where a test has come to
   * rest and left nothing. By the kernel's column where both marks have one, else by Node's.
   */
  readonly left: readonly Remainder[];
  /** Of the whole network namespace, whoever caused it. */
  readonly namespace: NamespaceCounts;
}

/** The states in which a socket is no remainder: a listener, what is gone, and TIME_WAIT. */
const AT_REST: ReadonlySet<StateLabel> = new Set(['listen', 'closed', 'time_wait']);

/**
 * Compares two marks of one monitor: what was opened, closed, reset and asked for in between, and what is left.
 *
 * @throws RangeError if the second is the earlier one
 * @example
 * const before = await monitor.mark('before');
 * await load();
 * const { left } = compare(before, await monitor.mark('after'));
 * expect(left).toEqual([]);
 */
export function compare(before: Mark, after: Mark): Comparison {
  if (after.atMs < before.atMs) throw new RangeError(`compare: '${after.label}' is earlier than '${before.label}'`);
  const column = before.snapshot.kernel === undefined || after.snapshot.kernel === undefined ? 'node' : 'kernel';
  const pairs = after.snapshot.names.map((now) => [earlier(before.snapshot, now), now] as const);
  return {
    from: before.label,
    to: after.label,
    durationMs: after.atMs - before.atMs,
    names: pairs.map(([then, now]) => compareNames(then, now, before.snapshot, after.snapshot)),
    left: pairs.flatMap(([then, now]) => remainders(then, now, column)),
    namespace: {
      listenOverflows: grown(before, after, 'listenOverflows'),
      listenDrops: grown(before, after, 'listenDrops'),
      synRetransmits: grown(before, after, 'synRetransmits'),
      retransmittedSegments: grown(before, after, 'retransmittedSegments'),
      resetsSent: grown(before, after, 'resetsSent'),
      timeWaitCreated: grown(before, after, 'timeWaitCreated'),
    },
  };
}

function compareNames(
  then: NameSnapshot | undefined,
  now: NameSnapshot,
  before: Snapshot,
  after: Snapshot,
): NameComparison {
  const opened = now.opened - (then?.opened ?? 0);
  const requests = now.requests - (then?.requests ?? 0);
  return {
    side: now.side,
    name: now.name,
    opened,
    closed: now.closed - (then?.closed ?? 0),
    resetsReceived: now.resetsReceived - (then?.resetsReceived ?? 0),
    resetsSent: now.resetsSent - (then?.resetsSent ?? 0),
    requests,
    requestsPerConnection: opened === 0 ? undefined : requests / opened,
    connectFailures: failuresOf(after, now) - failuresOf(before, now),
  };
}

function remainders(then: NameSnapshot | undefined, now: NameSnapshot, column: 'node' | 'kernel'): Remainder[] {
  const { side, name } = now;
  const states = Object.entries(now[column] ?? {}) as [StateLabel, number][];
  return states
    .filter(([state]) => !AT_REST.has(state))
    .map(([state, sockets]) => ({ side, name, state, sockets: sockets - (then?.[column]?.[state] ?? 0) }))
    .filter(({ sockets }) => sockets > 0);
}

function earlier({ names }: Snapshot, { side, name }: NameSnapshot): NameSnapshot | undefined {
  return names.find((entry) => entry.side === side && entry.name === name);
}

function failuresOf({ upstreams }: Snapshot, { side, name }: NameSnapshot): number {
  if (side === 'server') return 0;
  const failed = upstreams.find((upstream) => upstream.name === name)?.connects.failed;
  return Object.values(failed ?? {}).reduce((sum, count) => sum + count, 0);
}

function grown(before: Mark, after: Mark, count: keyof NamespaceCounts): number | undefined {
  const [then, now] = [before.namespace[count], after.namespace[count]];
  return then === undefined || now === undefined ? undefined : now - then;
}
