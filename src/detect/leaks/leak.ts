import type { Side } from '../../sockets/names.ts';
import type { SocketKind } from '../../sockets/socket-kind.ts';
import type { StateLabel } from '../../tcp/state.ts';

/** Why a socket is in CLOSE_WAIT: the peer has ended, and this side has not. */
export const CLOSE_WAIT_CAUSES = [
  'not_ended',
  'unread_in_node',
  'unread_in_kernel',
  'write_stalled',
  'loop_blocked',
  'untracked',
  'undetermined',
] as const;

/** One of {@link CLOSE_WAIT_CAUSES}. */
export type CloseWaitCause = (typeof CLOSE_WAIT_CAUSES)[number];

/** Where Node's column and the kernel's contradict each other, or a pool and both. */
export const DIVERGENCES = [
  'js_open_kernel_close_wait',
  'js_open_kernel_gone',
  'js_gone_fd_open',
  'untracked_fd',
  'pooled_dead',
] as const;

/** One of {@link DIVERGENCES}. */
export type Divergence = (typeof DIVERGENCES)[number];

/**
 * What else a group of the report suffers from. `peer_keeps_open`: FIN_WAIT_2, held by a descriptor; `fin_unacknowledged`:
 * LAST_ACK and CLOSING; `syn_unanswered`: SYN_SENT; `half_open`: ESTABLISHED with a peer that is gone.
 */
const OTHER_CAUSES = [
  'peer_keeps_open',
  'fin_unacknowledged',
  'syn_unanswered',
  'half_open',
  'js_open_kernel_gone',
  'js_gone_fd_open',
  'pooled_dead',
] as const;

/** What a group of the report suffers from. */
export type LeakCause = CloseWaitCause | (typeof OTHER_CAUSES)[number];

/** Every {@link LeakCause}. */
export const LEAK_CAUSES: readonly LeakCause[] = [...CLOSE_WAIT_CAUSES, ...OTHER_CAUSES];

/** What a socket may suffer from and be destroyed for, where the program asks for that: each is proved, and ends by nothing else. */
export const REMEDIED_CAUSES = [
  'not_ended',
  'unread_in_node',
  'unread_in_kernel',
  'write_stalled',
  'peer_keeps_open',
  'js_open_kernel_gone',
] as const;

/** One of {@link REMEDIED_CAUSES}. */
export type RemediedCause = (typeof REMEDIED_CAUSES)[number];

/** The states that no healthy socket stays in. */
export type LeakState = 'close_wait' | 'fin_wait_2' | 'last_ack' | 'closing' | 'syn_sent';

/** After how many milliseconds in such a state a socket counts as leaked. */
export type LeakThresholds = { readonly [state in LeakState]: number };

/** What holds unless the program says otherwise. SYN_SENT: four SYNs were sent again by then; the kernel gives up after some 2 min. */
export const DEFAULT_LEAK_AFTER_MS: LeakThresholds = {
  close_wait: 60_000,
  fin_wait_2: 120_000,
  last_ack: 60_000,
  closing: 60_000,
  syn_sent: 30_000,
};

/** Every {@link LeakState}. */
export const LEAK_STATES: readonly LeakState[] = ['close_wait', 'fin_wait_2', 'last_ack', 'closing', 'syn_sent'];

/** One leaked socket, with what a person would look up by hand. */
export interface LeakedSocket {
  /** `10.0.0.1:8080`; undefined while unknown. */
  readonly local: string | undefined;
  readonly peer: string | undefined;
  /** The kernel's state; `closed` where the kernel has no such socket any more. */
  readonly state: StateLabel;
  /** Milliseconds in that state, at least: since a sample, or an event, first showed it. */
  readonly ageMs: number;
  /** Milliseconds since bytes last moved, at least. */
  readonly idleMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Bytes in the kernel's queues; an unread FIN counts as one. */
  readonly receiveQueue: number;
  readonly sendQueue: number;
  /** Bytes in Node's own buffers. */
  readonly unreadInNode: number;
  readonly unsentInNode: number;
  /** By which /proc/PID/fd and `ss -e` know it; undefined where it has none. */
  readonly inode: number | undefined;
  /** What Node's own flags say, such as `readableEnded`, `paused`. */
  readonly flags: readonly string[];
  /** The last HTTP request, such as `GET /users/:id`. */
  readonly request: string | undefined;
  /** Where the program opened it, such as `lib/proxy.ts:118`. Known of a sample of client sockets. */
  readonly site: string | undefined;
  /** The socket it is piped into, or from: that one's name and addresses. */
  readonly pairedWith: string | undefined;
}

/** A value that sockets of a group share, and how many do. */
export interface Share {
  readonly value: string;
  readonly sockets: number;
}

/** What the rules know of a group: enough for its words. */
export interface LeakFacts {
  readonly cause: LeakCause;
  /** The kernel's state; `closed` where the kernel has no such socket any more. */
  readonly state: StateLabel;
  readonly side: Side | 'unknown';
  readonly name: string;
  readonly kind: SocketKind;
  readonly sockets: number;
  readonly oldestAgeMs: number;
  /** The requests that they last served, or sent, the most frequent first, at most three. */
  readonly requests: readonly Share[];
  /** Where the program opened them, the most frequent first, at most three: of those of which it is known. */
  readonly sites: readonly Share[];
  /** What they are piped into or from, by name, the most frequent first, at most three. */
  readonly pairedWith: readonly Share[];
  /** Sums over the group. */
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly unreadInNode: number;
  readonly unsentInNode: number;
  /** How many of them the program has paused, and how many were left to a stalled pipe. */
  readonly paused: number;
}

/** Sockets that leak in the same way, at the same culprit. */
export interface LeakGroup extends LeakFacts {
  /** The same for the same culprit and cause in every report. */
  readonly id: string;
  /** How many, where, since when, whose: with its numbers. */
  readonly headline: string;
  /** What has happened. */
  readonly explanation: string;
  /** What to change, the best first. */
  readonly fix: readonly string[];
  /** Some of the sockets, the oldest first. */
  readonly samples: readonly LeakedSocket[];
}

/** What is leaking now, as plain data. */
export interface LeakReport {
  /** Milliseconds since the newest table that was sound; undefined while there was none. */
  readonly ageMs: number | undefined;
  /** All leaked sockets. */
  readonly sockets: number;
  /** The largest first. */
  readonly groups: readonly LeakGroup[];
  /** How many smaller groups are left out. */
  readonly groupsOmitted: number;
  /** Every socket of ours in CLOSE_WAIT by cause, leaked or not, in the newest table. */
  readonly closeWait: { readonly [cause in CloseWaitCause]: number };
  /** By kind of contradiction, after two samples that agree on it. */
  readonly divergent: { readonly [kind in Divergence]: number };
}

/** One way in which sockets leak: its words. */
export interface LeakRule {
  /** What has happened, as the end of a sentence that begins with how many and whose. */
  explain(group: LeakFacts): string;
  /** What to change, the best first. */
  fix(group: LeakFacts): readonly string[];
}
