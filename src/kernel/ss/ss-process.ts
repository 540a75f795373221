import type { SsFailure } from './ss-failure.ts';

/** What is told of one ss while it runs, by whoever started it. The last call is one of `exited` and `failed`. */
export interface SsListener {
  stdout(chunk: Uint8Array): void;
  stderr(chunk: Uint8Array): void;
  /** It has ended, and all it wrote was told. The code is as a shell counts: 128 + n after the signal n. */
  exited(code: number): void;
  /** It could not be started, or was lost. */
  failed(reason: SsFailure, detail: string): void;
}

/** One ss that runs. */
export interface SsProcess {
  /** Ends it and tells its listener nothing more. After its end it does nothing. */
  cancel(): void;
}

/** What to run. */
export interface SsCommand {
  /** Absolute. */
  readonly path: string;
  readonly args: readonly string[];
}

/**
 * The whole environment of ss, and of the shell that runs it. Nothing of ours: PROC_ROOT, PROC_NET_TCP and TCPDIAG_FILE
 * turn netlink off, NODE_OPTIONS is for us alone, and without a language messages are the ones we know.
 */
export const SS_ENVIRONMENT: Readonly<Record<string, string>> = { LC_ALL: 'C' };
