import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StateName } from '../../src/tcp/state.ts';

/** A step that the kernel's own state machine made. */
export interface KernelMove {
  /** Nanoseconds of the monotonic clock, cut to microseconds. */
  readonly at: bigint;
  readonly localPort: number;
  readonly peerPort: number;
  readonly to: StateName;
}

/** Traces `sock:inet_sock_set_state`, in a buffer of its own that nobody else's tracing is disturbed by. */
export interface KernelTrace {
  /** What happened since the last call, oldest first. */
  take(): KernelMove[];
  close(): void;
}

const INSTANCES = '/sys/kernel/tracing/instances';
/** For each processor: the whole machine's connections are in it, and a busy one makes some 5 MB a second. */
const BUFFER_KB = 16_384;
const EVENT = 'events/sock/inet_sock_set_state/enable';

/** Whether the kernel can be traced by us; else why not. */
export function traceProblem(): string | undefined {
  try {
    accessSync(INSTANCES, constants.W_OK);
    return undefined;
  } catch {
    return `no right to trace the kernel: ${INSTANCES} cannot be written`;
  }
}

/** Starts tracing. */
export function traceKernel(): KernelTrace {
  const folder = join(INSTANCES, `finwait-${process.pid}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'trace_clock'), 'mono');
  writeFileSync(join(folder, 'buffer_size_kb'), String(BUFFER_KB));
  writeFileSync(join(folder, EVENT), '1');
  return {
    take() {
      const text = readFileSync(join(folder, 'trace'), 'utf8');
      writeFileSync(join(folder, 'trace'), '');
      return text.split('\n').flatMap(parseMove);
    },
    close() {
      writeFileSync(join(folder, EVENT), '0');
      rmdirSync(folder);
    },
  };
}

const NAMES: { readonly [name: string]: StateName } = {
  CLOSE: 'CLOSED',
  SYN_RECV: 'SYN_RECEIVED',
  NEW_SYN_RECV: 'SYN_RECEIVED',
};
const LINE =
  / (\d+)\.(\d{6}): inet_sock_set_state: .*protocol=IPPROTO_TCP sport=(\d+) dport=(\d+) .*newstate=TCP_(\w+)/;

function parseMove(line: string): KernelMove[] {
  const [, seconds, micros, localPort, peerPort, name = ''] = LINE.exec(line) ?? [];
  if (seconds === undefined || micros === undefined) return [];
  const spelled = name.replace(/^FIN_WAIT(\d)$/, 'FIN_WAIT_$1') as StateName;
  return [
    {
      at: BigInt(seconds) * 1_000_000_000n + BigInt(micros) * 1_000n,
      localPort: Number(localPort),
      peerPort: Number(peerPort),
      to: NAMES[name] ?? spelled,
    },
  ];
}
