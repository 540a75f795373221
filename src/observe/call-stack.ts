const SETTINGS = ['stackTraceLimit', 'prepareStackTrace'] as const;

/**
 * What is being called, the caller of this first: asked without the program's own hooks, and leaving no trace in its
 * settings. Undefined where nothing can be set (--frozen-intrinsics).
 *
 * @param most so many frames at most
 * @param read what to read of each
 * @param callee begins with the caller of this function, of its newest call; with none where it is not being called
 * @example callStack(12, (frame) => frame.getFunctionName())
 */
export function callStack<T>(
  most: number,
  read: (frame: NodeJS.CallSite) => T,
  callee: (...values: never[]) => unknown = callStack,
): readonly T[] | undefined {
  const before = SETTINGS.map((name) => Object.getOwnPropertyDescriptor(Error, name));
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = most;
    Error.prepareStackTrace = (_error, frames) => frames.map(read);
    Error.captureStackTrace(holder, callee);
    return holder.stack as readonly T[];
  } catch {
    return undefined;
  } finally {
    SETTINGS.forEach((name, index) => {
      const property = before[index];
      if (property === undefined) Reflect.deleteProperty(Error, name);
      else Reflect.defineProperty(Error, name, property);
    });
  }
}
