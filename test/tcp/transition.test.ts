import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT, EVENT_NAMES, type EventName } from '../../src/tcp/event.ts';
import { STATE, STATES, type State, type StateName, stateName } from '../../src/tcp/state.ts';
import { EDGES, legalEvents, next, nextIndex, TRANSITIONS, type Transition } from '../../src/tcp/transition.ts';

/** A cell that must not happen: it is recorded and changes nothing. */
const illegal = 'illegal';

/**
 * Every cell, written by hand: the next state, the kind of the step, the certainty, and behind the bar the states the
 * kernel may be in instead.
 */
const EXPECTED: { readonly [state in StateName]: { readonly [event in EventName]: string } } = {
  CLOSED: {
    listening: 'LISTEN rfc observed |',
    listenerClosed: illegal,
    attempt: 'SYN_SENT rfc inferred | CLOSED ESTABLISHED CLOSE_WAIT',
    attemptFailed: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    attemptAbandoned: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    connect: 'ESTABLISHED shortcut observed | CLOSE_WAIT CLOSED',
    accept: 'ESTABLISHED shortcut inferred | CLOSE_WAIT CLOSED',
    adopt: 'ESTABLISHED shortcut inferred | CLOSE_WAIT CLOSED',
    eof: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    eofOrReset: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    eofOrCloseNotify: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    finish: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    close: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    reset: 'CLOSED none observed |',
    abort: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    unreadEof: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    blind: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    ackDue: illegal,
    alive: illegal,
    gone: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    transfer: 'CLOSED none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
  },
  LISTEN: {
    listening: illegal,
    listenerClosed: 'CLOSED rfc observed |',
    attempt: illegal,
    attemptFailed: illegal,
    attemptAbandoned: illegal,
    connect: illegal,
    accept: illegal,
    adopt: illegal,
    eof: illegal,
    eofOrReset: illegal,
    eofOrCloseNotify: illegal,
    finish: illegal,
    close: illegal,
    reset: illegal,
    abort: illegal,
    unreadEof: illegal,
    blind: illegal,
    ackDue: illegal,
    alive: illegal,
    gone: illegal,
    transfer: 'LISTEN none inferred | CLOSED',
  },
  SYN_SENT: {
    listening: illegal,
    listenerClosed: illegal,
    attempt: illegal,
    attemptFailed: 'CLOSED rfc observed |',
    attemptAbandoned: 'CLOSED rfc inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    connect: 'ESTABLISHED rfc observed | CLOSE_WAIT CLOSED',
    accept: illegal,
    adopt: illegal,
    eof: illegal,
    eofOrReset: illegal,
    eofOrCloseNotify: illegal,
    finish: illegal,
    close: 'CLOSED rfc inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK',
    reset: 'CLOSED rfc observed |',
    abort: 'CLOSED rfc observed |',
    unreadEof: illegal,
    blind: illegal,
    ackDue: illegal,
    alive: illegal,
    gone: illegal,
    transfer: illegal,
  },
  // Linux keeps SYN_RECEIVED in request sockets that no descriptor stands for: Node never has a socket in it.
  SYN_RECEIVED: everyEventIs(illegal),
  ESTABLISHED: {
    listening: illegal,
    listenerClosed: illegal,
    attempt: illegal,
    attemptFailed: illegal,
    attemptAbandoned: illegal,
    connect: illegal,
    accept: illegal,
    adopt: illegal,
    eof: 'CLOSE_WAIT rfc observed | CLOSED',
    eofOrReset: 'CLOSE_WAIT rfc inferred | CLOSED',
    eofOrCloseNotify: 'CLOSE_WAIT rfc inferred | ESTABLISHED CLOSED',
    finish: 'FIN_WAIT_1 rfc inferred | FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK CLOSED',
    close: 'TIME_WAIT shortcut inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING LAST_ACK CLOSED',
    reset: 'CLOSED shortcut observed |',
    abort: 'CLOSED shortcut observed |',
    unreadEof: 'CLOSE_WAIT rfc inferred | CLOSED',
    blind: 'ESTABLISHED none inferred | CLOSE_WAIT CLOSED',
    ackDue: illegal,
    alive: illegal,
    gone: 'CLOSED shortcut observed |',
    transfer: 'ESTABLISHED none inferred | CLOSE_WAIT CLOSED',
  },
  FIN_WAIT_1: {
    listening: illegal,
    listenerClosed: illegal,
    attempt: illegal,
    attemptFailed: illegal,
    attemptAbandoned: illegal,
    connect: illegal,
    accept: illegal,
    adopt: illegal,
    eof: 'TIME_WAIT rfc inferred | CLOSING LAST_ACK CLOSED',
    eofOrReset: 'TIME_WAIT rfc inferred | CLOSING LAST_ACK CLOSED',
    eofOrCloseNotify: 'TIME_WAIT rfc inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING LAST_ACK CLOSED',
    finish: illegal,
    close: 'FIN_WAIT_2 rfc inferred | FIN_WAIT_1 CLOSING TIME_WAIT LAST_ACK CLOSED',
    reset: 'CLOSED shortcut observed |',
    abort: 'CLOSED shortcut inferred | TIME_WAIT',
    unreadEof: 'TIME_WAIT rfc inferred | CLOSING LAST_ACK CLOSED',
    blind: 'FIN_WAIT_1 none inferred | FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK CLOSED',
    ackDue: 'FIN_WAIT_2 rfc inferred | FIN_WAIT_1 CLOSING TIME_WAIT LAST_ACK CLOSED',
    alive: illegal,
    gone: 'TIME_WAIT rfc inferred | CLOSED',
    transfer: 'FIN_WAIT_1 none inferred | FIN_WAIT_2 CLOSING TIME_WAIT LAST_ACK CLOSED',
  },
  FIN_WAIT_2: {
    listening: illegal,
    listenerClosed: illegal,
    attempt: illegal,
    attemptFailed: illegal,
    attemptAbandoned: illegal,
    connect: illegal,
    accept: illegal,
    adopt: illegal,
    eof: 'TIME_WAIT rfc inferred | CLOSING LAST_ACK CLOSED',
    eofOrReset: 'TIME_WAIT rfc inferred | CLOSING LAST_ACK CLOSED',
    eofOrCloseNotify: 'TIME_WAIT rfc inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING LAST_ACK CLOSED',
    finish: illegal,
    close: 'FIN_WAIT_2 none inferred | FIN_WAIT_1 CLOSING TIME_WAIT LAST_ACK CLOSED',
    reset: 'CLOSED shortcut observed |',
    abort: 'CLOSED shortcut inferred | TIME_WAIT',
    unreadEof: 'TIME_WAIT rfc inferred | CLOSING LAST_ACK CLOSED',
    blind: 'FIN_WAIT_2 none inferred | FIN_WAIT_1 CLOSING TIME_WAIT LAST_ACK CLOSED',
    ackDue: illegal,
    alive: illegal,
    gone: 'TIME_WAIT rfc inferred | CLOSED',
    transfer: 'FIN_WAIT_2 none inferred | FIN_WAIT_1 CLOSING TIME_WAIT LAST_ACK CLOSED',
  },
  CLOSE_WAIT: {
    listening: illegal,
    listenerClosed: illegal,
    attempt: illegal,
    attemptFailed: illegal,
    attemptAbandoned: illegal,
    connect: illegal,
    accept: illegal,
    adopt: illegal,
    eof: 'CLOSE_WAIT none observed | CLOSED',
    eofOrReset: 'CLOSE_WAIT none inferred | CLOSED',
    eofOrCloseNotify: 'CLOSE_WAIT none inferred | ESTABLISHED CLOSED',
    finish: 'LAST_ACK rfc inferred | CLOSED',
    close: 'LAST_ACK rfc inferred | CLOSED',
    reset: 'CLOSED shortcut observed |',
    abort: 'CLOSED shortcut observed |',
    unreadEof: 'CLOSE_WAIT none inferred | CLOSED',
    blind: 'CLOSE_WAIT none inferred | CLOSED',
    ackDue: illegal,
    alive: 'CLOSE_WAIT none observed | CLOSED',
    gone: 'CLOSED shortcut observed |',
    transfer: 'CLOSE_WAIT none inferred | CLOSED',
  },
  // Node cannot tell CLOSING from TIME_WAIT or LAST_ACK: it is an alternative, never the state.
  CLOSING: everyEventIs(illegal),
  LAST_ACK: {
    listening: illegal,
    listenerClosed: illegal,
    attempt: illegal,
    attemptFailed: illegal,
    attemptAbandoned: illegal,
    connect: illegal,
    accept: illegal,
    adopt: illegal,
    eof: 'LAST_ACK none inferred | CLOSED',
    eofOrReset: 'LAST_ACK none inferred | CLOSED',
    eofOrCloseNotify: 'LAST_ACK none inferred | CLOSED',
    finish: illegal,
    close: 'CLOSED rfc inferred | LAST_ACK',
    reset: 'CLOSED shortcut observed |',
    abort: 'CLOSED shortcut inferred | TIME_WAIT',
    unreadEof: 'LAST_ACK none inferred | CLOSED',
    blind: 'LAST_ACK none inferred | CLOSED',
    ackDue: illegal,
    alive: illegal,
    gone: 'CLOSED rfc inferred | TIME_WAIT',
    transfer: 'LAST_ACK none inferred | CLOSED',
  },
  TIME_WAIT: {
    listening: illegal,
    listenerClosed: illegal,
    attempt: illegal,
    attemptFailed: illegal,
    attemptAbandoned: illegal,
    connect: illegal,
    accept: illegal,
    adopt: illegal,
    eof: 'TIME_WAIT none inferred | CLOSING LAST_ACK CLOSED',
    eofOrReset: 'TIME_WAIT none inferred | CLOSING LAST_ACK CLOSED',
    eofOrCloseNotify: 'TIME_WAIT none inferred | FIN_WAIT_1 FIN_WAIT_2 CLOSING LAST_ACK CLOSED',
    finish: illegal,
    close: 'TIME_WAIT none inferred | CLOSING LAST_ACK CLOSED',
    reset: 'CLOSED shortcut observed |',
    abort: 'TIME_WAIT none inferred | CLOSING LAST_ACK CLOSED',
    unreadEof: 'TIME_WAIT none inferred | CLOSING LAST_ACK CLOSED',
    blind: 'TIME_WAIT none inferred | CLOSING LAST_ACK CLOSED',
    ackDue: illegal,
    alive: illegal,
    gone: 'TIME_WAIT none inferred | CLOSED',
    transfer: 'TIME_WAIT none inferred | CLOSING LAST_ACK CLOSED',
  },
};

