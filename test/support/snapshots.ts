import type { NameSnapshot, Snapshot, SocketSnapshot, StateCounts, StateLabel } from 'finwait';
import { STATE_LABELS } from '../../src/tcp/state.ts';

/** Counts of all 11 states: the given ones, and 0. */
export function counts(given: { readonly [state in StateLabel]?: number } = {}): StateCounts {
  return Object.fromEntries(STATE_LABELS.map((label) => [label, given[label] ?? 0])) as StateCounts;
}

/** A name in which nothing has happened but what is given. */
export function nameSnapshot(given: Partial<NameSnapshot> = {}): NameSnapshot {
  return {
    side: 'server',
    name: 'api',
    open: 0,
    opened: 0,
    adopted: 0,
    closed: 0,
    released: 0,
    requests: 0,
    resetsReceived: 0,
    resetsSent: 0,
    halfClosesLocal: 0,
    halfClosesRemote: 0,
    withoutAddress: 0,
    acceptQueue: undefined,
    node: counts(),
    kernel: counts(),
    ...given,
  };
}

/** An open socket, ESTABLISHED in both columns unless something else is given. */
export function socketSnapshot(given: Partial<SocketSnapshot> = {}): SocketSnapshot {
  return {
    side: 'server',
    name: 'api',
    local: '127.0.0.1:8080',
    peer: '127.0.0.1:40000',
    node: { state: 'established', certainty: 'inferred', alternatives: ['close_wait', 'closed'] },
    nodeStateAgeMs: 0,
    nodeStateObservedMs: undefined,
    kernel: 'established',
    state: 'established',
    ageMs: 0,
    bytesReceived: 0,
    bytesSent: 0,
    queued: { nodeRead: 0, nodeWrite: 0, kernelReceive: 0, kernelSend: 0 },
    inode: undefined,
    blind: false,
    generation: 0,
    request: undefined,
    ...given,
  };
}

/** A snapshot of nothing but what is given. */
export function snapshotOf(given: Partial<Snapshot> = {}): Snapshot {
  return {
    takenAt: '2026-01-01T00:00:00.000Z',
    table: { ageMs: 0, rows: 0, states: counts() },
    node: counts(),
    kernel: counts(),
    names: [],
    upstreams: [],
    verdicts: [],
    sockets: [],
    socketsOmitted: 0,
    illegal: [],
    ...given,
  };
}
