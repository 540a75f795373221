import type { StateLabel } from '../../tcp/state.ts';

/** Each state in one line, for those who meet it for the first time. */
export const STATE_WORDS: { readonly [state in StateLabel]: string } = {
  closed: 'no connection',
  listen: 'a server that waits for connections',
  syn_sent: 'called, and nobody has answered yet',
  syn_received: 'was called and has answered; the caller has not confirmed yet',
  established: 'open in both directions',
  fin_wait_1: 'hung up; the other end has not confirmed it yet',
  fin_wait_2: 'hung up, and the other end has not',
  close_wait: 'the other end has hung up, and this program has not: if it stays, it is a leak',
  closing: 'both hung up at the same time; the other end has not confirmed it yet',
  last_ack: 'both have hung up; the last confirmation is missing',
  time_wait: 'closed first and done: the kernel keeps the ports for a minute, without a descriptor',
};