/** The edges of RFC 9293 figure 5, the one that its note 2 says the figure omits included. */
const FIGURE_5: readonly string[] = [
  'CLOSED -> LISTEN', // passive OPEN
  'CLOSED -> SYN_SENT', // active OPEN
  'LISTEN -> CLOSED', // CLOSE
  'LISTEN -> SYN_RECEIVED', // SYN received
  'LISTEN -> SYN_SENT', // SEND
  'SYN_SENT -> CLOSED', // CLOSE
  'SYN_SENT -> SYN_RECEIVED', // SYN received
  'SYN_SENT -> ESTABLISHED', // SYN and ACK received
  'SYN_RECEIVED -> LISTEN', // RST received, note 1
  'SYN_RECEIVED -> ESTABLISHED', // ACK of SYN received
  'SYN_RECEIVED -> FIN_WAIT_1', // CLOSE
  'ESTABLISHED -> FIN_WAIT_1', // CLOSE
  'ESTABLISHED -> CLOSE_WAIT', // FIN received
  'FIN_WAIT_1 -> FIN_WAIT_2', // ACK of FIN received
  'FIN_WAIT_1 -> CLOSING', // FIN received
  'FIN_WAIT_1 -> TIME_WAIT', // FIN and ACK of FIN received, note 2
  'FIN_WAIT_2 -> TIME_WAIT', // FIN received
  'CLOSE_WAIT -> LAST_ACK', // CLOSE
  'CLOSING -> TIME_WAIT', // ACK of FIN received
  'LAST_ACK -> CLOSED', // ACK of FIN received
  'TIME_WAIT -> CLOSED', // 2 MSL
];

