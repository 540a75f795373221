import type { CloseWaitFacts, CloseWaitRule } from './close-wait-facts.ts';

/** Row and record must not be compared, or no rule knows what they say. */
export const UNDETERMINED: CloseWaitRule = {
  matches: ({ isComparable }: CloseWaitFacts) => !isComparable,
  explain: () => "the socket changed while the kernel's table was read, or its flags fit no cause that is known",
  fix: () => [
    'Recheck later: the next sample tells.',
    'If it stays like this, the flags of the samples say how far Node has come.',
  ],
};
