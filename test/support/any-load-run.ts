import fc from 'fast-check';
import type { LoadRun } from '../../src/detect/load-test/load-run.ts';
import {
  COUNTERS,
  type EndSample,
  type InsideSample,
  type LoadSample,
  type PortSample,
  type ProcessSample,
  type TableSample,
} from '../../src/detect/load-test/load-sample.ts';
import { STATE_LABELS, type StateCounts } from '../../src/tcp/state.ts';

/** Small numbers more often: they are near the thresholds. */
const count = fc.oneof(fc.nat({ max: 30 }), fc.nat({ max: 100_000 }));
const share = fc.double({ min: 0, max: 1, noNaN: true });

const states: fc.Arbitrary<StateCounts> = fc.record(
  Object.fromEntries(STATE_LABELS.map((state) => [state, count])) as { [state in keyof StateCounts]: typeof count },
);

const end: fc.Arbitrary<EndSample> = fc.record({
  unread: count,
  unreadBytes: count,
  unsent: count,
  unsentBytes: count,
  zeroWindow: count,
  retransmitting: count,
  synRetransmitting: count,
  closeWaitHeld: count,
});

const port: fc.Arbitrary<PortSample> = fc.record(
  {
    whose: fc.constantFrom('callers' as const, 'outbound' as const),
    destination: fc.constantFrom('127.0.0.1:3000', '[::1]:5432'),
    used: count,
    timeWait: count,
    limit: count,
  },
  { requiredKeys: ['whose', 'destination', 'used', 'timeWait'] },
);

const queue = fc.record(
  { connections: count, limit: count, listeners: fc.nat({ max: 4 }), waitedMs: count },
  { requiredKeys: ['connections', 'listeners', 'waitedMs'] },
);

const table: fc.Arbitrary<TableSample> = fc.record(
  {
    source: fc.constantFrom('ss' as const, 'procfs' as const),
    degraded: fc.constantFrom<readonly string[]>([], [], [], ['inconsistent']),
    rows: count,
    netns: states,
    server: states,
    callers: states,
    outbound: states,
    acceptQueue: queue,
    serverEnd: end,
    callersEnd: end,
    outboundEnd: end,
    ports: fc.array(port, { maxLength: 3 }),
  },
  {
    requiredKeys: [
      'source',
      'degraded',
      'rows',
      'netns',
      'server',
      'callers',
      'outbound',
      'serverEnd',
      'callersEnd',
      'outboundEnd',
      'ports',
    ],
  },
);

const processes: fc.Arbitrary<ProcessSample> = fc.record(
  {
    processes: fc.nat({ max: 3 }),
    cpuCores: fc.double({ min: 0, max: 8, noNaN: true }),
    busiestThread: share,
    openFds: count,
    fdLimit: count,
  },
  { requiredKeys: ['processes'] },
);

/** What a counter grows by from one look to the next: most grow, few go back, some are not there. */
const rates = fc.record(
  Object.fromEntries(
    COUNTERS.map((name) => [name, fc.oneof(fc.constant(0), fc.nat({ max: 20 }), fc.nat({ max: 5_000 }))]),
  ),
  { requiredKeys: [] },
);

const inside: fc.Arbitrary<InsideSample> = fc.record({
  serverStates: states,
  clientStates: states,
  opened: fc.record({ server: count, client: count }),
  closedFirst: fc.record({ local: count, remote: count, unknown: count }),
  requests: count,
  resetsReceived: count,
  resetsSent: count,
  closedWithActiveRequest: count,
  idleCloses: fc.record({ keep_alive_timeout: count, local: count, remote: count }),
  reusedConnectionErrors: count,
  connectFailures: fc.dictionary(fc.constantFrom('refused', 'port_exhausted', 'timeout'), count),
  closeWait: fc.dictionary(fc.constantFrom('not_ended', 'unread_in_node'), count),
  leaked: count,
});

const parts = fc.record({ table, target: processes, generator: processes, inside }, { requiredKeys: [] });

const frame = fc.record({
  ports: fc.constantFrom<readonly number[]>([], [3_000], [80, 443]),
  hasCommand: fc.boolean(),
  probe: fc.option(fc.record({ status: fc.constantFrom(0, 200, 404, 500), keepsConnection: fc.boolean() }), {
    nil: undefined,
  }),
  settings: fc.record(
    {
      localPortRange: fc.record({ from: count, to: count }),
      timeWaitReuse: fc.nat({ max: 2 }),
      somaxconn: count,
      processors: fc.nat({ max: 64 }),
    },
    { requiredKeys: ['processors'] },
  ),
  before: fc.nat({ max: 1_000 }),
  load: fc.nat({ max: 6_000 }),
  after: fc.nat({ max: 3_000 }),
  isQuiet: fc.boolean(),
  isInterrupted: fc.boolean(),
});

type Frame = typeof frame extends fc.Arbitrary<infer Value> ? Value : never;

/** Any run that type-checks: looks of any kind, counters that grow, stand still, go back or are not there. */
export const anyLoadRun: fc.Arbitrary<LoadRun> = fc
  .tuple(
    frame,
    rates,
    fc.array(fc.record({ parts, step: fc.nat({ max: 600 }), isBack: fc.nat({ max: 60 }) }), {
      minLength: 1,
      maxLength: 24,
    }),
    fc.boolean(),
  )
  .map(([given, grows, looks, isOneLook]) => {
    let atMs = 0;
    const totals: { [name: string]: number } = {};
    const samples = looks.map(({ parts: own, step, isBack }): LoadSample => {
      atMs += step;
      for (const [name, growth = 0] of Object.entries(grows)) {
        totals[name] = Math.max(0, (totals[name] ?? 1_000) + (isBack === 0 ? -growth : growth));
      }
      // Often all looks are alike: thresholds of what is sustained are then met.
      const found = isOneLook ? (looks[0]?.parts ?? own) : own;
      return { atMs, tookMs: Math.min(step, 20), counters: { ...totals }, ...found } as LoadSample;
    });
    return runOf(given, samples);
  });

/** A run in which every look finds the same. */
export const anyStillRun: fc.Arbitrary<LoadRun> = fc.tuple(frame, rates, parts).map(([given, counters, found]) =>
  runOf(
    given,
    Array.from({ length: 24 }, (_, index) => ({ atMs: index * 250, tookMs: 20, counters, ...found }) as LoadSample),
  ),
);

function runOf(
  { ports, hasCommand, probe, settings, before, load, after, isQuiet, isInterrupted }: Frame,
  samples: readonly LoadSample[],
): LoadRun {
  return {
    target: { ports, pids: [100] },
    ...(hasCommand ? { command: { argv: ['wrk'], exitCode: 0 } } : {}),
    ...(probe === undefined ? {} : { probe }),
    settings: settings as LoadRun['settings'],
    phases: {
      before: { fromMs: 0, toMs: before },
      load: { fromMs: before, toMs: before + load },
      after: { fromMs: before + load, toMs: before + load + after },
    },
    isQuiet,
    isInterrupted,
    samples,
    notes: [],
  };
}
