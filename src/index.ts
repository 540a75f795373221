export type {
  CloseWaitCause,
  Divergence,
  LeakCause,
  LeakedSocket,
  LeakGroup,
  LeakReport,
  LeakState,
  LeakThresholds,
  RemediedCause,
  Share,
} from './detect/leaks/leak.ts';
export type { UpstreamChurn, UpstreamPorts, UpstreamRace, UpstreamSnapshot } from './detect/upstream.ts';
export type { Severity, Verdict, VerdictKind } from './detect/verdict.ts';
export type { SampleResult } from './monitor/collector.ts';
export {
  type Comparison,
  compare,
  type Mark,
  type NameComparison,
  type NamespaceCounts,
  type Remainder,
} from './monitor/comparison.ts';
export { type FormatLeaksOptions, formatLeak, formatLeaks } from './monitor/format-leaks.ts';
export { createMonitor, type Monitor } from './monitor/monitor.ts';
export type {
  ClientNameOptions,
  MonitorOptions,
  NamedDestination,
  NameOptions,
  ObserveProcessOptions,
  Remedy,
} from './monitor/options.ts';
export type {
  AcceptQueue,
  IllegalSnapshot,
  NameSnapshot,
  QueuedBytes,
  Snapshot,
  SocketSnapshot,
} from './monitor/snapshot.ts';
export type { SocketKind } from './sockets/socket-kind.ts';
export type { Reading } from './tcp/reading.ts';
export type { StateCounts, StateLabel } from './tcp/state.ts';
