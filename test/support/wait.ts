/** How long a test waits for anything before it fails and says for what. */
const DEADLINE_MS = 8_000;

/**
 * Waits until a condition holds, looking again every few milliseconds, and fails at the deadline with what was missing.
 *
 * @param condition true when the wait is over; may be asynchronous
 * @param missing says what was waited for, as of now
 * @example await until(() => socket.destroyed, () => 'the socket is destroyed')
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  missing: () => string,
  deadlineMs: number = DEADLINE_MS,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain: ${missing()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

const LOOK_EVERY_MS = 3;
