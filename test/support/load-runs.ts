import type { LoadRun, Phase } from '../../src/detect/load-test/load-run.ts';
import type {
  AcceptQueueSample,
  CounterSample,
  EndSample,
  InsideSample,
  LoadSample,
  PortSample,
  ProcessSample,
  TableSample,
} from '../../src/detect/load-test/load-sample.ts';
import type { StateCounts } from '../../src/tcp/state.ts';
import { counts } from './snapshots.ts';

/** When a look was made. */
export interface LookTime {
  readonly phase: Phase;
  /** How much of the load has passed: 0 before it, 1 after. */
  readonly share: number;
  /** How much of the part that the rules look at has passed: without the last moments. */
  readonly steady: number;
  /** Seconds of the load that have passed. */
  readonly seconds: number;
  /** Whether the load generator takes its connections down, as it does in its last moments. */
  readonly isTeardown: boolean;
}

/** What a look found, apart from what a healthy load shows. */
export interface GivenLook {
  readonly counters?: CounterSample;
  readonly server?: Partial<StateCounts>;
  readonly callers?: Partial<StateCounts>;
  readonly outbound?: Partial<StateCounts>;
  readonly serverEnd?: Partial<EndSample>;
  readonly callersEnd?: Partial<EndSample>;
  readonly outboundEnd?: Partial<EndSample>;
  readonly acceptQueue?: Partial<AcceptQueueSample>;
  readonly ports?: readonly PortSample[];
  readonly degraded?: readonly string[];
  readonly target?: Partial<ProcessSample>;
  readonly generator?: Partial<ProcessSample>;
  readonly inside?: Partial<InsideSample>;
  /** Without this the table is there. */
  readonly hasTable?: boolean;
}

/** A run of so many seconds, of which each look is told apart. */
export interface GivenRun extends Partial<Omit<LoadRun, 'samples' | 'phases'>> {
  readonly seconds?: number;
  readonly everyMs?: number;
  readonly look?: (time: LookTime) => GivenLook;
}

const BEFORE_MS = 500;
const AFTER_MS = 4_000;
/** Of the load generator, at its end. */
const TEARDOWN_MS = 200;
/** What the rules leave out of a load at its end, in looks of 250 ms. */
const LAST_MS = 750;
const OPEN = 10;

/**
 * A load test of 5 s on loopback: 10 kept connections, 500 requests a second, and at its end a generator that destroys
 * what it has; all else as `look` says.
 */
export function loadRunOf({ seconds = 5, everyMs = 250, look = () => ({}), ...given }: GivenRun = {}): LoadRun {
  const loadMs = seconds * 1_000;
  const toMs = BEFORE_MS + loadMs;
  const endMs = toMs + AFTER_MS;
  const samples: LoadSample[] = [];
  for (let atMs = 0; atMs <= endMs; atMs += everyMs) {
    const passedMs = Math.min(Math.max(0, atMs - BEFORE_MS), loadMs);
    const time: LookTime = {
      phase: atMs < BEFORE_MS ? 'before' : atMs <= toMs ? 'load' : 'after',
      share: passedMs / loadMs,
      steady: Math.min(1, passedMs / Math.max(1, loadMs - LAST_MS)),
      seconds: passedMs / 1_000,
      isTeardown: atMs > toMs - TEARDOWN_MS && atMs <= toMs,
    };
    samples.push(sampleOf(atMs, time, look(time)));
  }
  return {
    target: { ports: [3_000], pids: [100], title: 'node server.js' },
    command: { argv: ['npx', 'autocannon', 'http://127.0.0.1:3000'], exitCode: 0 },
    probe: { status: 200, keepsConnection: true, keepAliveSeconds: 5 },
    settings: {
      localPortRange: { from: 32_768, to: 60_999 },
      timeWaitReuse: 2,
      maxTimeWaits: 131_072,
      somaxconn: 4_096,
      processors: 2,
    },
    phases: {
      before: { fromMs: 0, toMs: BEFORE_MS },
      load: { fromMs: BEFORE_MS, toMs },
      after: { fromMs: toMs, toMs: endMs },
    },
    isQuiet: true,
    isInterrupted: false,
    notes: [],
    samples,
    ...given,
  };
}

