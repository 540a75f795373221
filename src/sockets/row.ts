import { STATE, type State } from '../tcp/state.ts';
import { TUPLE, TUPLE_WORDS } from './tuple.ts';

/** What the kernel's timer of a socket is for, as `ss -o` names it. */
export type RowTimer = 'none' | 'on' | 'keepalive' | 'timewait' | 'persist' | 'unknown';

/**
 * Whether a row is worth reading, asked for every row of a table. Reading a row whole is most of what a row costs, and
 * few rows of a host are those of one process.
 */
export type RowFilter = (state: State, localPort: number, peerPort: number) => boolean;

/**
 * One row of the kernel's socket table. A reader reuses one object for all rows of a table: copy what is to be kept.
 */
export interface KernelRow {
  state: State;
  /** Both endpoints, see {@link TUPLE}; mapped IPv4 and plain IPv4 read the same. */
  readonly tuple: Uint32Array;
  /** Bytes waiting to be read; on a listener the connections waiting to be accepted. A FIN counts as one byte. */
  receiveQueue: number;
  /** Bytes not yet acknowledged; on a listener the limit of its accept queue, NaN where the source (procfs) has none. */
  sendQueue: number;
  /** The socket's inode; 0 where no descriptor holds it (TIME_WAIT, orphans, SYN_RECEIVED, the accept queue). */
  inode: number;
  /** SO_COOKIE, the same from SYN_SENT to TIME_WAIT; 0 where the source has none. */
  cookie: number;
  timer: RowTimer;
  /** Milliseconds until the timer fires; NaN where the source does not say. */
  timerMs: number;
  /**
   * How often the kernel has sent again what the timer waits for, without an answer, 255 at most: segments, or the
   * probes of `persist` and `keepalive`. 0 without a timer. In SYN_RECEIVED netlink counts every SYN+ACK that was sent
   * again (num_retrans), procfs only those that the timer sent (num_timeout).
   */
  retransmits: number;
}

/** A row to read into. Every field of a row is written here, so a new one cannot be forgotten. */
export function blankRow(): KernelRow {
  return {
    state: STATE.CLOSED,
    tuple: new Uint32Array(TUPLE_WORDS),
    receiveQueue: 0,
    sendQueue: 0,
    inode: 0,
    cookie: 0,
    timer: 'none',
    timerMs: Number.NaN,
    retransmits: 0,
  };
}

/**
 * Who takes the rows of one table. Most rows are nobody's business here: a parser asks about each by what is read
 * quickest, and reads the rest of the line only where the answer is yes.
 */
export interface RowSink {
  /**
   * Counts a row, and says whether {@link add} wants to see all of it. Asked once for every row, in the order of the
   * table. On a listener `peerPort` is 0.
   */
  wants(state: State, localPort: number, peerPort: number): boolean;
  /** Takes a row that was just wanted. */
  add(row: KernelRow): void;
}

/** Gives a sink a row that has been read whole. */
export function offer(sink: RowSink, row: KernelRow): void {
  if (sink.wants(row.state, row.tuple[TUPLE.localPort] as number, row.tuple[TUPLE.peerPort] as number)) sink.add(row);
}
