// Read RFC 9293 section 3.3.2 (figure 5) and section 3.6 before changing a row. The table says what Node's events and
// polls allow one to conclude about the kernel's socket; the kernel itself is read elsewhere (src/kernel).
import { EVENT, EVENT_NAMES, type EventName, type TcpEvent } from './event.ts';
import { STATE, STATE_SLOTS, STATES, type State, type StateName } from './state.ts';

/**
 * How sure a state is. `observed`: Node proved that the kernel made this transition, at that instant. `inferred`: the
 * likeliest of a short list of alternatives.
 */
export type Certainty = 'observed' | 'inferred';

/**
 * What kind of step a row is. `rfc`: an edge of RFC 9293's diagram. `shortcut`: a jump over states that Node cannot
 * see. `none`: the event is expected in this state and changes nothing but what is known about it.
 */
export type TransitionKind = 'rfc' | 'shortcut' | 'none';

/** One cell of the machine: what an event means in a state. */
export interface Transition {
  readonly from: State;
  readonly on: EventName;
  readonly to: State;
  readonly kind: TransitionKind;
  readonly certainty: Certainty;
  /** The other states the kernel may be in, now or by the time somebody looks, without Node showing it. */
  readonly alternatives: readonly State[];
  /** One sentence, in the words of the RFC. */
  readonly because: string;
}

type Row = readonly [
  from: StateName,
  on: EventName,
  to: StateName,
  kind: TransitionKind,
  certainty: Certainty,
  alternatives: readonly StateName[],
  because: string,
];

const OPEN_ALTERNATIVES: readonly StateName[] = ['CLOSE_WAIT', 'CLOSED'];
const FIN_SENT_ALTERNATIVES: readonly StateName[] = ['CLOSING', 'TIME_WAIT', 'LAST_ACK', 'CLOSED'];
const BOTH_FINS_ALTERNATIVES: readonly StateName[] = ['CLOSING', 'LAST_ACK', 'CLOSED'];
const LATE_HANDSHAKE_ALTERNATIVES: readonly StateName[] = [
  'FIN_WAIT_1',
  'FIN_WAIT_2',
  'CLOSING',
  'TIME_WAIT',
  'LAST_ACK',
];
/** Where the kernel may be when Node's column has come to CLOSED by inference. */
const ENDED_ALTERNATIVES: readonly StateName[] = LATE_HANDSHAKE_ALTERNATIVES;