/** A run in which counters of the kernel grow, by so much in the part that the rules look at. */
export function countingRun(grown: CounterSample, given: GivenLook = {}, run: GivenRun = {}): LoadRun {
  return loadRunOf({
    ...run,
    look: ({ steady }) => ({
      ...given,
      counters: Object.fromEntries(Object.entries(grown).map(([name, count]) => [name, Math.round(count * steady)])),
    }),
  });
}

function sampleOf(atMs: number, time: LookTime, given: GivenLook): LoadSample {
  const { hasTable = true, counters, target, generator, inside } = given;
  const isOn = time.phase === 'load';
  return {
    atMs,
    tookMs: 20,
    counters: { ...healthyCounters(time), ...counters },
    ...(hasTable ? { table: tableOf(time, given) } : {}),
    target: { processes: 1, cpuCores: 0.3, busiestThread: 0.28, openFds: 30, fdLimit: 1_024, ...target },
    ...(isOn
      ? { generator: { processes: 1, cpuCores: 0.2, busiestThread: 0.2, openFds: 30, fdLimit: 1_024, ...generator } }
      : {}),
    ...(inside === undefined ? {} : { inside: insideOf(inside) }),
  };
}

function healthyCounters({ seconds, phase, isTeardown }: LookTime): CounterSample {
  const opened = phase === 'before' ? 0 : OPEN;
  // autocannon destroys sockets with answers under way: RSTs, and an abort for each.
  const resets = phase === 'after' || isTeardown ? OPEN : 0;
  return {
    activeOpens: 5 + opened,
    passiveOpens: 5 + opened,
    attemptFails: 1,
    establishedResets: 2 + resets * 2,
    segmentsSent: 100 + seconds * 2_000,
    retransmittedSegments: 3,
    resetsSent: 2 + resets,
    listenOverflows: 7,
    listenDrops: 7,
    timeWaitCreated: 4,
    timeWaitReused: 0,
    timeWaitOverflows: 0,
    synRetransmits: 6,
    synCookiesSent: 0,
    synQueueFullDrops: 0,
    abortsOnData: 1,
    abortsOnClose: 1 + resets,
    abortsOnTimeout: 0,
    abortsOnMemory: 0,
  };
}

function tableOf({ phase, isTeardown }: LookTime, given: GivenLook): TableSample {
  const open = phase === 'load' && !isTeardown ? OPEN : 0;
  return {
    source: 'ss',
    degraded: given.degraded ?? [],
    rows: 20 + open * 2,
    netns: counts({ established: open * 2, listen: 3 }),
    server: counts({ established: open, listen: 1, ...given.server }),
    callers: counts({ established: open, ...given.callers }),
    outbound: counts(given.outbound),
    serverEnd: endOf({ unread: open > 0 ? 1 : 0, unreadBytes: open > 0 ? 90 : 0, ...given.serverEnd }),
    callersEnd: endOf(given.callersEnd),
    outboundEnd: endOf(given.outboundEnd),
    acceptQueue: { connections: 0, limit: 511, listeners: 1, waitedMs: 0, ...given.acceptQueue },
    ports: given.ports ?? [{ whose: 'callers', destination: '127.0.0.1:3000', used: open, timeWait: 0, limit: 28_231 }],
  };
}

/** Nothing at this end of the connections, but what is given. */
export function endOf(given: Partial<EndSample> = {}): EndSample {
  return {
    unread: 0,
    unreadBytes: 0,
    unsent: 0,
    unsentBytes: 0,
    zeroWindow: 0,
    retransmitting: 0,
    synRetransmitting: 0,
    closeWaitHeld: 0,
    ...given,
  };
}

/** Nothing from inside, but what is given. */
export function insideOf(given: Partial<InsideSample>): InsideSample {
  return {
    serverStates: counts(),
    clientStates: counts(),
    opened: { server: 0, client: 0 },
    closedFirst: { local: 0, remote: 0, unknown: 0 },
    requests: 0,
    resetsReceived: 0,
    resetsSent: 0,
    closedWithActiveRequest: 0,
    idleCloses: { keep_alive_timeout: 0, local: 0, remote: 0 },
    reusedConnectionErrors: 0,
    connectFailures: {},
    closeWait: {},
    leaked: 0,
    ...given,
  };
}
