/** Who ended a connection first. */
export type Initiator = 'local' | 'remote' | 'unknown';

/**
 * How a connection ended. `unused`: accepted, and the peer never sent a byte (health checks, scans). `abandoned`: the
 * socket object was collected, or its process lost, without 'close'.
 */
export type Outcome = 'fin' | 'reset' | 'timeout' | 'error' | 'unused' | 'abandoned';

/** The pairs of initiator and outcome that can occur; each closed connection is counted under exactly one. */
export const CLOSINGS: readonly (readonly [Initiator, Outcome])[] = [
  ['local', 'fin'],
  ['local', 'reset'],
  ['local', 'error'],
  ['local', 'unused'],
  ['remote', 'fin'],
  ['remote', 'reset'],
  ['remote', 'error'],
  ['remote', 'unused'],
  ['unknown', 'fin'],
  ['unknown', 'timeout'],
  ['unknown', 'error'],
  ['unknown', 'unused'],
  ['unknown', 'abandoned'],
];

/** What is known of a connection when its descriptor is closed. */
export interface ClosingFacts {
  /** Whose FIN (or end of file) came first, as far as Node showed it. */
  readonly firstFin: 'local' | 'remote' | 'none' | 'unknown';
  /** What the kernel or the program said was wrong. */
  readonly failure: 'none' | 'reset' | 'timeout' | 'kernel' | 'program';
  /** resetAndDestroy() was called. */
  readonly aborted: boolean;
  /** The socket was accepted and the peer never sent a byte. */
  readonly unused: boolean;
}

/**
 * The index in {@link CLOSINGS} under which a connection is counted. A descriptor that was closed without any FIN
 * before was closed by us.
 *
 * @example CLOSINGS[closingOf({ firstFin: 'none', failure: 'none', aborted: false, unused: false })] // local, fin
 */
export function closingOf(facts: ClosingFacts): number {
  const [initiator, outcome] = classify(facts);
  return CLOSINGS.findIndex(([who, how]) => who === initiator && how === outcome);
}

/** The index of `unknown, abandoned`. */
export const ABANDONED: number = CLOSINGS.findIndex(([, outcome]) => outcome === 'abandoned');

function classify(facts: ClosingFacts): readonly [Initiator, Outcome] {
  const byFin: Initiator = facts.firstFin === 'none' ? 'local' : facts.firstFin;
  if (facts.unused) {
    if (facts.aborted) return ['local', 'unused'];
    if (facts.failure === 'reset') return ['remote', 'unused'];
    if (facts.failure === 'timeout' || facts.failure === 'kernel') return ['unknown', 'unused'];
    return [byFin, 'unused'];
  }
  if (facts.aborted) return ['local', 'reset'];
  switch (facts.failure) {
    case 'reset':
      return ['remote', 'reset'];
    case 'timeout':
      return ['unknown', 'timeout'];
    case 'kernel':
      return ['unknown', 'error'];
    case 'program':
      return [byFin, 'error'];
    case 'none':
      return [byFin, 'fin'];
    default:
      return facts.failure satisfies never;
  }
}
