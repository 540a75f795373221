/** How a command ends: it did it, it could not, it did not understand, or it has found what --fail-on asks for. */
export const EXIT = { done: 0, failed: 1, misunderstood: 2, found: 3 } as const;
