import { agree } from '../wording.ts';
import type { LeakRule } from './leak.ts';

/** destroyed, and the descriptor is open. */
export const FORGOTTEN_DESCRIPTOR: LeakRule = {
  explain: ({ sockets }) =>
    `destroyed, and ${agree(sockets, 'its descriptor is', 'their descriptors are')} still open: resetAndDestroy() in the same turn as end() fails with EINVAL, and Node never closes`,
  fix: () => [
    'After `end()` call `destroySoon()` or `destroy()`; or `resetAndDestroy()` alone, without `end()` before it. A defect of Node 20 to 26.',
    'Such a descriptor is lost until the process ends. Its error (EINVAL, syscall `reset`) shows which code it was.',
  ],
};
