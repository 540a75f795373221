import {
  DEFAULT_LEAK_AFTER_MS,
  type LeakedSocket,
  type LeakGroup,
  type LeakThresholds,
  type RemediedCause,
} from '../detect/leaks/leak.ts';
import type { Side } from '../sockets/names.ts';
import type { SocketKind } from '../sockets/socket-kind.ts';

/** How much is measured: a level adds metrics, never labels. */
export type Level = 'standard' | 'full';

/** Options of {@link createMonitor}. */
export interface MonitorOptions {
  /**
   * Milliseconds between two samples of the kernel's socket table, 100 to 3,600,000. Sampling slows itself down where
   * that would cost more than 1% of a core. @default 15000
   */
  readonly sampleIntervalMs?: number;
  /** Milliseconds after which a sample is given up, 100 to 60,000. @default 5000 */
  readonly sampleTimeoutMs?: number;
  /** How many different names get series of their own, 1 to 1000; the rest is `_other`. @default 20 */
  readonly maxNames?: number;
  /**
   * Whether each sample also asks for the round-trip time, the congestion window and retransmissions of our own
   * connections: a second run of `ss`, with 500 bytes a connection. @default false
   */
  readonly sampleTcpInfo?: boolean;
  /**
   * Which metrics there are: `full` adds histograms by name and by state, see the README's table. @default 'standard'
   */
  readonly level?: Level;
  /** Absolute path of `ss`. By default it is looked for in PATH and the system folders, until it is found. */
  readonly ssPath?: string;
  /** Absolute path where procfs is mounted. @default '/proc' */
  readonly procPath?: string;
  /**
   * After how many milliseconds in a state a socket counts as leaked, 100 to 86,400,000 each. @default 60000 for
   * close_wait, last_ack and closing, 120000 for fin_wait_2, 30000 for syn_sent
   */
  readonly leakAfterMs?: Partial<LeakThresholds>;
  /** Called for each group of leaked sockets when it appears, and again after {@link leakReminderMs} if it is still there. */
  readonly onLeak?: (group: LeakGroup) => void;
  /** Milliseconds after which {@link onLeak} is called again for the same group, 1,000 to 604,800,000. @default 600000 */
  readonly leakReminderMs?: number;
  /**
   * Destroys leaked sockets that have been idle in their state for so many milliseconds, 1,000 to 604,800,000, and not
   * before they count as leaked ({@link leakAfterMs}): in CLOSE_WAIT of a known cause, in FIN_WAIT_2 with nothing unread, or
   * without a connection in the kernel; never one with a request in flight, never one that finwait does not observe.
   * Counted in `remedied_sockets_total`. @default never
   */
  readonly remedyAfterMs?: number;
  /** Called for each socket that was destroyed so. @default {@link onWarning}, once for each table */
  readonly onRemedy?: (remedy: Remedy) => void;
  /**
   * Called once for each kind of trouble finwait has with itself (a reader that fails, a callback that throws), and with what
   * it has destroyed where there is no {@link onRemedy}.
   * @default process.emitWarning
   */
  readonly onWarning?: (warning: Error) => void;
}

/** A leaked socket that was destroyed. */
export interface Remedy extends LeakedSocket {
  readonly cause: RemediedCause;
  readonly side: Side;
  readonly name: string;
  readonly kind: SocketKind;
}

/** The options with their defaults filled in. */
export interface ResolvedOptions {
  readonly sampleIntervalMs: number;
  readonly sampleTimeoutMs: number;
  readonly maxNames: number;
  readonly sampleTcpInfo: boolean;
  readonly level: Level;
  readonly ssPath: string | undefined;
  readonly procPath: string;
  readonly leakAfterMs: LeakThresholds;
  readonly onLeak: ((group: LeakGroup) => void) | undefined;
  readonly leakReminderMs: number;
  /** Infinity for never. */
  readonly remedyAfterMs: number;
  readonly onRemedy: ((remedy: Remedy) => void) | undefined;
  readonly onWarning: (warning: Error) => void;
}

/** The options that are whole numbers, with their limits. */
export const NUMBERS: Readonly<Record<NumberOption, NumberLimits>> = {
  sampleIntervalMs: { fallback: 15_000, min: 100, max: 3_600_000 },
  sampleTimeoutMs: { fallback: 5_000, min: 100, max: 60_000 },
  maxNames: { fallback: 20, min: 1, max: 1_000 },
  leakReminderMs: { fallback: 600_000, min: 1_000, max: 604_800_000 },
  remedyAfterMs: { fallback: Number.POSITIVE_INFINITY, min: 1_000, max: 604_800_000 },
};

type NumberOption = 'sampleIntervalMs' | 'sampleTimeoutMs' | 'maxNames' | 'leakReminderMs' | 'remedyAfterMs';

interface NumberLimits {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}
const CALLBACKS = ['onLeak', 'onRemedy', 'onWarning'] as const;
const KEYS = [...Object.keys(NUMBERS), ...CALLBACKS, 'sampleTcpInfo', 'level', 'ssPath', 'procPath', 'leakAfterMs'];

/** What {@link MonitorOptions.leakAfterMs} may be. */
const LEAK_AFTER = { min: 100, max: 86_400_000 };

