import type { StateCounts } from '../../tcp/state.ts';

/** What waits to be accepted by the target, over all its listeners. */
export interface AcceptQueueSample {
  readonly connections: number;
  /** The backlog as the kernel keeps it, summed; one more fits into each. Absent where the source does not tell. */
  readonly limit?: number;
  /** LISTEN rows: several with SO_REUSEPORT. */
  readonly listeners: number;
  /** The longest that one and the same connection is known to have waited: it was in earlier tables too. */
  readonly waitedMs: number;
}

/** What the rows of one end of the tested connections look like, beside their states. */
export interface EndSample {
  /** Rows with bytes that the process has not read; a FIN counts as one byte. */
  readonly unread: number;
  readonly unreadBytes: number;
  /** Rows with bytes that the peer has not acknowledged, or has no room for. */
  readonly unsent: number;
  readonly unsentBytes: number;
  /** Rows whose peer announced a window of zero: it does not read (timer `persist`). */
  readonly zeroWindow: number;
  /** Rows, not in SYN_SENT or SYN_RECEIVED, that wait for a segment sent again (timer `on`, retransmits > 0). */
  readonly retransmitting: number;
  /** Rows in SYN_SENT or SYN_RECEIVED that have sent their SYN or SYN+ACK again. */
  readonly synRetransmitting: number;
  /** Rows in CLOSE_WAIT that a descriptor holds: those still in the accept queue are not among them. */
  readonly closeWaitHeld: number;
}

/** Local ports towards the destination that has used up most of them. */
export interface PortSample {
  /** `callers`: from this host to the target; `outbound`: from the target to what it uses. */
  readonly whose: 'callers' | 'outbound';
  /** `127.0.0.1:3000`. */
  readonly destination: string;
  readonly used: number;
  /** Those of `used` that are in TIME_WAIT and cannot be taken over yet. */
  readonly timeWait: number;
  /** The usable range; absent where it cannot be read. */
  readonly limit?: number;
}

/** One table of the kernel, as seen from the target. */
export interface TableSample {
  readonly source: 'ss' | 'procfs';
  /** Why the table is worse than it might be; empty when it is sound. */
  readonly degraded: readonly string[];
  /** Of the whole network namespace. */
  readonly rows: number;
  readonly netns: StateCounts;
  /** The server's end: rows at the target's ports, its listeners included, whoever holds them. */
  readonly server: StateCounts;
  /** The other end of the same connections, as far as it is on this host: rows towards the target's ports. */
  readonly callers: StateCounts;
  /** Connections of the target's processes to elsewhere, and the TIME_WAITs towards the same destinations. */
  readonly outbound: StateCounts;
  /** Absent where the target has no listener in this table. */
  readonly acceptQueue?: AcceptQueueSample;
  readonly serverEnd: EndSample;
  readonly callersEnd: EndSample;
  readonly outboundEnd: EndSample;
  /** The worst first; empty where nobody on this host connects. */
  readonly ports: readonly PortSample[];
}

/** What the kernel has counted for the whole network namespace, absent where it does not say. All only grow. */
export interface CounterSample {
  readonly activeOpens?: number;
  readonly passiveOpens?: number;
  readonly attemptFails?: number;
  readonly establishedResets?: number;
  readonly segmentsSent?: number;
  readonly retransmittedSegments?: number;
  readonly resetsSent?: number;
  readonly listenOverflows?: number;
  readonly listenDrops?: number;
  readonly timeWaitCreated?: number;
  readonly timeWaitReused?: number;
  readonly timeWaitOverflows?: number;
  readonly synRetransmits?: number;
  readonly synCookiesSent?: number;
  readonly synQueueFullDrops?: number;
  /** Of the retransmitted segments, those that only asked whether the last ones had arrived (TCPLossProbes). */
  readonly lossProbes?: number;
  /** And those that followed on later ones that had arrived (TCPFastRetrans): a loss. */
  readonly fastRetransmits?: number;
  /** How often the retransmission timer fired, of SYNs too (TCPTimeouts). */
  readonly retransmitTimeouts?: number;
  readonly abortsOnData?: number;
  readonly abortsOnClose?: number;
  readonly abortsOnTimeout?: number;
  readonly abortsOnMemory?: number;
}

/** Every number of a {@link CounterSample}. */
export const COUNTERS: readonly (keyof CounterSample)[] = [
  'activeOpens',
  'passiveOpens',
  'attemptFails',
  'establishedResets',
  'segmentsSent',
  'retransmittedSegments',
  'resetsSent',
  'listenOverflows',
  'listenDrops',
  'timeWaitCreated',
  'timeWaitReused',
  'timeWaitOverflows',
  'synRetransmits',
  'synCookiesSent',
  'synQueueFullDrops',
  'lossProbes',
  'fastRetransmits',
  'retransmitTimeouts',
  'abortsOnData',
  'abortsOnClose',
  'abortsOnTimeout',
  'abortsOnMemory',
];

/** A set of processes over the time since the sample before: the target, or the command that makes the load. */
export interface ProcessSample {
  readonly processes: number;
  /** Processor time used by all of them, in cores: 1 is one core. Absent in the first sample. */
  readonly cpuCores?: number;
  /** Of the busiest single thread, 0 to 1. JavaScript runs in one: at 1 it can do no more. Absent in the first sample. */
  readonly busiestThread?: number;
  /**
   * How long the thread that wanted a processor most was ready to run and had none, as a share of the time: others of the
   * host had them all. Absent in the first sample, and where the kernel does not say.
   */
  readonly waitedForProcessor?: number;
  /** Descriptors of the process that is nearest to its limit. */
  readonly openFds?: number;
  readonly fdLimit?: number;
}

/** What finwait inside the target says, as its /metrics had it. Sums over all names of a side. */
export interface InsideSample {
  /** Node's column, 11 states. */
  readonly serverStates: StateCounts;
  readonly clientStates: StateCounts;
  readonly opened: { readonly server: number; readonly client: number };
  /** Closed connections of the server's side by who closed first. */
  readonly closedFirst: { readonly local: number; readonly remote: number; readonly unknown: number };
  /** HTTP/1 requests that the server has had. */
  readonly requests: number;
  /** Of the server's side. */
  readonly resetsReceived: number;
  readonly resetsSent: number;
  readonly closedWithActiveRequest: number;
  /** Of the server's side: connections that closed between two requests. */
  readonly idleCloses: { readonly keep_alive_timeout: number; readonly local: number; readonly remote: number };
  /** The shortest that a server of the target has; absent where it has none. */
  readonly keepAliveTimeoutSeconds?: number;
  /** Requests of the target to its upstreams that died with a kept connection. */
  readonly reusedConnectionErrors: number;
  /** Connect operations of the target that failed, by reason. */
  readonly connectFailures: { readonly [reason: string]: number };
  /** CLOSE_WAIT now, by cause. */
  readonly closeWait: { readonly [cause: string]: number };
  /** Sockets that finwait calls leaked now, of any state. */
  readonly leaked: number;
}

/** One look at everything, while a load test runs. */
export interface LoadSample {
  /** Milliseconds since the recording began, when this look began. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly counters: CounterSample;
  /** Absent where no source gave a table. */
  readonly table?: TableSample;
  /** Absent where the target's processes are not known, or are another user's. */
  readonly target?: ProcessSample;
  /** Absent where finwait did not start the load. */
  readonly generator?: ProcessSample;
  /** Absent where the target has no finwait, or was not asked in this look. */
  readonly inside?: InsideSample;
}
