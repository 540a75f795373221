import { FIN_UNACKNOWLEDGED } from './fin-unacknowledged.ts';
import { FORGOTTEN_DESCRIPTOR } from './forgotten-descriptor.ts';
import { HALF_OPEN } from './half-open.ts';
import type { LeakCause, LeakRule } from './leak.ts';
import { LOOP_BLOCKED } from './loop-blocked.ts';
import { NOT_ENDED } from './not-ended.ts';
import { OPEN_KERNEL_GONE } from './open-kernel-gone.ts';
import { PEER_KEEPS_OPEN } from './peer-keeps-open.ts';
import { POOLED_DEAD } from './pooled-dead.ts';
import { SYN_UNANSWERED } from './syn-unanswered.ts';
import { UNDETERMINED } from './undetermined.ts';
import { UNREAD_IN_KERNEL } from './unread-in-kernel.ts';
import { UNREAD_IN_NODE } from './unread-in-node.ts';
import { UNTRACKED } from './untracked.ts';
import { WRITE_STALLED } from './write-stalled.ts';

/** The words of every cause. */
export const LEAK_RULES: { readonly [cause in LeakCause]: LeakRule } = {
  not_ended: NOT_ENDED,
  unread_in_node: UNREAD_IN_NODE,
  unread_in_kernel: UNREAD_IN_KERNEL,
  write_stalled: WRITE_STALLED,
  loop_blocked: LOOP_BLOCKED,
  untracked: UNTRACKED,
  undetermined: UNDETERMINED,
  peer_keeps_open: PEER_KEEPS_OPEN,
  fin_unacknowledged: FIN_UNACKNOWLEDGED,
  syn_unanswered: SYN_UNANSWERED,
  half_open: HALF_OPEN,
  js_open_kernel_gone: OPEN_KERNEL_GONE,
  js_gone_fd_open: FORGOTTEN_DESCRIPTOR,
  pooled_dead: POOLED_DEAD,
};