/** Checks options and fills the defaults in; a wrong one is refused with the value that was received. */
export function resolveOptions(options: MonitorOptions): ResolvedOptions {
  refuseUnknownKeys('createMonitor', options, KEYS);
  const { onLeak, onRemedy, onWarning, sampleTcpInfo = false, level = 'standard' } = options;
  if (typeof sampleTcpInfo !== 'boolean') {
    throw new TypeError(`sampleTcpInfo is a boolean, received ${show(sampleTcpInfo)}`);
  }
  if (level !== 'standard' && level !== 'full') {
    throw new TypeError(`level is 'standard' or 'full', received ${show(level)}`);
  }
  for (const key of CALLBACKS) {
    if (options[key] === undefined || typeof options[key] === 'function') continue;
    throw new TypeError(`${key} is a function, received ${show(options[key])}`);
  }
  return {
    sampleIntervalMs: numberOf('sampleIntervalMs', options.sampleIntervalMs),
    sampleTimeoutMs: numberOf('sampleTimeoutMs', options.sampleTimeoutMs),
    maxNames: numberOf('maxNames', options.maxNames),
    sampleTcpInfo,
    level,
    ssPath: pathOf('ssPath', options.ssPath),
    procPath: pathOf('procPath', options.procPath) ?? '/proc',
    leakAfterMs: leakAfterOf(options.leakAfterMs),
    onLeak,
    leakReminderMs: numberOf('leakReminderMs', options.leakReminderMs),
    remedyAfterMs: numberOf('remedyAfterMs', options.remedyAfterMs),
    onRemedy,
    onWarning: onWarning ?? ((warning) => process.emitWarning(warning)),
  };
}

/** Options of an observer: only a name so far. */
export interface NameOptions {
  /** The `name` label of its connections: 1 to 64 printable characters, not beginning with `_`. */
  readonly name?: string;
}

/** The name out of an observer's options, or undefined; a wrong one is refused. */
export function resolveName(caller: string, options: NameOptions): string | undefined {
  refuseUnknownKeys(caller, options, ['name']);
  const { name } = options;
  if (name === undefined) return undefined;
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new TypeError(
      `${caller}: name is 1 to 64 printable characters and does not begin with '_', received ${show(name)}`,
    );
  }
  return name;
}

/** Options of an observer of many client sockets. */
export interface ClientNameOptions {
  /**
   * The `name` label of its connections, 1 to 64 printable characters, not beginning with `_`; or a function that chooses
   * it by where a connection goes. Where that returns undefined, or throws, the default is taken. @default the host as
   * the program gave it, and the port
   */
  readonly name?: string | ((destination: NamedDestination) => string | undefined);
}

/** Options of {@link Monitor.observeProcess}. */
export interface ObserveProcessOptions extends ClientNameOptions {
  /**
   * Where to look for connections that were there before: `handles`, among what keeps the process alive and the idle
   * connections of the global agents; `heap`, everywhere, by an inspector session within the process, which holds
   * the event loop once for 0.1 s and 9 ms more with each MB of heap; `none`. @default 'handles'
   */
  readonly findExisting?: 'handles' | 'heap' | 'none';
}

/** Where a connection goes. */
export interface NamedDestination {
  /** As the program gave it, a name or an address; undefined where nobody knows it. */
  readonly host: string | undefined;
  readonly port: number;
}

/**
 * The naming function out of an observer's options, or undefined. Whatever the program's own function does stays here.
 *
 * @param report told what that function threw, or returned that is no name
 */
export function resolveNameOf(
  caller: string,
  options: ClientNameOptions,
  report: (component: 'callback', error: unknown) => void,
  otherKeys: readonly string[] = [],
): ((host: string | undefined, port: number) => string | undefined) | undefined {
  refuseUnknownKeys(caller, options, ['name', ...otherKeys]);
  const { name } = options;
  if (typeof name !== 'function') {
    const chosen = resolveName(caller, name === undefined ? {} : { name });
    return chosen === undefined ? undefined : () => chosen;
  }
  return (host, port) => {
    try {
      const chosen = name({ host, port });
      return chosen === undefined ? undefined : resolveName(caller, { name: chosen });
    } catch (error) {
      report('callback', error);
      return undefined;
    }
  };
}

/** Refuses anything but a plain object of the given keys. */
export function refuseUnknownKeys(caller: string, options: unknown, keys: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${caller}: options are an object, received ${show(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (!keys.includes(key)) throw new TypeError(`${caller}: unknown option '${key}', known are ${keys.join(', ')}`);
  }
}

/** A received value for an error message, cut short. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 80)}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return `an instance of ${value.constructor?.name ?? 'Object'}`;
  return String(value);
}

const NAME = /^(?!_)[\x20-\x7e]{1,64}$/;

function pathOf(key: 'ssPath' | 'procPath', value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value.startsWith('/'))) return value;
  throw new TypeError(`${key} is an absolute path, received ${show(value)}`);
}

function leakAfterOf(value: unknown = {}): LeakThresholds {
  refuseUnknownKeys('leakAfterMs', value, Object.keys(DEFAULT_LEAK_AFTER_MS));
  const chosen = Object.entries(value as Partial<LeakThresholds>).filter(([, ms]) => ms !== undefined);
  for (const [state, ms] of chosen) refuseUnlessWithin(`leakAfterMs.${state}`, ms, LEAK_AFTER);
  return { ...DEFAULT_LEAK_AFTER_MS, ...Object.fromEntries(chosen) };
}

function numberOf(key: NumberOption, value: unknown): number {
  if (value === undefined) return NUMBERS[key].fallback;
  return refuseUnlessWithin(key, value, NUMBERS[key]);
}

/** A whole number within limits; anything else is refused. */
function refuseUnlessWithin(key: string, value: unknown, { min, max }: Omit<NumberLimits, 'fallback'>): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new TypeError(`${key} is an integer, received ${show(value)}`);
  }
  if (value < min || value > max) throw new RangeError(`${key} is between ${min} and ${max}, received ${value}`);
  return value;
}
