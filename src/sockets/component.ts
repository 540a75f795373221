/** Where inside finwait something went wrong: the label of `internal_errors_total`. */
export const COMPONENTS = ['observer', 'collector', 'exporter', 'callback', 'helper'] as const;

/** One of {@link COMPONENTS}. */
export type Component = (typeof COMPONENTS)[number];
