/**
 * One colour for each TCP state, the same in every panel. Red is kept for CLOSE_WAIT, the one state that is this
 * program's own fault; green is work being done; blue hues are connections we close, amber hues handshakes.
 */
export const STATE_COLOURS = {
  closed: '#6e7687',
  listen: '#a7adba',
  syn_sent: '#f2cc0c',
  syn_received: '#ffa930',
  established: '#56a64b',
  fin_wait_1: '#8ab8ff',
  fin_wait_2: '#37b5c8',
  close_wait: '#e02f44',
  closing: '#ca95e5',
  last_ack: '#b35ce0',
  time_wait: '#3f7fe8',
} as const;

/** One colour for each reason why a socket is in CLOSE_WAIT, warmer the surer it is that the program has to be changed. */
export const CAUSE_COLOURS = {
  not_ended: '#c4162a',
  unread_in_node: '#ff780a',
  unread_in_kernel: '#fa6400',
  write_stalled: '#e0b400',
  untracked: '#a352cc',
  loop_blocked: '#1f60c4',
  undetermined: '#808893',
} as const;

/** What a verdict looks like where a number is good or bad in itself. */
export const VERDICT_COLOURS = {
  good: '#56a64b',
  bad: '#e02f44',
  neutral: '#6e7687',
} as const;
