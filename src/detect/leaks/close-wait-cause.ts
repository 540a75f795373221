import type { CloseWaitFacts, CloseWaitRule } from './close-wait-facts.ts';
import type { CloseWaitCause } from './leak.ts';
import { LOOP_BLOCKED } from './loop-blocked.ts';
import { NOT_ENDED } from './not-ended.ts';
import { UNDETERMINED } from './undetermined.ts';
import { UNREAD_IN_KERNEL } from './unread-in-kernel.ts';
import { UNREAD_IN_NODE } from './unread-in-node.ts';
import { UNTRACKED } from './untracked.ts';
import { WRITE_STALLED } from './write-stalled.ts';

/**
 * Why a socket is in CLOSE_WAIT: the first rule that matches. Exactly one cause for any facts.
 *
 * @example causeOf({ ...facts, eofRead: true, endEmitted: true, writableEnded: false }) // 'not_ended'
 */
export function causeOf(facts: CloseWaitFacts): CloseWaitCause {
  for (const [cause, rule] of ORDER) {
    if (rule.matches(facts)) return cause;
  }
  return 'undetermined';
}

/**
 * A blocked loop explains a record that has moved since, so it is asked before that disqualifies the record. A stalled
 * write keeps a socket open whatever is unread: reading to the end alone would not close it.
 */
const ORDER: readonly (readonly [CloseWaitCause, CloseWaitRule])[] = [
  ['untracked', UNTRACKED],
  ['loop_blocked', LOOP_BLOCKED],
  ['undetermined', UNDETERMINED],
  ['write_stalled', WRITE_STALLED],
  ['unread_in_kernel', UNREAD_IN_KERNEL],
  ['unread_in_node', UNREAD_IN_NODE],
  ['not_ended', NOT_ENDED],
];
