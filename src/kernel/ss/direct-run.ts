import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { queueMicrotask } from '../../globals.ts';
import { killGroup, unref } from './child-group.ts';
import { readInTurns } from './read-in-turns.ts';
import { judgeSpawnError } from './ss-failure.ts';
import { SS_ENVIRONMENT, type SsCommand, type SsListener, type SsProcess } from './ss-process.ts';

/**
 * Starts ss with spawn(2): no shell, no inherited environment, stdin closed, nothing of it keeps the host alive. The
 * call blocks the event loop the longer the more memory the host holds outside the heap: libuv copies its page tables.
 *
 * ss leads a process group of its own, so that a script in its place is ended together with what it runs. What a script
 * leaves running after its own end is left alone: by then the number of the group may be another's.
 */
export function runDirectly(command: SsCommand, listener: SsListener): SsProcess {
  let told = false;
  const tell = (what: () => void): void => {
    if (told) return;
    told = true;
    what();
  };
  const spawnFailed = (error: unknown): void =>
    tell(() => listener.failed(judgeSpawnError(errorCode(error)), errorText(error)));

  let child: ChildProcess;
  try {
    child = spawn(command.path, command.args, {
      cwd: '/',
      env: SS_ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
  } catch (error) {
    // As late as 'error' comes: nobody is told anything before the call has returned.
    queueMicrotask(() => spawnFailed(error));
    return { cancel: () => undefined };
  }
  child.on('error', spawnFailed);
  // Where descriptors have run out there are no pipes, and 'error' follows.
  const pipes = [child.stdout ?? undefined, child.stderr ?? undefined];
  const [stdout, stderr] = pipes;
  if (stdout !== undefined) readInTurns(stdout, (chunk) => told || listener.stdout(chunk));
  if (stderr !== undefined) readInTurns(stderr, (chunk) => told || listener.stderr(chunk));
  for (const pipe of pipes) {
    // The missing rest shows as truncated output; without a listener the error would end the host.
    pipe?.on('error', () => undefined);
    unref(pipe);
  }
  child.on('close', (code, signal) => tell(() => listener.exited(shellCode(code, signal))));
  child.unref();

  return {
    cancel() {
      told = true;
      killGroup(child, 'SIGKILL');
      // Something else may hold the other ends open.
      for (const pipe of pipes) pipe?.destroy();
    },
  };
}

function shellCode(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? 0) : SIGNAL_CODE_BASE + constants.signals[signal];
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : typeof error;
}

const SIGNAL_CODE_BASE = 128;