/** What Node's column may jump over, each for a named reason. */
const SHORTCUTS: readonly string[] = [
  // accept(2) returns a connection whose SYN_RECEIVED is over; a socket may be observed late.
  'CLOSED -> ESTABLISHED',
  // close(2) leaves the exchange of both FINs to the kernel.
  'ESTABLISHED -> TIME_WAIT',
  // RFC 9293 note 3: an RST ends any state, and the figure shows none of these edges.
  'ESTABLISHED -> CLOSED',
  'FIN_WAIT_1 -> CLOSED',
  'FIN_WAIT_2 -> CLOSED',
  'CLOSE_WAIT -> CLOSED',
  'LAST_ACK -> CLOSED',
  'TIME_WAIT -> CLOSED',
];

describe.each(STATES.map(stateName))('%s', (from) => {
  const cells = EXPECTED[from];
  const legal = EVENT_NAMES.filter((event) => cells[event] !== illegal);
  const others = EVENT_NAMES.filter((event) => cells[event] === illegal);

  it.each(legal.map((event) => ({ event, cell: cells[event] })))('on $event: $cell', ({ event, cell }) => {
    const row = next(STATE[from], EVENT[event]);
    expect(row && cellOf(row)).toBe(cell);
    expect(row).toMatchObject({ from: STATE[from], on: event });
  });

  it(`${others.length} other events are illegal`, () => {
    for (const event of others) {
      expect(next(STATE[from], EVENT[event]), event).toBeUndefined();
      expect(nextIndex(STATE[from], EVENT[event]), event).toBe(-1);
    }
  });

  it('the report of an illegal event names the legal ones', () => {
    expect([...legalEvents(STATE[from])].sort()).toEqual([...legal].sort());
  });
});