// biome-ignore format: a table is read by the row
const ROWS: readonly Row[] = [
  // CLOSED
  ['CLOSED', 'listening', 'LISTEN', 'rfc', 'observed', [], 'Passive OPEN: the socket is bound and waits for a SYN.'],
  ['CLOSED', 'attempt', 'SYN_SENT', 'rfc', 'inferred', ['CLOSED', 'ESTABLISHED', 'CLOSE_WAIT'], 'Active OPEN: connect(2) is about to send a SYN; it may fail at once, or be answered before the event loop turns.'],
  ['CLOSED', 'connect', 'ESTABLISHED', 'shortcut', 'observed', OPEN_ALTERNATIVES, 'The handshake is complete; its SYN was sent before the socket was observed.'],
  ['CLOSED', 'accept', 'ESTABLISHED', 'shortcut', 'inferred', OPEN_ALTERNATIVES, 'Accepted: the kernel went through SYN_RECEIVED long before, and the peer may have sent FIN or RST while the connection waited in the accept queue.'],
  ['CLOSED', 'adopt', 'ESTABLISHED', 'shortcut', 'inferred', OPEN_ALTERNATIVES, 'The connection was open when it was first observed.'],
  // What is in CLOSED may have got there by inference (an attempt given up, an acknowledgement that was due). Of what
  // Node says afterwards only an errno of the kernel proves anything; the rest leaves what was known as it was.
  ['CLOSED', 'reset', 'CLOSED', 'none', 'observed', [], 'The kernel says that the connection is gone.'],
  ['CLOSED', 'attemptFailed', 'CLOSED', 'none', 'inferred', ENDED_ALTERNATIVES, 'There was nothing to close.'],
  ['CLOSED', 'attemptAbandoned', 'CLOSED', 'none', 'inferred', ENDED_ALTERNATIVES, 'There was nothing to close.'],
  ['CLOSED', 'gone', 'CLOSED', 'none', 'inferred', ENDED_ALTERNATIVES, 'The connection is gone already, or in a state without a descriptor.'],
  ['CLOSED', 'abort', 'CLOSED', 'none', 'inferred', ENDED_ALTERNATIVES, 'The connection is gone already; no RST is sent.'],
  ['CLOSED', 'close', 'CLOSED', 'none', 'inferred', ENDED_ALTERNATIVES, 'The descriptor of a connection that was gone is closed.'],
  ...(['eof', 'eofOrReset', 'eofOrCloseNotify'] as const).map(
    (event): Row => [
      'CLOSED',
      event,
      'CLOSED',
      'none',
      'inferred',
      ENDED_ALTERNATIVES,
      'An end of file after the RST: libuv reports what was buffered.',
    ],
  ),
  ['CLOSED', 'unreadEof', 'CLOSED', 'none', 'inferred', ENDED_ALTERNATIVES, 'The end of file was read before the connection went.'],
  ['CLOSED', 'finish', 'CLOSED', 'none', 'inferred', ENDED_ALTERNATIVES, 'CLOSE of a dead socket: libuv swallows the ENOTCONN of shutdown(2) and no FIN is sent.'],
  ['CLOSED', 'blind', 'CLOSED', 'none', 'inferred', ENDED_ALTERNATIVES, 'There is nothing left to see.'],
  ['CLOSED', 'transfer', 'CLOSED', 'none', 'inferred', ENDED_ALTERNATIVES, 'The descriptor of a connection that was gone went to another process.'],
  // LISTEN
  ['LISTEN', 'listenerClosed', 'CLOSED', 'rfc', 'observed', [], 'CLOSE of a passive OPEN: the kernel deletes the listener at once.'],
  ['LISTEN', 'transfer', 'LISTEN', 'none', 'inferred', ['CLOSED'], 'The listener belongs to another process now.'],
  // SYN_SENT
  ['SYN_SENT', 'connect', 'ESTABLISHED', 'rfc', 'observed', OPEN_ALTERNATIVES, 'SYN and ACK received: the handshake is complete.'],
  ['SYN_SENT', 'attemptFailed', 'CLOSED', 'rfc', 'observed', [], 'RST received, or the SYN was never answered: the kernel deleted the connection.'],
  ['SYN_SENT', 'attemptAbandoned', 'CLOSED', 'rfc', 'inferred', LATE_HANDSHAKE_ALTERNATIVES, 'CLOSE in SYN_SENT deletes the connection; had the SYN been answered unseen, a FIN was sent instead.'],
  ['SYN_SENT', 'reset', 'CLOSED', 'rfc', 'observed', [], 'RST received, or the SYN was never answered: the kernel deleted the connection.'],
  ['SYN_SENT', 'abort', 'CLOSED', 'rfc', 'observed', [], 'ABORT deletes the connection.'],
  ['SYN_SENT', 'close', 'CLOSED', 'rfc', 'inferred', LATE_HANDSHAKE_ALTERNATIVES, 'CLOSE in SYN_SENT deletes the connection; had the SYN been answered unseen, a FIN was sent instead.'],
  // ESTABLISHED
  ['ESTABLISHED', 'eof', 'CLOSE_WAIT', 'rfc', 'observed', ['CLOSED'], 'FIN received and read.'],
  ['ESTABLISHED', 'eofOrReset', 'CLOSE_WAIT', 'rfc', 'inferred', ['CLOSED'], 'FIN received and read, or an RST behind data that libuv before 1.52 reports as end of file.'],
  ['ESTABLISHED', 'eofOrCloseNotify', 'CLOSE_WAIT', 'rfc', 'inferred', ['ESTABLISHED', 'CLOSED'], 'The peer ended: by FIN, or by a close_notify alert whose FIN may never come.'],
  ['ESTABLISHED', 'unreadEof', 'CLOSE_WAIT', 'rfc', 'inferred', ['CLOSED'], 'FIN received; bytes that nobody reads keep the end from being emitted.'],
  ['ESTABLISHED', 'blind', 'ESTABLISHED', 'none', 'inferred', OPEN_ALTERNATIVES, 'Nobody reads: a FIN or an RST would stay unseen.'],
  ['ESTABLISHED', 'finish', 'FIN_WAIT_1', 'rfc', 'inferred', ['FIN_WAIT_2', ...FIN_SENT_ALTERNATIVES], 'CLOSE: our FIN is queued behind what was written.'],
  ['ESTABLISHED', 'close', 'TIME_WAIT', 'shortcut', 'inferred', ['FIN_WAIT_1', 'FIN_WAIT_2', 'CLOSING', 'LAST_ACK', 'CLOSED'], 'Destroyed: the exchange of FINs goes on without the descriptor, or unread data made it an RST.'],
  ['ESTABLISHED', 'reset', 'CLOSED', 'shortcut', 'observed', [], 'RST received, or the connection timed out.'],
  ['ESTABLISHED', 'abort', 'CLOSED', 'shortcut', 'observed', [], 'ABORT: an RST was sent.'],
  ['ESTABLISHED', 'gone', 'CLOSED', 'shortcut', 'observed', [], 'RST received or timed out while nobody was reading.'],
  ['ESTABLISHED', 'transfer', 'ESTABLISHED', 'none', 'inferred', OPEN_ALTERNATIVES, 'The connection belongs to another process now.'],
  // FIN_WAIT_1
  ['FIN_WAIT_1', 'ackDue', 'FIN_WAIT_2', 'rfc', 'inferred', ['FIN_WAIT_1', ...FIN_SENT_ALTERNATIVES], 'The acknowledgement of our FIN is due; Node never shows it.'],
  ['FIN_WAIT_1', 'eof', 'TIME_WAIT', 'rfc', 'inferred', BOTH_FINS_ALTERNATIVES, 'FIN received after ours was sent.'],
  ['FIN_WAIT_1', 'eofOrReset', 'TIME_WAIT', 'rfc', 'inferred', BOTH_FINS_ALTERNATIVES, 'FIN received after ours was sent, or an RST behind data.'],
  ['FIN_WAIT_1', 'eofOrCloseNotify', 'TIME_WAIT', 'rfc', 'inferred', ['FIN_WAIT_1', 'FIN_WAIT_2', ...BOTH_FINS_ALTERNATIVES], 'The peer ended after our FIN was sent: by FIN, or by a close_notify alert.'],
  ['FIN_WAIT_1', 'unreadEof', 'TIME_WAIT', 'rfc', 'inferred', BOTH_FINS_ALTERNATIVES, 'FIN received after ours was sent; bytes that nobody reads keep the end from being emitted.'],
  ['FIN_WAIT_1', 'blind', 'FIN_WAIT_1', 'none', 'inferred', ['FIN_WAIT_2', ...FIN_SENT_ALTERNATIVES], 'Nobody reads: the FIN of the peer would stay unseen.'],
  ['FIN_WAIT_1', 'close', 'FIN_WAIT_2', 'rfc', 'inferred', ['FIN_WAIT_1', ...FIN_SENT_ALTERNATIVES], 'The descriptor is closed before the FIN of the peer was read: an orphan waits for it.'],
  ['FIN_WAIT_1', 'reset', 'CLOSED', 'shortcut', 'observed', [], 'RST received, or our FIN was never acknowledged.'],
  ['FIN_WAIT_1', 'abort', 'CLOSED', 'shortcut', 'inferred', ['TIME_WAIT'], 'ABORT: an RST was sent, unless both FINs had been exchanged.'],
  ['FIN_WAIT_1', 'gone', 'TIME_WAIT', 'rfc', 'inferred', ['CLOSED'], 'Both FINs were exchanged unread, or an RST was received.'],
  ['FIN_WAIT_1', 'transfer', 'FIN_WAIT_1', 'none', 'inferred', ['FIN_WAIT_2', ...FIN_SENT_ALTERNATIVES], 'The connection belongs to another process now.'],
  // FIN_WAIT_2
  ['FIN_WAIT_2', 'eof', 'TIME_WAIT', 'rfc', 'inferred', BOTH_FINS_ALTERNATIVES, 'FIN received after ours was acknowledged.'],
  ['FIN_WAIT_2', 'eofOrReset', 'TIME_WAIT', 'rfc', 'inferred', BOTH_FINS_ALTERNATIVES, 'FIN received after ours was acknowledged, or an RST behind data.'],
  ['FIN_WAIT_2', 'eofOrCloseNotify', 'TIME_WAIT', 'rfc', 'inferred', ['FIN_WAIT_1', 'FIN_WAIT_2', ...BOTH_FINS_ALTERNATIVES], 'The peer ended after our FIN was acknowledged: by FIN, or by a close_notify alert.'],
  ['FIN_WAIT_2', 'unreadEof', 'TIME_WAIT', 'rfc', 'inferred', BOTH_FINS_ALTERNATIVES, 'FIN received after ours was acknowledged; bytes that nobody reads keep the end from being emitted.'],
  ['FIN_WAIT_2', 'blind', 'FIN_WAIT_2', 'none', 'inferred', ['FIN_WAIT_1', ...FIN_SENT_ALTERNATIVES], 'Nobody reads: the FIN of the peer would stay unseen.'],
  ['FIN_WAIT_2', 'close', 'FIN_WAIT_2', 'none', 'inferred', ['FIN_WAIT_1', ...FIN_SENT_ALTERNATIVES], 'The descriptor is closed before the FIN of the peer was read: an orphan waits for it, at most tcp_fin_timeout.'],
  ['FIN_WAIT_2', 'reset', 'CLOSED', 'shortcut', 'observed', [], 'RST received, or the connection timed out.'],
  ['FIN_WAIT_2', 'abort', 'CLOSED', 'shortcut', 'inferred', ['TIME_WAIT'], 'ABORT: an RST was sent, unless both FINs had been exchanged.'],
  ['FIN_WAIT_2', 'gone', 'TIME_WAIT', 'rfc', 'inferred', ['CLOSED'], 'Both FINs were exchanged unread, or an RST was received.'],
  ['FIN_WAIT_2', 'transfer', 'FIN_WAIT_2', 'none', 'inferred', ['FIN_WAIT_1', ...FIN_SENT_ALTERNATIVES], 'The connection belongs to another process now.'],
  // CLOSE_WAIT
  ['CLOSE_WAIT', 'eof', 'CLOSE_WAIT', 'none', 'observed', ['CLOSED'], 'The FIN that was known to wait has now been read.'],
  ['CLOSE_WAIT', 'eofOrReset', 'CLOSE_WAIT', 'none', 'inferred', ['CLOSED'], 'The end that was known to wait has now been read.'],
  ['CLOSE_WAIT', 'eofOrCloseNotify', 'CLOSE_WAIT', 'none', 'inferred', ['ESTABLISHED', 'CLOSED'], 'The end that was known to wait has now been read.'],
  ['CLOSE_WAIT', 'unreadEof', 'CLOSE_WAIT', 'none', 'inferred', ['CLOSED'], 'The end still waits to be read.'],
  ['CLOSE_WAIT', 'blind', 'CLOSE_WAIT', 'none', 'inferred', ['CLOSED'], 'Nobody reads: an RST would stay unseen.'],
  ['CLOSE_WAIT', 'alive', 'CLOSE_WAIT', 'none', 'observed', ['CLOSED'], 'The FIN was read, ours was not sent, and the kernel still has the connection.'],
  ['CLOSE_WAIT', 'finish', 'LAST_ACK', 'rfc', 'inferred', ['CLOSED'], 'CLOSE: our FIN is queued behind what was written.'],
  ['CLOSE_WAIT', 'close', 'LAST_ACK', 'rfc', 'inferred', ['CLOSED'], 'Destroyed: close(2) sends our FIN, or an RST if data was unread.'],
  ['CLOSE_WAIT', 'reset', 'CLOSED', 'shortcut', 'observed', [], 'RST received, seen by a failing write, or the connection timed out.'],
  ['CLOSE_WAIT', 'abort', 'CLOSED', 'shortcut', 'observed', [], 'ABORT: an RST was sent.'],
  ['CLOSE_WAIT', 'gone', 'CLOSED', 'shortcut', 'observed', [], 'RST received; after an end of file Node reads no more and says nothing.'],
  ['CLOSE_WAIT', 'transfer', 'CLOSE_WAIT', 'none', 'inferred', ['CLOSED'], 'The connection belongs to another process now.'],
  // LAST_ACK
  ['LAST_ACK', 'eof', 'LAST_ACK', 'none', 'inferred', ['CLOSED'], 'The FIN that was known to wait has now been read.'],
  ['LAST_ACK', 'eofOrReset', 'LAST_ACK', 'none', 'inferred', ['CLOSED'], 'The end that was known to wait has now been read.'],
  ['LAST_ACK', 'eofOrCloseNotify', 'LAST_ACK', 'none', 'inferred', ['CLOSED'], 'The end that was known to wait has now been read.'],
  ['LAST_ACK', 'unreadEof', 'LAST_ACK', 'none', 'inferred', ['CLOSED'], 'The end still waits to be read.'],
  ['LAST_ACK', 'blind', 'LAST_ACK', 'none', 'inferred', ['CLOSED'], 'There is nothing left to read from the wire.'],
  ['LAST_ACK', 'close', 'CLOSED', 'rfc', 'inferred', ['LAST_ACK'], 'The acknowledgement of our FIN is due; the kernel waits for it without the descriptor.'],
  ['LAST_ACK', 'reset', 'CLOSED', 'shortcut', 'observed', [], 'RST received, or our FIN was never acknowledged.'],
  ['LAST_ACK', 'abort', 'CLOSED', 'shortcut', 'inferred', ['TIME_WAIT'], 'ABORT deletes the connection.'],
  ['LAST_ACK', 'gone', 'CLOSED', 'rfc', 'inferred', ['TIME_WAIT'], 'Our FIN was acknowledged.'],
  ['LAST_ACK', 'transfer', 'LAST_ACK', 'none', 'inferred', ['CLOSED'], 'The connection belongs to another process now.'],
  // TIME_WAIT
  ['TIME_WAIT', 'eof', 'TIME_WAIT', 'none', 'inferred', BOTH_FINS_ALTERNATIVES, 'The FIN that was known to wait has now been read.'],
  ['TIME_WAIT', 'eofOrReset', 'TIME_WAIT', 'none', 'inferred', BOTH_FINS_ALTERNATIVES, 'The end that was known to wait has now been read.'],
  ['TIME_WAIT', 'eofOrCloseNotify', 'TIME_WAIT', 'none', 'inferred', ['FIN_WAIT_1', 'FIN_WAIT_2', ...BOTH_FINS_ALTERNATIVES], 'The end that was known to wait has now been read.'],
  ['TIME_WAIT', 'unreadEof', 'TIME_WAIT', 'none', 'inferred', BOTH_FINS_ALTERNATIVES, 'The end still waits to be read.'],
  ['TIME_WAIT', 'blind', 'TIME_WAIT', 'none', 'inferred', BOTH_FINS_ALTERNATIVES, 'There is nothing left to read from the wire.'],
  ['TIME_WAIT', 'close', 'TIME_WAIT', 'none', 'inferred', BOTH_FINS_ALTERNATIVES, 'The descriptor is closed; the kernel keeps the pair of addresses for 60 s.'],
  ['TIME_WAIT', 'reset', 'CLOSED', 'shortcut', 'observed', [], 'RST received before the last acknowledgement.'],
  ['TIME_WAIT', 'abort', 'TIME_WAIT', 'none', 'inferred', BOTH_FINS_ALTERNATIVES, 'ABORT: both FINs had been exchanged, so TIME_WAIT stays.'],
  ['TIME_WAIT', 'gone', 'TIME_WAIT', 'none', 'inferred', ['CLOSED'], 'TIME_WAIT has no descriptor of its own; the one that is left is dead.'],
  ['TIME_WAIT', 'transfer', 'TIME_WAIT', 'none', 'inferred', BOTH_FINS_ALTERNATIVES, 'The descriptor belongs to another process now.'],
];

