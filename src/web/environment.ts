import { isIP } from 'node:net';
import { isMetricPrefix, PREFIX_RULE } from '../metrics/prefix.ts';
import { type Level, type MonitorOptions, NUMBERS, type ObserveProcessOptions } from '../monitor/options.ts';
import { FIND_EXISTING, type FindExisting } from '../observe/process.ts';

/** What the variables FINWAIT_* ask of `finwait/register`. */
export interface Environment {
  readonly options: MonitorOptions;
  readonly observe: ObserveProcessOptions;
  /** Undefined if a variable that it depends on was refused: rather nothing than something that nobody asked for. */
  readonly serve: ServeOptions | undefined;
  /** Whether each leak is a line on stderr. */
  readonly logLeaks: boolean;
  /** A line for each variable that was refused, and one for those that there are not. */
  readonly complaints: readonly string[];
}

/** How the metrics are served. */
export interface ServeOptions {
  /** An IP address. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Undefined for the default. */
  readonly prefix: string | undefined;
  /** Whether the metrics of the application's own prom-client registry are served too. */
  readonly withApplication: boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

const PREFIX = 'FINWAIT_';
const NOT_SERVED = '/metrics is not served';
/** The address that a name stands for: looked up it might be ::1, where nobody looks. */
const LOOPBACK = '127.0.0.1';

/**
 * Reads the variables FINWAIT_*. A wrong value is never a reason to throw: it is refused by a line that names it, and
 * everything else goes on. An empty one counts as unset, as a shell's or a compose file's way of saying so.
 *
 * @example readEnvironment(process.env).serve?.port // 9464
 */
export function readEnvironment(env: Variables): Environment {
  const complaints: string[] = [];
  const asked = new Set<string>();

  /** The value of a variable: the fallback if it is not set, undefined if it was refused. */
  function value<T>(name: string, rule: Rule<T>, fallback: T, consequence: string): T | undefined {
    asked.add(name);
    const text = env[name];
    if (text === undefined || text === '' || isServiceLink(name, text)) return fallback;
    const read = rule.read(text);
    if (read === undefined) complaints.push(`${name} is ${rule.allowed}, received ${quoted(text)}: ${consequence}`);
    return read;
  }

  function number(name: string, option: keyof typeof NUMBERS): number {
    const { fallback, min, max } = NUMBERS[option];
    return value(name, integer(min, max), fallback, `${fallback} is used`) ?? fallback;
  }

  const port = value('FINWAIT_PORT', PORT, 9464, NOT_SERVED);
  const host = value('FINWAIT_HOST', HOST, LOOPBACK, NOT_SERVED);
  const prefix = value<string | null>('FINWAIT_PREFIX', METRIC_PREFIX, null, NOT_SERVED);
  const withApplication = value('FINWAIT_APP_METRICS', BOOLEAN, false, 'they are not served') ?? false;
  const options: MonitorOptions = {
    sampleIntervalMs: number('FINWAIT_SAMPLE_INTERVAL_MS', 'sampleIntervalMs'),
    sampleTimeoutMs: number('FINWAIT_SAMPLE_TIMEOUT_MS', 'sampleTimeoutMs'),
    maxNames: number('FINWAIT_MAX_NAMES', 'maxNames'),
    sampleTcpInfo: value('FINWAIT_SAMPLE_TCP_INFO', BOOLEAN, false, 'none is sampled') ?? false,
    level: value('FINWAIT_LEVEL', LEVEL, 'standard', 'standard is used') ?? 'standard',
  };
  const logLeaks = value('FINWAIT_LOG_LEAKS', BOOLEAN, true, 'they are logged') ?? true;
  const findExisting = value('FINWAIT_FIND_EXISTING', WHERE, 'handles', 'handles is used') ?? 'handles';

  const unknown = Object.keys(env).filter(
    (name) => name.startsWith(PREFIX) && !asked.has(name) && !isServiceLink(name, ''),
  );
  if (unknown.length > 0) complaints.push(`unknown: ${quoted(unknown.join(', '))}; known are ${[...asked].join(', ')}`);
  const isWhole = port !== undefined && host !== undefined && prefix !== undefined;
  return {
    options,
    observe: { findExisting },
    logLeaks,
    serve: isWhole ? { host, port, prefix: prefix ?? undefined, withApplication } : undefined,
    complaints,
  };
}

/** What a variable may say. */
interface Rule<T> {
  /** For a sentence that begins with the variable's name and `is`. */
  readonly allowed: string;
  /** Undefined if it may not. */
  readonly read: (text: string) => T | undefined;
}

const PORT: Rule<number> = { ...integer(0, 65_535), allowed: 'a port from 1 to 65535, or 0 for any that is free' };
const HOST: Rule<string> = {
  allowed: 'an IP address or localhost',
  read: (text) => (text === 'localhost' ? LOOPBACK : isIP(text) > 0 ? text : undefined),
};
const METRIC_PREFIX: Rule<string> = {
  allowed: PREFIX_RULE,
  read: (text) => (isMetricPrefix(text) ? text : undefined),
};
const LEVEL: Rule<Level> = oneOf(['standard', 'full']);
const WHERE: Rule<FindExisting> = oneOf(FIND_EXISTING);
const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false, 1: true, 0: false };
const BOOLEAN: Rule<boolean> = {
  allowed: 'true, false, 1 or 0',
  read: (text) => (Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : undefined),
};

function oneOf<T extends string>(words: readonly T[]): Rule<T> {
  return {
    allowed: `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`,
    read: (text) => words.find((word) => word === text),
  };
}

function integer(min: number, max: number): Rule<number> {
  return {
    allowed: `an integer from ${min} to ${max}`,
    read: (text) => {
      const number = /^\d{1,9}$/.test(text) ? Number(text) : -1;
      return number >= min && number <= max ? number : undefined;
    },
  };
}

/**
 * Whether Kubernetes set it for a Service that is called finwait, as Docker's links did: FINWAIT_SERVICE_HOST,
 * FINWAIT_PORT_9464_TCP_ADDR and, of all names, FINWAIT_PORT=tcp://10.0.0.1:9464. Nobody has written those.
 */
function isServiceLink(name: string, text: string): boolean {
  return /^FINWAIT_(?:SERVICE|PORT)_/.test(name) || (name === 'FINWAIT_PORT' && /^(?:tcp|udp|sctp):\/\//.test(text));
}

/** In one line, whatever is in it. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text);
}