describe('the table', () => {
  it('has every state and every event in a cell of the hand-written one', () => {
    expect(Object.keys(EXPECTED).sort()).toEqual(Object.keys(STATE).sort());
    for (const cells of Object.values(EXPECTED)) expect(Object.keys(cells).sort()).toEqual([...EVENT_NAMES].sort());
  });

  it('has no more rows than legal cells, so no cell has two', () => {
    const legal = Object.values(EXPECTED).flatMap((cells) => Object.values(cells).filter((cell) => cell !== illegal));
    expect(TRANSITIONS).toHaveLength(legal.length);
  });

  it('each rfc row is an edge of RFC 9293 figure 5', () => {
    for (const row of TRANSITIONS.filter(({ kind }) => kind === 'rfc')) expect(FIGURE_5).toContain(transitionText(row));
  });

  it('each shortcut is a named one, and each name is used', () => {
    const used = TRANSITIONS.filter(({ kind }) => kind === 'shortcut').map(transitionText);
    expect([...new Set(used)].sort()).toEqual([...SHORTCUTS].sort());
  });

  it('a row stays in its state if and only if its kind is none', () => {
    for (const row of TRANSITIONS) expect(row.from === row.to, cellOf(row)).toBe(row.kind === 'none');
  });

  it('alternatives are states other than the row names, each once', () => {
    for (const row of TRANSITIONS) {
      expect(row.alternatives, cellOf(row)).not.toContain(row.to);
      expect(new Set(row.alternatives).size, cellOf(row)).toBe(row.alternatives.length);
      for (const state of row.alternatives) expect(STATES).toContain(state);
    }
  });

  it('what is inferred names at least one alternative', () => {
    for (const row of TRANSITIONS.filter(({ certainty }) => certainty === 'inferred')) {
      expect(row.alternatives.length, `${transitionText(row)} on ${row.on}`).toBeGreaterThan(0);
    }
  });

  it('proof is a row of these and no other', () => {
    const observed = TRANSITIONS.filter(({ certainty }) => certainty === 'observed');
    expect(observed.map((row) => `${stateName(row.from)} on ${row.on}`).sort()).toEqual(
      [
        // The listening handle is in our hands.
        'CLOSED on listening',
        'LISTEN on listenerClosed',
        // The kernel reported the end of the handshake.
        'CLOSED on connect',
        'SYN_SENT on connect',
        // read(2) returned 0 where libuv says so for no other reason.
        'ESTABLISHED on eof',
        'CLOSE_WAIT on eof',
        // getpeername(2) between the peer's FIN and ours.
        'CLOSE_WAIT on alive',
        'CLOSE_WAIT on gone',
        'ESTABLISHED on gone',
        // An errno of the kernel, or an RST of ours where no FIN was sent.
        'CLOSED on reset',
        'SYN_SENT on attemptFailed',
        'SYN_SENT on reset',
        'SYN_SENT on abort',
        'ESTABLISHED on reset',
        'ESTABLISHED on abort',
        'FIN_WAIT_1 on reset',
        'FIN_WAIT_2 on reset',
        'CLOSE_WAIT on reset',
        'CLOSE_WAIT on abort',
        'LAST_ACK on reset',
        'TIME_WAIT on reset',
      ].sort(),
    );
  });

  it('what is observed to end in CLOSED has no alternative: nothing happens to it later', () => {
    for (const row of TRANSITIONS.filter(({ certainty, to }) => certainty === 'observed' && to === STATE.CLOSED)) {
      expect(row.alternatives, `${transitionText(row)} on ${row.on}`).toEqual([]);
    }
  });

  it('every row has one sentence', () => {
    for (const { because } of TRANSITIONS) expect(because).toMatch(/^[A-Z].*\.$/);
  });

  it('never enters the two states that Node cannot show', () => {
    const entered = new Set(TRANSITIONS.map(({ to }) => stateName(to)));
    expect(entered).not.toContain('SYN_RECEIVED');
    expect(entered).not.toContain('CLOSING');
  });
});

