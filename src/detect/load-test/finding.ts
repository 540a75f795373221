/**
 * What can limit a load test, or go wrong in it, in the order of causes: what stands earlier brings about what stands
 * later, more often than the other way round.
 */
export const LIMIT_KINDS = [
  'target_gone',
  'descriptors_exhausted',
  'loop_blocked',
  'accept_queue_full',
  'ports_exhausted',
  'ports_running_out',
  'connections_refused',
  'packets_lost',
  'syn_dropped',
  'keep_alive_race',
  'resets',
  'leak',
  'reader_stalled',
  'server_closes_first',
  'connections_not_reused',
  'generator_limited',
  'server_busy',
] as const;

/** One of {@link LIMIT_KINDS}. */
export type LimitKind = (typeof LIMIT_KINDS)[number];

/** The word that --fail-on knows each by, and its title. */
export const LIMITS: { readonly [kind in LimitKind]: { readonly word: string; readonly title: string } } = {
  target_gone: { word: 'crash', title: 'The server went away' },
  descriptors_exhausted: { word: 'descriptors', title: 'No descriptor left' },
  loop_blocked: { word: 'blocked', title: 'The event loop was blocked' },
  accept_queue_full: { word: 'overflow', title: 'The accept queue was full' },
  ports_exhausted: { word: 'ports', title: 'No local port left' },
  ports_running_out: { word: 'ports', title: 'Local ports were running out' },
  connections_refused: { word: 'refused', title: 'Connections were refused' },
  packets_lost: { word: 'loss', title: 'Packets were lost' },
  syn_dropped: { word: 'syn', title: 'SYNs went unanswered' },
  keep_alive_race: { word: 'race', title: 'The keep-alive race' },
  resets: { word: 'reset', title: 'Connections were reset' },
  leak: { word: 'leak', title: 'Sockets were left' },
  reader_stalled: { word: 'stall', title: 'A reader was too slow' },
  server_closes_first: { word: 'close-first', title: 'The server closes after each answer' },
  connections_not_reused: { word: 'churn', title: 'Connections were not used again' },
  generator_limited: { word: 'generator', title: 'The load generator was the limit' },
  server_busy: { word: 'busy', title: 'The server had no more processor time' },
};

/** How sure a finding is: seen as such, the likeliest explanation, or one of several. */
export const CONFIDENCES = ['proven', 'likely', 'possible'] as const;

/** One of {@link CONFIDENCES}. */
export type Confidence = (typeof CONFIDENCES)[number];

/** One number that a finding rests on, with its unit in the text: `ListenOverflows`, `+1,234 in 8.2 s`. */
export interface Evidence {
  readonly what: string;
  readonly value: string;
  /** `namespace`: a counter of the whole network namespace, whoever caused it. */
  readonly scope: 'target' | 'generator' | 'namespace';
}

/** What limited a load test, or went wrong in it. */
export interface Finding {
  readonly kind: LimitKind;
  /**
   * How much of the test it spoiled, 0 to 1: the share of connections, requests or time that was lost or held up. What
   * merely could be better stays below 0.2.
   */
  readonly impact: number;
  readonly confidence: Confidence;
  /** One line that names the limit, with its main number. */
  readonly sentence: string;
  readonly evidence: readonly Evidence[];
  /** What to change, the best first: each names its setting or the code. */
  readonly advice: readonly string[];
  /** When it was seen, in milliseconds since the recording began; absent where it was always so. */
  readonly seen?: { readonly fromMs: number; readonly toMs: number };
  /** The kinds that this one brings about: where found too, they are told as its consequences. */
  readonly explains: readonly LimitKind[];
}
