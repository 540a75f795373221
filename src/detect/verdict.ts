import type { Side } from '../sockets/names.ts';

/** What can be wrong with how connections are made, kept and closed. */
export const VERDICT_KINDS = [
  'accept_queue_full',
  'keep_alive_race',
  'late_requests',
  'connections_not_reused',
  'pool_too_small',
  'ports_exhausted',
  'ports_running_out',
  'port_range_small',
  'local_address_set',
] as const;

/** One of {@link VERDICT_KINDS}. */
export type VerdictKind = (typeof VERDICT_KINDS)[number];

/** The worst first. `critical`: connections fail, or will within a minute. `warning`: requests are lost, or will be. */
export const SEVERITIES = ['critical', 'warning', 'info'] as const;

/** One of {@link SEVERITIES}. */
export type Severity = (typeof SEVERITIES)[number];

/** An opinion about the connections of one name, and what to change. */
export interface Verdict {
  readonly kind: VerdictKind;
  readonly name: string;
  readonly side: Side;
  readonly severity: Severity;
  /** What is the case, with its numbers. */
  readonly sentence: string;
  /** What to change, the best first: each names its setting. */
  readonly advice: readonly string[];
  /** The numbers that the verdict rests on; those that are not known are left out. */
  readonly evidence: { readonly [what: string]: number };
}
