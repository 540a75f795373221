import { agree } from '../wording.ts';
import type { LeakFacts, LeakRule } from './leak.ts';

/** A pool keeps as idle what the peer has closed. */
export const POOLED_DEAD: LeakRule = {
  explain: ({ sockets }) =>
    `the peer has closed ${agree(sockets, 'it', 'them')} and the pool still offers ${agree(sockets, 'it', 'them')}: the next request there fails`,
  fix: ({ kind }: LeakFacts) => [
    kind === 'undici'
      ? 'Drop them: `await dispatcher.destroy()`; the next request needs a new dispatcher.'
      : 'Drop them: `agent.destroy()` closes what is idle, and the next request connects anew.',
    'Find what keeps an idle connection from reading (`pause()`, a handle that was stopped): one that reads sees the FIN and leaves the pool.',
    'Send idempotent requests again, once.',
  ],
};
