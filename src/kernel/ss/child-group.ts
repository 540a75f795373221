import type { ChildProcess } from 'node:child_process';

/** Sends a signal to the group that a detached child leads, if the child has not been waited for. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  // Without a number kill(2) would be given our own group, and after the end the number may be another's.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended this moment, and Node is yet to hear of it.
  }
}

/** Takes a pipe off what keeps the process alive: a pipe of a child is a Socket, though its type does not say so. */
export function unref(pipe: object | null | undefined): void {
  (pipe as { unref?(): void } | null | undefined)?.unref?.();
}
