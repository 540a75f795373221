import { STATE, type State, type StateLabel, stateLabel } from './state.ts';
import { type Certainty, TRANSITIONS, type Transition } from './transition.ts';

/** Node's column for one socket, as somebody reads it some time after its last transition. */
export interface Reading {
  readonly state: StateLabel;
  readonly certainty: Certainty;
  /** The other states the kernel may be in; empty where the state is certain. */
  readonly alternatives: readonly StateLabel[];
}

/**
 * Node's column at the time of reading, from the last transition that was made.
 *
 * A state that the peer or the kernel can end without Node noticing is never `observed` when it is read later, however
 * well it was proved at its instant: its alternatives are then the states it may have moved to. On TLS every state
 * that rests on the peer's end has wider alternatives, because a close_notify alert looks like a FIN.
 *
 * @param transition index of the last transition in {@link TRANSITIONS}; -1 for a socket without any
 * @param tls whether the socket is a TLSSocket
 * @example readingOf(nextIndex(STATE.ESTABLISHED, EVENT.eof), false) // close_wait, inferred, or closed
 */
export function readingOf(transition: number, tls: boolean): Reading {
  const row = TRANSITIONS[transition];
  if (row === undefined) return NEVER_OPENED;
  const alternatives = alternativesOf(row, tls);
  return {
    state: stateLabel(row.to),
    certainty: alternatives.length === 0 ? row.certainty : 'inferred',
    alternatives: alternatives.map(stateLabel),
  };
}

/**
 * The states the kernel may be in after a transition, as a set of bits (`1 << state`): the reading's state and its
 * alternatives. Every bit for a socket without any transition, of which nothing is known.
 *
 * @example (possibleStates(record.transition, false) & (1 << STATE.TIME_WAIT)) !== 0
 */
export function possibleStates(transition: number, tls: boolean): number {
  return (tls ? POSSIBLE_ON_TLS : POSSIBLE)[transition] ?? -1;
}

const NEVER_OPENED: Reading = { state: 'closed', certainty: 'observed', alternatives: [] };

/** What else a state may be on TLS, where the peer's end may have been a close_notify alert without a FIN. */
const TLS_ALTERNATIVES: { readonly [state in State]: readonly State[] } = {
  [STATE.ESTABLISHED]: [],
  [STATE.SYN_SENT]: [],
  [STATE.SYN_RECEIVED]: [],
  [STATE.FIN_WAIT_1]: [],
  [STATE.FIN_WAIT_2]: [],
  [STATE.TIME_WAIT]: [STATE.FIN_WAIT_1, STATE.FIN_WAIT_2],
  [STATE.CLOSED]: [STATE.FIN_WAIT_1, STATE.FIN_WAIT_2, STATE.CLOSING, STATE.TIME_WAIT],
  [STATE.CLOSE_WAIT]: [STATE.ESTABLISHED],
  [STATE.LAST_ACK]: [STATE.FIN_WAIT_1, STATE.FIN_WAIT_2, STATE.CLOSING, STATE.TIME_WAIT],
  [STATE.LISTEN]: [],
  [STATE.CLOSING]: [],
};

const POSSIBLE: readonly number[] = TRANSITIONS.map((row) => bitsOf([row.to, ...alternativesOf(row, false)]));
const POSSIBLE_ON_TLS: readonly number[] = TRANSITIONS.map((row) => bitsOf([row.to, ...alternativesOf(row, true)]));

function alternativesOf(row: Transition, tls: boolean): readonly State[] {
  const proven = row.certainty === 'observed' && row.to === STATE.CLOSED;
  const doubts = tls && !proven ? [...row.alternatives, ...TLS_ALTERNATIVES[row.to]] : row.alternatives;
  return doubts.filter((state, index) => state !== row.to && doubts.indexOf(state) === index);
}

function bitsOf(states: readonly State[]): number {
  return states.reduce((bits, state) => bits | (1 << state), 0);
}
