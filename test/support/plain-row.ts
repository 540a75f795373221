import type { KernelRow, RowTimer } from '../../src/sockets/row.ts';
import { endpointText, TUPLE } from '../../src/sockets/tuple.ts';
import { type StateName, stateName } from '../../src/tcp/state.ts';

/** A row of the kernel's table as plain data that can be kept and compared. */
export interface PlainRow {
  readonly state: StateName;
  readonly local: string;
  readonly peer: string;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly inode: number;
  readonly cookie: number;
  readonly timer: RowTimer;
  readonly timerMs: number;
  readonly retransmits: number;
}

/** Copies what a parser shows. Field by field: what a row is asked for may be read only then. */
export function plainRow({
  state,
  tuple,
  receiveQueue,
  sendQueue,
  inode,
  cookie,
  timer,
  timerMs,
  retransmits,
}: KernelRow): PlainRow {
  return {
    state: stateName(state),
    local: endpointText(tuple, TUPLE.localAddress, TUPLE.localPort),
    peer: endpointText(tuple, TUPLE.peerAddress, TUPLE.peerPort),
    receiveQueue,
    sendQueue,
    inode,
    cookie,
    timer,
    timerMs,
    retransmits,
  };
}
