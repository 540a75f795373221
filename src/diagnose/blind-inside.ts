import type { LoadSample } from '../detect/load-test/load-sample.ts';

/** So many connections that the kernel shows are not overlooked by chance. */
const LEAST_CONNECTIONS = 3;

/**
 * Whether finwait inside the target has seen none of the connections that the kernel shows there: it is in another
 * process than the one that serves, such as the primary of a cluster, and what it says is not of this load.
 */
export function isBlind(samples: readonly LoadSample[]): boolean {
  const told = samples.flatMap(({ inside }) => inside ?? []);
  const [first] = told;
  const last = told.at(-1);
  if (first === undefined || last === undefined) return false;
  const isUntouched =
    last.opened.server === first.opened.server && told.every(({ serverStates }) => serverStates.established === 0);
  return isUntouched && samples.some(({ table }) => (table?.server.established ?? 0) >= LEAST_CONNECTIONS);
}

/** The same looks without what finwait inside said. */
export function withoutInside(samples: readonly LoadSample[]): readonly LoadSample[] {
  return samples.map(({ inside: _, ...sample }) => sample);
}