/** Every legal (state, event) cell. */
export const TRANSITIONS: readonly Transition[] = ROWS.map(
  ([from, on, to, kind, certainty, alternatives, because]) => ({
    from: STATE[from],
    on,
    to: STATE[to],
    kind,
    certainty,
    alternatives: alternatives.map((name) => STATE[name]),
    because,
  }),
);

/** The pairs of different states that a legal transition can join: the label values of `state_transitions_total`. */
export const EDGES: readonly (readonly [from: State, to: State])[] = STATES.flatMap((from) =>
  STATES.filter((to) => to !== from && TRANSITIONS.some((row) => row.from === from && row.to === to)).map(
    (to) => [from, to] as const,
  ),
);

const EVENT_COUNT = EVENT_NAMES.length;
const CELLS = new Int16Array(STATE_SLOTS * EVENT_COUNT).fill(-1);
TRANSITIONS.forEach((row, index) => {
  CELLS[row.from * EVENT_COUNT + EVENT[row.on]] = index;
});

/**
 * The index in {@link TRANSITIONS} of what `event` means in `state`, or -1 where the pair is illegal. Never throws and
 * allocates nothing: it runs for every event of every socket.
 *
 * @example TRANSITIONS[nextIndex(STATE.ESTABLISHED, EVENT.eof)]?.to // STATE.CLOSE_WAIT
 */
export function nextIndex(state: State, event: TcpEvent): number {
  return CELLS[state * EVENT_COUNT + event] as number;
}

/**
 * What `event` means in `state`, or `undefined` where the pair is illegal.
 *
 * @example next(STATE.ESTABLISHED, EVENT.finish)?.to // STATE.FIN_WAIT_1
 */
export function next(state: State, event: TcpEvent): Transition | undefined {
  return TRANSITIONS[nextIndex(state, event)];
}

/** The events that are legal in a state, for the message that reports an illegal one. */
export function legalEvents(state: State): readonly EventName[] {
  return TRANSITIONS.filter((row) => row.from === state).map((row) => row.on);
}
