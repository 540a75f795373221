export type { UpstreamChurn, UpstreamPorts, UpstreamRace, UpstreamSnapshot } from './detect/upstream.ts';
export type { Severity, Verdict, VerdictKind } from './detect/verdict.ts';
export type { SampleResult } from './monitor/collector.ts';
export { createMonitor, type Monitor } from './monitor/monitor.ts';
export type {
  ClientNameOptions,
  MonitorOptions,
  NamedDestination,
  NameOptions,
  ObserveProcessOptions,
} from './monitor/options.ts';
export type {
  AcceptQueue,
  IllegalSnapshot,
  NameSnapshot,
  QueuedBytes,
  Snapshot,
  SocketSnapshot,
  StateCounts,
} from './monitor/snapshot.ts';
export type { Reading } from './tcp/reading.ts';
export type { StateLabel } from './tcp/state.ts';
