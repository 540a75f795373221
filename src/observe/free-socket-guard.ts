import type { NodeHandle } from './node-socket.ts';

/** The function of lib/_http_agent.js that reads for an idle connection of an agent, since Node 22.23 and 24.21. */
const GUARD = 'freeSocketOnReadGuard';
/** It stands this many frames above handle.close() at most. */
const FRAMES = 12;

/**
 * Whether a handle is being closed because its peer ended an idle connection of an http.Agent. Since that reads with a
 * function of its own, such a socket is destroyed without 'end' and with no flag set, exactly as if the program had
 * destroyed it (Node 22, 24 and 26; Node 20 emits 'end'). Only the call stack tells the two apart.
 */
export function isClosedByGuard(handle: NodeHandle | null | undefined): boolean {
  return handle?.onread?.name === GUARD && callers().includes(GUARD);
}

/** The names of the functions that are being called; asked without the program's own hooks, and leaving no trace. */
function callers(): readonly (string | null)[] {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
  const prepare = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const isOpen = Object.isExtensible(Error) && [limit, prepare].every((each) => each?.configurable !== false);
  if (!isOpen) return [];
  try {
    Error.stackTraceLimit = FRAMES;
    Error.prepareStackTrace = (_error, sites) => sites.map((site) => site.getFunctionName());
    return new Error('where').stack as unknown as (string | null)[];
  } finally {
    restore('stackTraceLimit', limit);
    restore('prepareStackTrace', prepare);
  }
}

function restore(key: 'stackTraceLimit' | 'prepareStackTrace', before: PropertyDescriptor | undefined): void {
  if (before === undefined) Reflect.deleteProperty(Error, key);
  else Object.defineProperty(Error, key, before);
}
