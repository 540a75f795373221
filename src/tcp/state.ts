/**
 * The 11 states of RFC 9293 section 3.3.2, as the numbers Linux uses for them.
 *
 * The numbers are those of `include/net/tcp_states.h`, which /proc/net/tcp prints in hexadecimal; an array indexed by
 * a state therefore has {@link STATE_SLOTS} entries, of which entry 0 is never used.
 */
export const STATE = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECEIVED: 3,
  FIN_WAIT_1: 4,
  FIN_WAIT_2: 5,
  TIME_WAIT: 6,
  CLOSED: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
} as const;

/** A TCP state by its RFC 9293 name. */
export type StateName = keyof typeof STATE;

/** A TCP state by its Linux number. */
export type State = (typeof STATE)[StateName];

/** Length of an array that is indexed by {@link State}. */
export const STATE_SLOTS = 12;

/** The 11 states in the order a connection meets them: the order of every table and legend. */
export const STATES: readonly State[] = [
  STATE.CLOSED,
  STATE.LISTEN,
  STATE.SYN_SENT,
  STATE.SYN_RECEIVED,
  STATE.ESTABLISHED,
  STATE.FIN_WAIT_1,
  STATE.FIN_WAIT_2,
  STATE.CLOSE_WAIT,
  STATE.CLOSING,
  STATE.LAST_ACK,
  STATE.TIME_WAIT,
];

const NAMES: readonly StateName[] = (() => {
  const names: StateName[] = new Array<StateName>(STATE_SLOTS).fill('CLOSED');
  for (const [name, state] of Object.entries(STATE) as [StateName, State][]) names[state] = name;
  return names;
})();

/**
 * The RFC 9293 name of a state, such as `FIN_WAIT_1`.
 *
 * @example stateName(STATE.CLOSE_WAIT) // 'CLOSE_WAIT'
 */
export function stateName(state: State): StateName {
  return NAMES[state] as StateName;
}

const LABELS: readonly StateLabel[] = NAMES.map((name) => name.toLowerCase() as StateLabel);

/** A state as a label value: OpenTelemetry's `network.connection.state`. */
export type StateLabel = Lowercase<StateName>;

/** The state as a label value, such as `fin_wait_1`. */
export function stateLabel(state: State): StateLabel {
  return LABELS[state] as StateLabel;
}

/** The label values of all 11 states, in the order of {@link STATES}. */
export const STATE_LABELS: readonly StateLabel[] = STATES.map(stateLabel);

/** A number for each of the 11 states. */
export type StateCounts = { readonly [state in StateLabel]: number };

/** Asks for the number of each state, in the order of {@link STATES}. */
export function countsByState(count: (state: State) => number): StateCounts {
  return Object.fromEntries(STATES.map((state) => [stateLabel(state), count(state)])) as StateCounts;
}

/** The states that a connection may be in after its descriptor was closed: the kernel holds such a socket alone. */
export const OWNERLESS_STATES: readonly State[] = [
  STATE.FIN_WAIT_1,
  STATE.FIN_WAIT_2,
  STATE.CLOSING,
  STATE.LAST_ACK,
  STATE.TIME_WAIT,
];
