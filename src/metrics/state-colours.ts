/**
 * One colour for each TCP state, the same in every picture. Red is kept for CLOSE_WAIT, the one state that is this
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

/** The same hues where the ground is white: a line of each stands out from it by 3 to 1. */
export const STATE_COLOURS_ON_WHITE = {
  closed: '#5b6373',
  listen: '#858d9c',
  syn_sent: '#a28500',
  syn_received: '#c46f00',
  established: '#358a2b',
  fin_wait_1: '#5f8fe2',
  fin_wait_2: '#12869a',
  close_wait: '#d31f38',
  closing: '#b173d6',
  last_ack: '#8a2fbd',
  time_wait: '#1d5bc4',
} as const;
