import type { LoadSample } from './load-sample.ts';

/** The parts of a recording. */
export const PHASES = ['before', 'load', 'after'] as const;

/** One of {@link PHASES}: before the load, while it runs, and until all has come to rest. */
export type Phase = (typeof PHASES)[number];

/** From when to when, in milliseconds since the recording began. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What is tested. */
export interface LoadTarget {
  /** The ports it listens on; empty for a process that only connects. */
  readonly ports: readonly number[];
  /** Its processes when the recording began; empty where they are not known. */
  readonly pids: readonly number[];
  /** `node server.js`, cut to 200 characters, without what looks like a secret; absent where it is not known. */
  readonly title?: string;
}

/** The command that made the load. */
export interface LoadCommand {
  /** Without what looks like a secret. */
  readonly argv: readonly string[];
  /** Absent while it runs, and where a signal ended it. */
  readonly exitCode?: number;
  readonly signal?: string;
}

/** What the target answers to one HTTP/1.1 request on a connection of its own, before the load. */
export interface LoadProbe {
  readonly status: number;
  /** Whether it keeps the connection after its answer. */
  readonly keepsConnection: boolean;
  /** `Keep-Alive: timeout=`, in seconds; absent where the answer has none. */
  readonly keepAliveSeconds?: number;
}

/** What bounds the sockets of this network namespace; absent where it cannot be read. */
export interface LoadSettings {
  readonly localPortRange?: { readonly from: number; readonly to: number };
  /** net.ipv4.tcp_tw_reuse: 0 never, 1 always, 2 over loopback. */
  readonly timeWaitReuse?: number;
  /** net.ipv4.tcp_max_tw_buckets */
  readonly maxTimeWaits?: number;
  /** net.core.somaxconn */
  readonly somaxconn?: number;
  readonly processors: number;
}

/** Everything that was seen of one load test: what the rules look at. Plain data, as --json writes it. */
export interface LoadRun {
  readonly target: LoadTarget;
  /** Absent where somebody else made the load. */
  readonly command?: LoadCommand;
  readonly probe?: LoadProbe;
  readonly settings: LoadSettings;
  readonly phases: { readonly [phase in Phase]: Span };
  /** Whether the connections had come to rest at the end: what is left then stays. */
  readonly isQuiet: boolean;
  /** Ended early, by Ctrl-C or a signal. */
  readonly isInterrupted: boolean;
  /** In the order they were taken. At least one. */
  readonly samples: readonly LoadSample[];
  /** What could not be looked at, and why: one sentence each. */
  readonly notes: readonly string[];
}
