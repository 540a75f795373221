import type { CloseWaitFacts } from '../../../src/detect/leaks/close-wait-facts.ts';
import type { LeakCause, LeakedSocket, LeakFacts, LeakGroup, LeakReport } from '../../../src/detect/leaks/leak.ts';
import { groupOf } from '../../../src/detect/leaks/leak-group.ts';
import type { StateLabel } from '../../../src/tcp/state.ts';

/** A socket in CLOSE_WAIT of which Node has read nothing yet, but what is given. */
export function closeWaitFacts(given: Partial<CloseWaitFacts> = {}): CloseWaitFacts {
  return {
    isTracked: true,
    isComparable: true,
    loopBlockedMs: 0,
    receiveQueue: 0,
    sendQueue: 0,
    isReading: true,
    eofRead: false,
    endEmitted: false,
    unreadInNode: 0,
    writableEnded: false,
    writableFinished: false,
    unsentInNode: 0,
    ...given,
  };
}

/** The state that a cause is found in. */
const STATE_OF: { readonly [cause in LeakCause]: StateLabel } = {
  not_ended: 'close_wait',
  unread_in_node: 'close_wait',
  unread_in_kernel: 'close_wait',
  write_stalled: 'close_wait',
  loop_blocked: 'close_wait',
  untracked: 'close_wait',
  undetermined: 'close_wait',
  peer_keeps_open: 'fin_wait_2',
  fin_unacknowledged: 'last_ack',
  syn_unanswered: 'syn_sent',
  half_open: 'established',
  js_open_kernel_gone: 'closed',
  js_gone_fd_open: 'closed',
  pooled_dead: 'close_wait',
};

/** A group of 41 upgraded sockets that nobody ended, but what is given. */
export function leakFacts(given: Partial<LeakFacts> = {}): LeakFacts {
  const cause = given.cause ?? 'not_ended';
  const sockets = given.sockets ?? 41;
  return {
    cause,
    state: STATE_OF[cause],
    side: 'server',
    name: 'api',
    kind: 'upgraded',
    sockets,
    oldestAgeMs: 37 * 60_000,
    requests: [{ value: 'GET /stream', sockets }],
    sites: [],
    pairedWith: [],
    receiveQueue: 0,
    sendQueue: 0,
    unreadInNode: 0,
    unsentInNode: 0,
    paused: 0,
    ...given,
  };
}

export function leakedSocket(given: Partial<LeakedSocket> = {}): LeakedSocket {
  return {
    local: '10.0.0.1:8080',
    peer: '10.0.0.9:51234',
    state: 'close_wait',
    ageMs: 37 * 60_000,
    idleMs: 37 * 60_000,
    bytesReceived: 171,
    bytesSent: 3_129,
    receiveQueue: 0,
    sendQueue: 0,
    unreadInNode: 0,
    unsentInNode: 0,
    inode: 31_415,
    flags: ['readableEnded'],
    request: 'GET /stream',
    site: undefined,
    pairedWith: undefined,
    ...given,
  };
}

export function leakGroup(given: Partial<LeakFacts> = {}, samples: readonly LeakedSocket[] = []): LeakGroup {
  return groupOf('close_wait/not_ended/server/api/upgraded/GET /stream', leakFacts(given), samples);
}

export function leakReport(groups: readonly LeakGroup[], given: Partial<LeakReport> = {}): LeakReport {
  return {
    ageMs: 1_234,
    sockets: groups.reduce((sum, group) => sum + group.sockets, 0),
    groups,
    groupsOmitted: 0,
    closeWait: {
      not_ended: 0,
      unread_in_node: 0,
      unread_in_kernel: 0,
      write_stalled: 0,
      loop_blocked: 0,
      untracked: 0,
      undetermined: 0,
    },
    divergent: {
      js_open_kernel_close_wait: 0,
      js_open_kernel_gone: 0,
      js_gone_fd_open: 0,
      untracked_fd: 0,
      pooled_dead: 0,
    },
    ...given,
  };
}