describe('the edges', () => {
  it('are these pairs, in the order of the states', () => {
    expect(EDGES.map(([from, to]) => `${stateName(from)} -> ${stateName(to)}`)).toEqual([
      'CLOSED -> LISTEN',
      'CLOSED -> SYN_SENT',
      'CLOSED -> ESTABLISHED',
      'LISTEN -> CLOSED',
      'SYN_SENT -> CLOSED',
      'SYN_SENT -> ESTABLISHED',
      'ESTABLISHED -> CLOSED',
      'ESTABLISHED -> FIN_WAIT_1',
      'ESTABLISHED -> CLOSE_WAIT',
      'ESTABLISHED -> TIME_WAIT',
      'FIN_WAIT_1 -> CLOSED',
      'FIN_WAIT_1 -> FIN_WAIT_2',
      'FIN_WAIT_1 -> TIME_WAIT',
      'FIN_WAIT_2 -> CLOSED',
      'FIN_WAIT_2 -> TIME_WAIT',
      'CLOSE_WAIT -> CLOSED',
      'CLOSE_WAIT -> LAST_ACK',
      'LAST_ACK -> CLOSED',
      'TIME_WAIT -> CLOSED',
    ]);
  });
});

describe('any walk of events', () => {
  const anyEvent = fc.constantFrom(...Object.values(EVENT));

  it('stays in the 11 states, and an illegal event leaves it where it is', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
        let state: State = STATE.CLOSED;
        for (const event of events) {
          const row = next(state, event);
          if (row === undefined) continue;
          expect(row.from).toBe(state);
          state = row.to;
          expect(STATES).toContain(state);
        }
      }),
    );
  });

  it('that leaves CLOSED comes back by an RST, unless it listens', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 20 }), (events) => {
        let state: State = STATE.CLOSED;
        for (const event of events) state = next(state, event)?.to ?? state;
        if (state !== STATE.LISTEN) expect(next(state, EVENT.reset)?.to).toBe(STATE.CLOSED);
      }),
    );
  });
});

function cellOf(row: Transition): string {
  return [stateName(row.to), row.kind, row.certainty, '|', ...row.alternatives.map(stateName)].join(' ');
}

function everyEventIs(cell: string): { readonly [event in EventName]: string } {
  return Object.fromEntries(EVENT_NAMES.map((event) => [event, cell])) as { [event in EventName]: string };
}

function transitionText(row: Transition): string {
  return `${stateName(row.from)} -> ${stateName(row.to)}`;
}
