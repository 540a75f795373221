import { describe, expect, it } from 'vitest';
import { STATE, STATE_LABELS, STATE_SLOTS, STATES, stateLabel, stateName } from '../../src/tcp/state.ts';

describe('the states', () => {
  it('are the 11 of RFC 9293, each once', () => {
    expect(STATES).toHaveLength(11);
    expect(STATES.map(stateName)).toEqual([
      'CLOSED',
      'LISTEN',
      'SYN_SENT',
      'SYN_RECEIVED',
      'ESTABLISHED',
      'FIN_WAIT_1',
      'FIN_WAIT_2',
      'CLOSE_WAIT',
      'CLOSING',
      'LAST_ACK',
      'TIME_WAIT',
    ]);
  });

  it('have the numbers of include/net/tcp_states.h', () => {
    // /proc/net/tcp prints them in hexadecimal: 0A is a listener, 08 a leak.
    expect(STATE).toEqual({
      ESTABLISHED: 1,
      SYN_SENT: 2,
      SYN_RECEIVED: 3,
      FIN_WAIT_1: 4,
      FIN_WAIT_2: 5,
      TIME_WAIT: 6,
      CLOSED: 7,
      CLOSE_WAIT: 8,
      LAST_ACK: 9,
      LISTEN: 0x0a,
      CLOSING: 0x0b,
    });
    expect(Math.max(...STATES)).toBe(STATE_SLOTS - 1);
  });

  it('have the label values of network.connection.state', () => {
    expect([...STATE_LABELS].sort()).toEqual([
      'close_wait',
      'closed',
      'closing',
      'established',
      'fin_wait_1',
      'fin_wait_2',
      'last_ack',
      'listen',
      'syn_received',
      'syn_sent',
      'time_wait',
    ]);
    expect(stateLabel(STATE.FIN_WAIT_1)).toBe('fin_wait_1');
  });
});
