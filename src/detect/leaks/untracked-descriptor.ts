import type { LeakRule } from './leak.ts';
import { holdsDescriptor, OBSERVE_ALL } from './untracked-advice.ts';

/** The descriptor is ours, in whatever state, and no JavaScript socket stands for it. */
export const UNTRACKED_DESCRIPTOR: LeakRule = {
  explain: ({ sockets }) =>
    `${sockets === 1 ? 'a descriptor' : 'descriptors'} of this process with a TCP connection behind ${sockets === 1 ? 'it' : 'them'}, and no socket in JavaScript`,
  fix: (group) => [
    OBSERVE_ALL,
    "Sockets that were open before finwait came and are unref()'d are found by `observeProcess({ findExisting: 'heap' })`.",
    holdsDescriptor(group),
  ],
};
