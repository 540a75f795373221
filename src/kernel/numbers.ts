import type { RowTimer } from '../sockets/row.ts';
import { STATE, type State } from '../tcp/state.ts';

/**
 * By the numbers of include/net/tcp_states.h. 12 is NEW_SYN_RECV, a SYN_RECEIVED that is not a full socket yet; 13,
 * BOUND_INACTIVE, can be asked for and is no socket's: those that are only bound are CLOSED.
 */
export const STATE_OF_NUMBER: readonly (State | undefined)[] = [
  undefined,
  STATE.ESTABLISHED,
  STATE.SYN_SENT,
  STATE.SYN_RECEIVED,
  STATE.FIN_WAIT_1,
  STATE.FIN_WAIT_2,
  STATE.TIME_WAIT,
  STATE.CLOSED,
  STATE.CLOSE_WAIT,
  STATE.LAST_ACK,
  STATE.LISTEN,
  STATE.CLOSING,
  STATE.SYN_RECEIVED,
];

/** By the numbers of get_tcp4_sock and of idiag_timer; ss gives them the same names. */
export const TIMER_OF_NUMBER: readonly RowTimer[] = ['none', 'on', 'keepalive', 'timewait', 'persist'];
