// Diagnoses that have every field there is, and no field that may be missing: held so by the types.
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { endOf } from './load-runs.ts';
import { stateNumbers } from './sample-diagnoses.ts';

/** A type without optional fields, at any depth. */
type Complete<T> = T extends readonly (infer Item)[]
  ? readonly Complete<Item>[]
  : T extends object
    ? { readonly [key in keyof T]-?: Complete<T[key]> }
    : T;

/** A type with its mandatory fields only, at any depth. */
type Least<T> = T extends readonly (infer Item)[]
  ? readonly Least<Item>[]
  : T extends object
    ? { readonly [key in keyof T as Partial<Pick<T, key>> extends Pick<T, key> ? never : key]: Least<T[key]> }
    : T;

const SPAN = { fromMs: 0, toMs: 1_000 };
const STATES = stateNumbers({ established: 7, close_wait: 2 });
const END = endOf({ unread: 2, unreadBytes: 300, unsent: 1, unsentBytes: 20 });

/** Every field is there. */
export const COMPLETE: Complete<Diagnosis> = {
  format: 1,
  finwait: '0.1.0',
  startedAt: '2026-11-30T14:05:09.120Z',
  findings: [
    {
      kind: 'resets',
      impact: 0.5,
      confidence: 'likely',
      sentence: 'Half of the connections were reset.',
      evidence: [{ what: 'OutRsts', value: '+500 in 1 s', scope: 'namespace' }],
      advice: ['Read what the peer has sent before the socket is closed.'],
      seen: SPAN,
      explains: ['leak'],
    },
  ],
  run: {
    target: { ports: [3_000], pids: [4_242], title: 'node server.js' },
    command: { argv: ['wrk', 'http://127.0.0.1:3000/'], exitCode: 0, signal: 'SIGTERM' },
    probe: { status: 200, keepsConnection: true, keepAliveSeconds: 5 },
    settings: {
      localPortRange: { from: 32_768, to: 60_999 },
      timeWaitReuse: 2,
      maxTimeWaits: 65_536,
      somaxconn: 4_096,
      processors: 2,
    },
    phases: { before: SPAN, load: { fromMs: 1_000, toMs: 9_000 }, after: { fromMs: 9_000, toMs: 11_000 } },
    isQuiet: true,
    isInterrupted: false,
    samples: [
      {
        atMs: 12,
        tookMs: 8.5,
        counters: {
          activeOpens: 1,
          passiveOpens: 2,
          attemptFails: 3,
          establishedResets: 4,
          segmentsSent: 5,
          retransmittedSegments: 6,
          resetsSent: 7,
          listenOverflows: 8,
          listenDrops: 9,
          timeWaitCreated: 10,
          timeWaitReused: 11,
          timeWaitOverflows: 12,
          synRetransmits: 13,
          synCookiesSent: 14,
          synQueueFullDrops: 15,
          lossProbes: 16,
          fastRetransmits: 17,
          retransmitTimeouts: 18,
          abortsOnData: 19,
          abortsOnClose: 20,
          abortsOnTimeout: 21,
          abortsOnMemory: 22,
        },
        table: {
          source: 'ss',
          degraded: ['duplicates'],
          rows: 40,
          netns: STATES,
          server: STATES,
          callers: STATES,
          outbound: STATES,
          acceptQueue: { connections: 3, limit: 511, listeners: 1, waitedMs: 40 },
          serverEnd: END,
          callersEnd: END,
          outboundEnd: END,
          ports: [{ whose: 'callers', destination: '127.0.0.1:3000', used: 30, timeWait: 20, limit: 28_232 }],
        },
        target: {
          processes: 1,
          cpuCores: 0.5,
          busiestThread: 0.4,
          waitedForProcessor: 0.1,
          openFds: 30,
          fdLimit: 1_024,
        },
        generator: {
          processes: 2,
          cpuCores: 0.3,
          busiestThread: 0.2,
          waitedForProcessor: 0.1,
          openFds: 20,
          fdLimit: 1_024,
        },
        inside: {
          serverStates: STATES,
          clientStates: STATES,
          opened: { server: 10, client: 3 },
          closedFirst: { local: 1, remote: 2, unknown: 3 },
          requests: 100,
          resetsReceived: 4,
          resetsSent: 5,
          closedWithActiveRequest: 6,
          idleCloses: { keep_alive_timeout: 7, local: 8, remote: 9 },
          keepAliveTimeoutSeconds: 5,
          reusedConnectionErrors: 10,
          connectFailures: { refused: 11 },
          closeWait: { not_ended: 2 },
          leaked: 1,
        },
      },
    ],
    notes: ['Nothing.'],
  },
  cost: { samples: 1, medianIntervalMs: 250, cpuCores: 0.05 },
};

/** No field is there that may be missing. */
export const LEAST: Least<Diagnosis> = {
  format: 1,
  finwait: '0.1.0',
  startedAt: '2026-11-30T14:05:09Z',
  findings: [
    { kind: 'leak', impact: 0, confidence: 'possible', sentence: 'One.', evidence: [], advice: [], explains: [] },
  ],
  run: {
    target: { ports: [], pids: [] },
    settings: { processors: 1 },
    phases: { before: SPAN, load: SPAN, after: SPAN },
    isQuiet: false,
    isInterrupted: true,
    samples: [{ atMs: 0, tookMs: 1, counters: {} }],
    notes: [],
  },
  cost: { samples: 1, medianIntervalMs: 0, cpuCores: 0 },
};
