import { callStack } from './call-stack.ts';
import type { NodeSocket } from './node-socket.ts';

/** The function of lib/_http_agent.js that reads for an idle connection of an agent, since Node 22.23 and 24.21. */
const GUARD = 'freeSocketOnReadGuard';
/** It stands this many frames above handle.close() at most. */
const FRAMES = 12;

/**
 * Whether a socket is being closed because its peer ended an idle connection of an http.Agent. Since that reads with a
 * function of its own, such a socket is destroyed without 'end' and with no flag set, exactly as if the program had
 * destroyed it (Node 22, 24 and 26; Node 20 emits 'end'). Only the call stack tells the two apart.
 */
export function isClosedByGuard(socket: NodeSocket): boolean {
  // An agent leaves null behind, and what has never spoken HTTP nothing: `onread` is a getter in C++.
  if (socket._httpMessage !== null || socket.parser || socket._handle?.onread?.name !== GUARD) return false;
  return callStack(FRAMES, (frame) => frame.getFunctionName())?.includes(GUARD) === true;
}
