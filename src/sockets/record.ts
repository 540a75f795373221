import { STATE, type State } from '../tcp/state.ts';
import { TRANSITIONS } from '../tcp/transition.ts';
import { type ClosingFacts, closingOf } from './closing.ts';

/** Flags of a record, as bits of one integer: the first seven index the table of closings. */
export const FLAG = {
  firstFinLocal: 1,
  firstFinRemote: 2,
  firstFinUnknown: 3,
  firstFinMask: 3,
  failedReset: 0x04,
  failedTimeout: 0x08,
  failedKernel: 0x0c,
  failedProgram: 0x10,
  failureMask: 0x1c,
  /** resetAndDestroy() was called. */
  aborted: 0x20,
  /** Accepted, and no byte came; decided when the descriptor is closed. */
  unused: 0x40,
  closingMask: 0x7f,
  /** Counted as opened or adopted, and not yet as closed or released. */
  open: 0x80,
  /** Was accepted by a server of ours. */
  server: 0x100,
  /** A TLSSocket reads and writes: the peer's end may be a close_notify alert. */
  tls: 0x200,
  /** Was open before it was observed: in no duration. */
  adopted: 0x400,
  /** The handle was not reading at the last walk. */
  blind: 0x800,
  /** The socket is held weakly. */
  loose: 0x1000,
  /** The addresses could not be had (closed too soon, or no TCP). */
  noAddress: 0x2000,
  /** The program chose the name; it stays when the socket connects again. */
  named: 0x4000,
  /** The socket was closed at the last walk, and 'close' had not come. */
  closeDue: 0x8000,
  /** The host that the socket remembers is of an earlier connect(): Node never forgets it. */
  hostStale: 0x1_0000,
  /** connect() was called, and the operation is not over: see sockets/connects.ts. */
  connecting: 0x2_0000,
  /** That operation has a name and is counted. */
  connectCounted: 0x4_0000,
  /** A single attempt of it is under way. */
  attempting: 0x8_0000,
  /** The newest attempt is at an IPv6 address. */
  attemptIpv6: 0x10_0000,
  /** 'lookup' said that the name does not resolve. */
  lookupFailed: 0x20_0000,
  /** Found by the observation of the whole process. */
  found: 0x40_0000,
  /** Our idle timer went off since the last request. */
  idleTimeout: 0x80_0000,
  /** After the request in hand, or the last one, the connection closes. */
  lastRequest: 0x100_0000,
  /** A request is under way that no ClientRequest or ServerResponse stands for (undici). */
  active: 0x200_0000,
  /** Its answer has begun. */
  responded: 0x400_0000,
  /** Left HTTP by an upgrade or CONNECT. */
  upgraded: 0x800_0000,
  /** Stands in a pool of undici, or of the fetch that is built in. */
  undici: 0x1000_0000,
} as const;

/** What stays when the same socket object gets a new kernel socket. */
const KEPT_FLAGS: number =
  FLAG.server |
  FLAG.named |
  FLAG.tls |
  FLAG.hostStale |
  FLAG.found |
  FLAG.loose |
  // connect() comes before its first attempt, and one operation may have several.
  FLAG.connecting |
  FLAG.connectCounted |
  FLAG.lookupFailed;

/**
 * One kernel socket as Node shows it. A socket object that connects again begins a new generation of its record.
 *
 * All fields are set in the constructor and stay of one kind, because there are as many of these as there are sockets:
 * times are tenths of a millisecond on the ledger's clock, small enough to need no box for the first 59 hours.
 */
