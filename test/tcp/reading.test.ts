import { describe, expect, it } from 'vitest';
import { EVENT, type EventName } from '../../src/tcp/event.ts';
import { possibleStates, readingOf } from '../../src/tcp/reading.ts';
import { STATE, STATES, type StateName, stateLabel } from '../../src/tcp/state.ts';
import { nextIndex, TRANSITIONS } from '../../src/tcp/transition.ts';

/** A reading as one line: the state, `!` where it is observed, and the alternatives. */
function read(from: StateName, event: EventName, tls: boolean): string {
  const { state, certainty, alternatives } = readingOf(nextIndex(STATE[from], EVENT[event]), tls);
  return `${state}${certainty === 'observed' ? '!' : '?'} ${alternatives.join(' ')}`.trimEnd();
}

describe('Node column, read some time after its last transition', () => {
  it('a socket without any transition is closed, and that is certain', () => {
    expect(readingOf(-1, false)).toEqual({ state: 'closed', certainty: 'observed', alternatives: [] });
    expect(readingOf(-1, true)).toEqual({ state: 'closed', certainty: 'observed', alternatives: [] });
  });

  it.each<[StateName, EventName, string, string]>([
    // A listener is ours alone: nobody else ends it.
    ['CLOSED', 'listening', 'listen!', 'listen!'],
    ['LISTEN', 'listenerClosed', 'closed!', 'closed!'],
    // An open connection may have ended without a word, however well its beginning was proved.
    ['SYN_SENT', 'connect', 'established? close_wait closed', 'established? close_wait closed'],
    ['CLOSED', 'accept', 'established? close_wait closed', 'established? close_wait closed'],
    ['CLOSED', 'attempt', 'syn_sent? closed established close_wait', 'syn_sent? closed established close_wait'],
    // On TLS the peer's end may have been an alert whose FIN never came.
    ['ESTABLISHED', 'eof', 'close_wait? closed', 'close_wait? closed established'],
    ['ESTABLISHED', 'eofOrReset', 'close_wait? closed', 'close_wait? closed established'],
    ['ESTABLISHED', 'eofOrCloseNotify', 'close_wait? established closed', 'close_wait? established closed'],
    ['CLOSE_WAIT', 'finish', 'last_ack? closed', 'last_ack? closed fin_wait_1 fin_wait_2 closing time_wait'],
    ['LAST_ACK', 'close', 'closed? last_ack', 'closed? last_ack fin_wait_1 fin_wait_2 closing time_wait'],
    ['LAST_ACK', 'gone', 'closed? time_wait', 'closed? time_wait fin_wait_1 fin_wait_2 closing'],
    [
      'FIN_WAIT_2',
      'eof',
      'time_wait? closing last_ack closed',
      'time_wait? closing last_ack closed fin_wait_1 fin_wait_2',
    ],
    [
      'ESTABLISHED',
      'finish',
      'fin_wait_1? fin_wait_2 closing time_wait last_ack closed',
      'fin_wait_1? fin_wait_2 closing time_wait last_ack closed',
    ],
    // What is proved to be gone stays gone, with TLS and without.
    ['ESTABLISHED', 'reset', 'closed!', 'closed!'],
    ['CLOSE_WAIT', 'gone', 'closed!', 'closed!'],
    ['SYN_SENT', 'attemptFailed', 'closed!', 'closed!'],
    // Node gave the attempt up; the kernel may have been faster.
    [
      'SYN_SENT',
      'attemptAbandoned',
      'closed? fin_wait_1 fin_wait_2 closing time_wait last_ack',
      'closed? fin_wait_1 fin_wait_2 closing time_wait last_ack',
    ],
  ])('%s on %s reads %s, on TLS %s', (from, event, plain, tls) => {
    expect(read(from, event, false)).toBe(plain);
    expect(read(from, event, true)).toBe(tls);
  });

  it('is observed exactly where it has no alternative', () => {
    for (let index = 0; index < TRANSITIONS.length; index++) {
      for (const tls of [false, true]) {
        const { certainty, alternatives } = readingOf(index, tls);
        expect(certainty === 'observed', `${index}`).toBe(alternatives.length === 0);
      }
    }
  });

  it('names each alternative once and never the state itself', () => {
    for (let index = 0; index < TRANSITIONS.length; index++) {
      for (const tls of [false, true]) {
        const { state, alternatives } = readingOf(index, tls);
        expect(alternatives).not.toContain(state);
        expect(new Set(alternatives).size).toBe(alternatives.length);
      }
    }
  });

  it('on TLS has every alternative it has without, and more where the end of the peer decides', () => {
    for (let index = 0; index < TRANSITIONS.length; index++) {
      const plain = readingOf(index, false);
      const tls = readingOf(index, true);
      expect(tls.state).toBe(plain.state);
      expect(tls.alternatives).toEqual(expect.arrayContaining([...plain.alternatives]));
    }
  });
});

describe('the states that the kernel may be in', () => {
  it('are the state of the reading and its alternatives', () => {
    for (let index = 0; index < TRANSITIONS.length; index++) {
      for (const tls of [false, true]) {
        const { state, alternatives } = readingOf(index, tls);
        const possible = STATES.filter((each) => (possibleStates(index, tls) & (1 << each)) !== 0).map(stateLabel);
        expect(possible.sort()).toEqual([state, ...alternatives].sort());
      }
    }
  });

  it('are all of them for a socket of which nothing was seen', () => {
    for (const state of STATES) expect(possibleStates(-1, false) & (1 << state)).not.toBe(0);
  });
});
