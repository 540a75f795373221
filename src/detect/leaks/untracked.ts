import type { CloseWaitFacts, CloseWaitRule } from './close-wait-facts.ts';
import { holdsDescriptor, OBSERVE_ALL } from './untracked-advice.ts';

/** The row is ours by its inode, and no record of ours has it. */
export const UNTRACKED: CloseWaitRule = {
  matches: ({ isTracked }: CloseWaitFacts) => !isTracked,
  explain: () => 'the peer has ended, and the descriptor belongs to no socket that finwait was shown',
  fix: (group) => [OBSERVE_ALL, holdsDescriptor(group)],
};
