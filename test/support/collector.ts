import type { Counters } from '../../src/kernel/procfs/read-counters.ts';
import { LeakCounts } from '../../src/monitor/leak-counts.ts';
import type { MonitorInternals } from '../../src/monitor/monitor.ts';
import { Join } from '../../src/sockets/join.ts';
import { type KernelRow, offer } from '../../src/sockets/row.ts';

/** The settings that {@link fillCollector} counts local ports by: 28,232 of them, as Linux has it by default. */
const SETTINGS = {
  localPortRange: { from: 32_768, to: 60_999 },
  reservedPorts: [],
  timeWaitReuse: 2,
  maxTimeWaits: 131_072,
  maxBacklog: 4_096,
};

/** Counters of which every one has a value of its own. */
export const COUNTERS: Counters = {
  inuse: 1,
  inuse6: 2,
  timeWait: 3,
  orphans: 4,
  allocated: 5,
  memoryPages: 6,
  currentEstablished: 7,
  activeOpens: 8,
  passiveOpens: 9,
  attemptFails: 10,
  establishedResets: 11,
  segmentsSent: 12,
  retransmittedSegments: 13,
  resetsSent: 14,
  listenOverflows: 15,
  listenDrops: 16,
  timeWaitCreated: 17,
  timeWaitReused: 18,
  timeWaitOverflows: 19,
  synRetransmits: 20,
  synCookiesSent: 21,
  synQueueFullCookies: 22,
  synQueueFullDrops: 23,
  abortsOnData: 24,
  abortsOnClose: 25,
  abortsOnTimeout: 26,
  abortsOnMemory: 27,
  lossProbes: 28,
  fastRetransmits: 29,
  retransmitTimeouts: 30,
  missing: [],
};

/** Gives a monitor everything that a sample finds out, as of now: a table of these rows, counters, descriptors. */
export function fillCollector({ ledger, collector }: MonitorInternals, rows: readonly KernelRow[] = []): void {
  const now = performance.now();
  const join = new Join(ledger, now, SETTINGS);
  for (const row of rows) offer(join, row);
  join.claim();
  // Of a time to come, so that it is young whatever the collector takes for old.
  collector.column = join.finish(now + 3_600_000);
  const leaks = new LeakCounts(ledger.names.capacity);
  collector.findings = { closeWait: leaks, leaks, leaked: [], groups: [], groupsOmitted: 0, soundAtMs: now };
  collector.portForecast.update(collector.column, SETTINGS, now);
  collector.source = 'ss';
  collector.lastSuccessSeconds = 1_767_225_600;
  collector.counters = COUNTERS;
  collector.descriptors = { open: 27, limit: 1_024 };
  collector.sysctls = SETTINGS;
  if (collector.tcpInfo !== undefined) collector.tcpInfo.retransmitting = new Int32Array(ledger.names.capacity);
}