export class SocketRecord {
  // Not `#held`: V8 gives private fields an array of their own behind each object, 40 bytes.
  /**
   * The socket, until the first walk: most are gone by then, and making a WeakRef costs 100 ns and work for the GC. From
   * then on (`FLAG.loose`) a WeakRef: a record must not keep it alive.
   */
  private held: object;
  /** Place in the ledger's list; -1 outside. */
  index: number;
  /** The (side, name) pair; -1 until it is fixed when the connection opens. */
  slot: number;
  /** Index of the last transition in {@link TRANSITIONS}, -1 at birth (CLOSED). Written by the ledger only. */
  transition: number;
  /** Counts the kernel sockets this socket object has had. */
  generation: number;
  flags: number;
  openedAt: number;
  /** When the state last changed. */
  changedAt: number;
  /** When the state was last proved; -1 if it is only inferred. */
  observedAt: number;
  /** Slot of the addresses in the ledger's index of own tuples; -1 while they are unknown. */
  tupleSlot: number;
  /** Slot of the endpoint that is being connected to in the ledger's index of upstreams; -1 on a server. */
  upstream: number;
  bytesReceived: number;
  bytesSent: number;
  /** HTTP requests this connection has had. */
  requests: number;
  /** When the phase of the connect operation began; once that is over, when the last answer was complete, or -1. */
  markAt: number;
  /** The last HTTP request, as `GET /users/:id`. */
  request: string | undefined;
  /** Place among those that wait for their first attempt; -1 outside. */
  waitingAt: number;

  constructor(socket: object, flags: number, at: number) {
    this.held = socket;
    this.index = -1;
    this.slot = -1;
    this.transition = -1;
    this.generation = 0;
    this.flags = flags;
    this.openedAt = at;
    this.changedAt = at;
    this.observedAt = -1;
    this.tupleSlot = -1;
    this.upstream = -1;
    this.bytesReceived = 0;
    this.bytesSent = 0;
    this.requests = 0;
    this.markAt = -1;
    this.request = undefined;
    this.waitingAt = -1;
  }

  /** The socket; undefined once it was collected. */
  get socket(): object | undefined {
    return (this.flags & FLAG.loose) === 0 ? this.held : (this.held as WeakRef<object>).deref();
  }

  /** Another socket object stands for the same kernel socket now. */
  set socket(socket: object) {
    this.held = socket;
    this.flags &= ~FLAG.loose;
  }

  /** Lets go of the socket, and keeps a weak reference. */
  loosen(): void {
    if ((this.flags & FLAG.loose) !== 0) return;
    this.held = new WeakRef(this.held);
    this.flags |= FLAG.loose;
  }
}

/** The state a record is in: CLOSED until its first transition. */
export function stateOf(record: { readonly transition: number }): State {
  return STATE_AFTER[record.transition + 1] as State;
}

/** The state at birth, then the one that each transition leads to. */
const STATE_AFTER: Uint8Array = Uint8Array.of(STATE.CLOSED, ...TRANSITIONS.map(({ to }) => to));

/** Begins a new generation: another kernel socket behind the same socket object. */
export function renew(record: SocketRecord, at: number): void {
  record.generation++;
  record.transition = -1;
  record.flags &= KEPT_FLAGS;
  record.openedAt = at;
  record.changedAt = at;
  record.observedAt = -1;
  record.bytesReceived = 0;
  record.bytesSent = 0;
  record.requests = 0;
  record.request = undefined;
  record.upstream = -1;
  // Within one operation the name stays, whichever address is tried next.
  if ((record.flags & (FLAG.named | FLAG.connectCounted)) === 0) record.slot = -1;
}

/** The index in `CLOSINGS` under which a record is counted, from its flags. */
export function closingOfFlags(flags: number): number {
  return CLOSING_BY_FLAGS[flags & FLAG.closingMask] as number;
}

const FIRST_FINS: readonly ClosingFacts['firstFin'][] = ['none', 'local', 'remote', 'unknown'];
const FAILURES: readonly ClosingFacts['failure'][] = ['none', 'reset', 'timeout', 'kernel', 'program'];

const CLOSING_BY_FLAGS: Int8Array = Int8Array.from({ length: FLAG.closingMask + 1 }, (_, flags) =>
  closingOf({
    firstFin: FIRST_FINS[flags & FLAG.firstFinMask] ?? 'none',
    failure: FAILURES[(flags & FLAG.failureMask) >> 2] ?? 'none',
    aborted: (flags & FLAG.aborted) !== 0,
    unused: (flags & FLAG.unused) !== 0,
  }),
);
