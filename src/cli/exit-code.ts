/** How a command ends: it did it, it could not, or it did not understand what was asked. */
export const EXIT = { done: 0, failed: 1, misunderstood: 2 } as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
