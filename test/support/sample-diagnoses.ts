// Diagnoses as they might be written of real load tests: the same numbers at every run of the tests.
import type { Finding } from '../../src/detect/load-test/finding.ts';
import type { LoadRun, LoadTarget } from '../../src/detect/load-test/load-run.ts';
import type {
  AcceptQueueSample,
  CounterSample,
  EndSample,
  InsideSample,
  LoadSample,
  PortSample,
  ProcessSample,
} from '../../src/detect/load-test/load-sample.ts';
import { DIAGNOSIS_FORMAT, type Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { STATE_LABELS, type StateCounts, type StateLabel } from '../../src/tcp/state.ts';
import { endOf } from './load-runs.ts';

/** The states that are named, and 0 of each other one. */
export function stateNumbers(some: Partial<Record<StateLabel, number>> = {}): StateCounts {
  return Object.fromEntries(STATE_LABELS.map((label) => [label, Math.round(some[label] ?? 0)])) as StateCounts;
}

/** What a moment of a load test looks like. Rates are those since the moment before; they are added up to counters. */
export interface Moment {
  readonly server?: Partial<Record<StateLabel, number>>;
  readonly callers?: Partial<Record<StateLabel, number>>;
  readonly outbound?: Partial<Record<StateLabel, number>>;
  readonly acceptQueue?: Omit<AcceptQueueSample, 'listeners'>;
  readonly serverEnd?: Partial<EndSample>;
  readonly callersEnd?: Partial<EndSample>;
  readonly ports?: readonly PortSample[];
  readonly perSecond?: CounterSample;
  readonly target?: ProcessSample;
  readonly generator?: ProcessSample;
  readonly inside?: InsideSample;
  readonly hasTable?: boolean;
}

/** The run of which a shape tells every moment: `loadSeconds` is the time since the load began, negative before it. */
export function sampleRun(
  shape: {
    readonly beforeSeconds?: number;
    readonly loadSeconds: number;
    readonly afterSeconds: number;
    readonly intervalMs?: number;
  },
  moment: (loadSeconds: number, wobble: number) => Moment,
  more: Partial<LoadRun> = {},
): LoadRun {
  const { beforeSeconds = 1, loadSeconds, afterSeconds, intervalMs = 250 } = shape;
  const counters: Record<string, number> = { ...COUNTERS };
  const samples: LoadSample[] = [];
  const total = beforeSeconds + loadSeconds + afterSeconds;
  for (let index = 0; index * intervalMs <= total * 1_000; index++) {
    // No look is on time.
    const atMs = Math.round(index * intervalMs + 12 + 9 * Math.sin(index * 5.7));
    const sinceMs = atMs - (samples.at(-1)?.atMs ?? 0);
    const now = moment(atMs / 1_000 - beforeSeconds, Math.sin(index * 1.9) * 0.6 + Math.sin(index * 0.53) * 0.4);
    for (const [name, rate] of Object.entries(now.perSecond ?? {})) {
      counters[name] = (counters[name] ?? 0) + (rate * sinceMs) / 1_000;
    }
    samples.push({
      atMs,
      tookMs: Math.round(8 + 3 * Math.sin(index * 2.3)),
      counters: Object.fromEntries(Object.entries(counters).map(([name, count]) => [name, Math.round(count)])),
      ...(now.hasTable === false ? {} : { table: tableOf(now) }),
      ...(now.target === undefined ? {} : { target: now.target }),
      ...(now.generator === undefined ? {} : { generator: now.generator }),
      ...(now.inside === undefined ? {} : { inside: now.inside }),
    });
  }
  const loadFrom = beforeSeconds * 1_000;
  const loadTo = loadFrom + loadSeconds * 1_000;
  return {
    target: TARGET,
    command: { argv: ['npx', 'autocannon', '-c', '100', '-d', String(loadSeconds), URL], exitCode: 0 },
    probe: { status: 200, keepsConnection: true, keepAliveSeconds: 5 },
    settings: {
      localPortRange: { from: 32_768, to: 60_999 },
      timeWaitReuse: 2,
      maxTimeWaits: 65_536,
      somaxconn: 4_096,
      processors: 2,
    },
    phases: {
      before: { fromMs: 0, toMs: loadFrom },
      load: { fromMs: loadFrom, toMs: loadTo },
      after: { fromMs: loadTo, toMs: Math.max(loadTo, samples.at(-1)?.atMs ?? loadTo) },
    },
    isQuiet: true,
    isInterrupted: false,
    samples,
    notes: [],
    ...more,
  };
}

const URL = 'http://127.0.0.1:3000/';
const TARGET: LoadTarget = { ports: [3000], pids: [4242], title: 'node server.js' };
const COUNTERS: CounterSample = {
  activeOpens: 81_204,
  passiveOpens: 79_880,
  attemptFails: 12,
  establishedResets: 231,
  segmentsSent: 4_812_003,
  retransmittedSegments: 402,
  resetsSent: 540,
  listenOverflows: 0,
  listenDrops: 0,
  timeWaitCreated: 40_210,
  timeWaitReused: 88,
  timeWaitOverflows: 0,
  synRetransmits: 31,
  synCookiesSent: 0,
  synQueueFullDrops: 0,
  abortsOnData: 12,
  abortsOnClose: 41,
  abortsOnTimeout: 0,
  abortsOnMemory: 0,
};

function tableOf(now: Moment): NonNullable<LoadSample['table']> {
  const server = stateNumbers({ listen: 1, ...now.server });
  const callers = stateNumbers(now.callers);
  const outbound = stateNumbers(now.outbound);
  const netns = stateNumbers(
    Object.fromEntries(
      STATE_LABELS.map((label) => [label, server[label] + callers[label] + outbound[label] + (OTHERS[label] ?? 0)]),
    ),
  );
  return {
    source: 'ss',
    degraded: [],
    rows: Object.values(netns).reduce((sum, each) => sum + each, 0),
    netns,
    server,
    callers,
    outbound,
    acceptQueue: { limit: 511, connections: 0, waitedMs: 0, ...now.acceptQueue, listeners: 1 },
    serverEnd: endOf(now.serverEnd),
    callersEnd: endOf(now.callersEnd),
    outboundEnd: endOf(),
    ports: now.ports ?? [],
  };
}

const OTHERS: Partial<Record<StateLabel, number>> = { listen: 4, established: 23, time_wait: 11 };

/** A process with what it uses; at rest it uses next to nothing. */
function processOf(openFds: number, busiestThread: number, fdLimit = 1_024): ProcessSample {
  const busy = Math.max(0.01, Math.min(1, busiestThread));
  return { processes: 1, cpuCores: busy * 1.08, busiestThread: busy, openFds: Math.round(openFds), fdLimit };
}

function diagnosisOf(run: LoadRun, findings: readonly Finding[]): Diagnosis {
  return {
    format: DIAGNOSIS_FORMAT,
    finwait: '0.1.0',
    startedAt: '2026-11-30T14:05:09.120Z',
    findings,
    run,
    cost: { samples: run.samples.length, medianIntervalMs: 251, cpuCores: 0.06 },
  };
}

/** From 0 to 1 between two times, and back from 1 to 0 behind the second. */
function during(at: number, from: number, to: number, edge = 0.3): number {
  return Math.max(0, Math.min(1, (at - from) / edge + 0.5, (to - at) / edge + 0.5));
}

/** 200 connections in bursts, and a queue of 8 behind which nobody blocks. */
export function acceptQueueOverflow(): Diagnosis {
  const run = sampleRun(
    { loadSeconds: 10, afterSeconds: 3 },
    (at, wobble) => {
      const on = during(at, 0, 10);
      const full = on * during(at, 1, 9.2);
      return {
        server: { established: on * (96 + 5 * wobble), fin_wait_2: on * 2, time_wait: on * 3 },
        callers: {
          established: on * (104 + 6 * wobble),
          syn_sent: full * (84 + 14 * wobble),
          time_wait: Math.max(0, Math.min(at, 10)) * 61,
        },
        acceptQueue: { connections: Math.round(full * 9), limit: 8, waitedMs: 0 },
        callersEnd: { synRetransmitting: Math.round(full * (60 + 11 * wobble)) },
        ports: [
          {
            whose: 'callers',
            destination: '127.0.0.1:3000',
            used: Math.round(on * 190 + Math.max(0, Math.min(at, 10)) * 61),
            timeWait: Math.round(Math.max(0, Math.min(at, 10)) * 61),
            limit: 28_232,
          },
        ],
        perSecond: {
          passiveOpens: on * (410 + 60 * wobble),
          activeOpens: on * (432 + 60 * wobble),
          segmentsSent: on * 8_200 + 20,
          listenOverflows: full * (152 + 40 * wobble),
          listenDrops: full * (152 + 40 * wobble),
          synRetransmits: full * (110 + 30 * wobble),
          retransmittedSegments: full * (131 + 32 * wobble),
          timeWaitCreated: on * 61,
          resetsSent: on * 1.4,
        },
        target: processOf(22 + on * 96, on * (0.41 + 0.05 * wobble)),
        generator: processOf(24 + on * 190, on * (0.38 + 0.05 * wobble)),
      };
    },
    {
      command: { argv: ['npx', 'autocannon', '-c', '200', '-d', '10', URL], exitCode: 0 },
    },
  );
  return diagnosisOf(run, [
    {
      kind: 'accept_queue_full',
      impact: 0.42,
      confidence: 'proven',
      sentence:
        'port 3000 had 9 connections in an accept queue of 8 for 8.2 s while its event loop was free, and the kernel turned 1,246 packets of new connections away.',
      evidence: [
        { what: 'accept queue of port 3000', value: '9 of 8 in 33 of 40 looks', scope: 'target' },
        { what: 'longest wait in it', value: '0 ms: the loop came round each time', scope: 'target' },
        { what: 'ListenOverflows', value: '+1,246 in 8.2 s', scope: 'namespace' },
      ],
      advice: [
        'Pass a larger backlog: `server.listen({ port, backlog: 4096 })`; Node asks for 511 unless told, and the kernel cuts it to `net.core.somaxconn`.',
        'Let the load generator open its connections once and keep them, as real clients do.',
      ],
      seen: { fromMs: 2_012, toMs: 10_210 },
      explains: ['syn_dropped', 'packets_lost', 'resets'],
    },
    {
      kind: 'syn_dropped',
      impact: 0.31,
      confidence: 'likely',
      sentence:
        'up to 71 connections of this host at a time had to send their SYN again, which costs each a second or more.',
      evidence: [
        { what: 'TCPSynRetrans', value: '+902 in 8.2 s', scope: 'namespace' },
        { what: 'rows in SYN_SENT that wait', value: '71 at the peak', scope: 'generator' },
      ],
      advice: ['Nothing of its own: it ends with the full queue.'],
      seen: { fromMs: 2_012, toMs: 10_460 },
      explains: [],
    },
  ]);
}

/** Upgraded sockets that nobody ends: CLOSE_WAIT grows by 40 a second and stays; finwait is inside. */
export function closeWaitLeak(): Diagnosis {
  let opened = 12;
  let requests = 40;
  const run = sampleRun(
    { loadSeconds: 12, afterSeconds: 6 },
    (at, wobble) => {
      const on = during(at, 0, 12);
      const left = Math.round(Math.max(0, Math.min(at, 12)) * 40);
      opened += Math.round(on * 30);
      requests += Math.round(on * (460 + 40 * wobble));
      return {
        server: { established: on * (50 + 2 * wobble), close_wait: left, time_wait: on * 2 },
        callers: { established: on * (50 + 2 * wobble), fin_wait_2: Math.min(left, 60 * 40) },
        perSecond: {
          passiveOpens: on * (118 + 9 * wobble),
          activeOpens: on * (118 + 9 * wobble),
          segmentsSent: on * 9_100 + 20,
          resetsSent: on,
        },
        serverEnd: { closeWaitHeld: left, unread: left, unreadBytes: left },
        ports: [
          {
            whose: 'callers',
            destination: '127.0.0.1:3000',
            used: Math.round(on * 50) + left,
            timeWait: 0,
            limit: 28_232,
          },
        ],
        target: processOf(24 + on * 50 + left, on * (0.52 + 0.06 * wobble)),
        generator: processOf(21 + on * 50, on * (0.33 + 0.05 * wobble)),
        inside: insideOf({
          serverStates: { established: on * (50 + 2 * wobble), close_wait: left, listen: 1 },
          opened,
          closed: opened - left - 50,
          requests,
          closeWait: { not_ended: left, unread_in_node: 0 },
          leaked: at > 3 ? left : 0,
        }),
      };
    },
    {
      command: {
        argv: ['wrk', '-c50', '-d12s', '-H', 'Authorization: ***', 'http://127.0.0.1:3000/stream'],
        exitCode: 0,
      },
    },
  );
  return diagnosisOf(run, [
    {
      kind: 'leak',
      impact: 0.34,
      confidence: 'proven',
      sentence:
        '480 connections were left in CLOSE_WAIT 6 s after the load: the callers have hung up, and the server holds their descriptors.',
      evidence: [
        { what: 'CLOSE_WAIT held by a descriptor', value: '480 at the end, 0 before the load', scope: 'target' },
        { what: 'close_wait_sockets{cause="not_ended"}', value: '480', scope: 'target' },
        { what: 'open descriptors', value: '504 of 1,024 at the end, 24 before', scope: 'target' },
      ],
      advice: [
        "Handle 'end' on the upgraded socket: `socket.on('end', () => socket.end())`, or set `socket.allowHalfOpen = false` in the 'upgrade' listener.",
        "Bound it: `socket.setTimeout(60_000, () => socket.destroy())`. The server's timeouts do not close an upgraded socket.",
        'Ask `monitor.leaks()` inside the process for the request and the line that opened them.',
      ],
      seen: { fromMs: 1_512, toMs: 19_000 },
      explains: ['descriptors_exhausted'],
    },
  ]);
}

/** What finwait inside tells, most of it at rest. */
function insideOf(some: {
  readonly serverStates: Partial<Record<StateLabel, number>>;
  readonly opened: number;
  readonly closed: number;
  readonly requests: number;
  readonly closeWait?: InsideSample['closeWait'];
  readonly leaked?: number;
}): InsideSample {
  return {
    serverStates: stateNumbers(some.serverStates),
    clientStates: stateNumbers(),
    opened: { server: some.opened, client: 0 },
    closedFirst: { local: 2, remote: Math.max(0, some.closed), unknown: 0 },
    requests: some.requests,
    resetsReceived: 1,
    resetsSent: 0,
    closedWithActiveRequest: 0,
    idleCloses: { keep_alive_timeout: 0, local: 0, remote: Math.max(0, some.closed) },
    keepAliveTimeoutSeconds: 5,
    reusedConnectionErrors: 0,
    connectFailures: {},
    closeWait: some.closeWait ?? {},
    leaked: some.leaked ?? 0,
  };
}

/** 50 kept connections at 500 requests a second. */
export function healthy(): Diagnosis {
  const run = sampleRun(
    { loadSeconds: 10, afterSeconds: 2 },
    (at, wobble) => {
      const on = during(at, 0, 10);
      return {
        server: { established: on * 50 },
        callers: { established: on * 50, time_wait: at > 10 ? 50 : 0 },
        perSecond: {
          passiveOpens: at > 0 && at < 0.4 ? 125 : 0,
          activeOpens: at > 0 && at < 0.4 ? 125 : 0.3,
          segmentsSent: on * (1_040 + 60 * wobble) + 15,
        },
        ports: [
          {
            whose: 'callers',
            destination: '127.0.0.1:3000',
            used: Math.round(on * 50),
            timeWait: at > 10 ? 50 : 0,
            limit: 28_232,
          },
        ],
        target: processOf(22 + on * 50, on * (0.22 + 0.04 * wobble)),
        generator: processOf(24 + on * 50, on * (0.18 + 0.04 * wobble)),
      };
    },
    { command: { argv: ['npx', 'autocannon', '-c', '50', '-R', '500', '-d', '10', URL], exitCode: 0 } },
  );
  return diagnosisOf(run, []);
}

/** A connection for each request, 2,000 ports and tcp_tw_reuse 0: none is left after 4 s. */
export function portsExhausted(): Diagnosis {
  const run = sampleRun(
    { loadSeconds: 10, afterSeconds: 4 },
    (at, wobble) => {
      const on = during(at, 0, 10);
      const used = Math.min(2_000, Math.max(0, Math.min(at, 10)) * 520);
      const opening = on * (used < 2_000 ? 520 + 40 * wobble : 0);
      return {
        server: { established: opening > 0 ? 9 + 3 * wobble : 0 },
        callers: { established: opening > 0 ? 9 + 3 * wobble : 0, time_wait: used },
        perSecond: {
          passiveOpens: opening,
          activeOpens: opening,
          attemptFails: 0,
          timeWaitCreated: opening,
          segmentsSent: opening * 10 + 18,
        },
        ports: [
          {
            whose: 'callers',
            destination: '10.77.0.2:3000',
            used: Math.round(used),
            timeWait: Math.round(Math.max(0, used - 9)),
            limit: 2_000,
          },
        ],
        target: processOf(22 + on * 9, opening > 0 ? 0.31 + 0.03 * wobble : 0.01),
        generator: processOf(24 + on * 9, opening > 0 ? 0.36 + 0.03 * wobble : on * 0.98),
      };
    },
    {
      command: {
        argv: ['wrk', '-t1', '-c10', '-d10s', '-H', 'Connection: close', 'http://10.77.0.2:3000/'],
        exitCode: 1,
      },
      settings: {
        localPortRange: { from: 40_000, to: 41_999 },
        timeWaitReuse: 0,
        maxTimeWaits: 65_536,
        somaxconn: 4_096,
        processors: 2,
      },
      notes: ["The target's finwait was not asked: no /metrics was found on its ports."],
    },
  );
  return diagnosisOf(run, [
    {
      kind: 'ports_exhausted',
      impact: 0.61,
      confidence: 'proven',
      sentence:
        'all 2,000 local ports towards 10.77.0.2:3000 were taken from 4.9 s on, 1,991 of them by TIME_WAIT: connect(2) fails with EADDRNOTAVAIL.',
      evidence: [
        { what: 'local ports to 10.77.0.2:3000', value: '2,000 of 2,000 for 6.1 s', scope: 'generator' },
        { what: 'of these in TIME_WAIT', value: '1,991', scope: 'generator' },
        { what: 'net.ipv4.tcp_tw_reuse', value: '0: none is taken over', scope: 'namespace' },
      ],
      advice: [
        'Keep connections and use them again: without `Connection: close` ten of them carry the whole load.',
        'Widen the range, now 2,000 ports: `sysctl -w net.ipv4.ip_local_port_range="10240 65535"` has 55,296, less what is reserved or listened on.',
        'net.ipv4.tcp_tw_reuse is 0: with 1, connect(2) takes a port over from a TIME_WAIT older than a second (with TCP timestamps at both ends).',
      ],
      seen: { fromMs: 4_862, toMs: 11_000 },
      explains: ['connections_not_reused', 'server_closes_first', 'generator_limited', 'syn_dropped'],
    },
    {
      kind: 'connections_not_reused',
      impact: 0.15,
      confidence: 'likely',
      sentence: '2,000 connections were opened for a load that had 10 at a time: each carried one request.',
      evidence: [
        { what: 'PassiveOpens', value: '+2,000 in 3.8 s', scope: 'namespace' },
        { what: "the server's answer to a request of ours", value: 'keeps the connection', scope: 'target' },
      ],
      advice: ['Let the clients keep their connections: an http.Agent with `keepAlive: true`, or undici.'],
      explains: [],
    },
  ]);
}

/** All four, by the name of their file. */
export const SAMPLE_DIAGNOSES: { readonly [name: string]: () => Diagnosis } = {
  'accept-queue-overflow': acceptQueueOverflow,
  'close-wait-leak': closeWaitLeak,
  healthy,
  'ports-exhausted': portsExhausted,
};
