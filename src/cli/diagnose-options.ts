import { InvalidArgumentError } from 'commander';
import { LIMIT_KINDS, LIMITS, type LimitKind } from '../detect/load-test/finding.ts';

/** What --fail-on takes beside the words of {@link LIMITS}. */
const ANY = 'any';

/** Parses `3000`; may be given several times, or as `3000,3001`. */
export function portsOf(value: string, before: readonly number[] = []): readonly number[] {
  const ports = value.split(',').map(Number);
  if (!ports.every((port) => Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw new InvalidArgumentError('A port is a number from 1 to 65535.');
  }
  return [...new Set([...before, ...ports])];
}

/** Parses a process id. */
export function pidOf(value: string): number {
  const pid = Number(value);
  if (!Number.isInteger(pid) || pid < 1) throw new InvalidArgumentError('A process id is a whole number above 0.');
  return pid;
}

/** Parses `500ms`, `60s`, `5m`, `1h`, and plain seconds, into milliseconds. */
export function durationOf(value: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value) ?? [];
  const ms = Number(number) * (UNITS_MS[unit] ?? Number.NaN);
  if (!(ms >= 0 && ms <= MOST_MS)) {
    throw new InvalidArgumentError('A duration is like 500ms, 60s or 5m, and 24 hours at most.');
  }
  return ms;
}

/** Parses a list of words into the kinds they stand for. */
export function limitsOf(value: string, before: readonly LimitKind[] = []): readonly LimitKind[] {
  const kinds = value.split(',').flatMap((word) => {
    const meant = LIMIT_KINDS.filter((kind) => word === ANY || LIMITS[kind].word === word || kind === word);
    if (meant.length === 0) {
      const words = [...new Set(LIMIT_KINDS.map((kind) => LIMITS[kind].word)), ANY];
      throw new InvalidArgumentError(`There is no '${word}': it is one of ${words.join(', ')}.`);
    }
    return meant;
  });
  return [...new Set([...before, ...kinds])];
}

/** Parses an address of HTTP. */
export function urlOf(value: string): URL {
  if (!URL.canParse(value) || new URL(value).protocol !== 'http:') {
    throw new InvalidArgumentError('It is an address that begins with http://, such as http://127.0.0.1:9464/metrics.');
  }
  return new URL(value);
}

/**
 * The port of the first address of this host in a command: of `http://127.0.0.1:3000/`, also within a word such as
 * `--url=http://localhost:3000`, and of `localhost:3000`; undefined without one.
 *
 * @param ownHosts the names and addresses of this host, beside those of its loopback
 */
export function portInCommand(argv: readonly string[], ownHosts: readonly string[] = []): number | undefined {
  for (const word of argv) {
    for (const match of word.matchAll(ADDRESS)) {
      const { scheme, host = '', port } = match.groups ?? {};
      if (!LOOPBACK.test(host) && !ownHosts.includes(host.replace(/^\[|\]$/g, '').toLowerCase())) continue;
      if (port !== undefined) return Number(port);
      if (scheme !== undefined) return /^(https|wss)$/i.test(scheme) ? 443 : 80;
    }
  }
  return undefined;
}

/** Of an address the path and the query are no place to look for another one. */
const ADDRESS =
  /(?<![\w.:/@-])(?:(?<scheme>https?|tcp|wss?):\/\/(?:[^\s/@]*@)?)?(?<host>\[[\da-f:.]+\]|[a-z\d][\w.-]*)(?::(?<port>\d+))?(?=$|[\s/?#'"])[^\s'"]*/gi;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\])$/i;
const UNITS_MS: { readonly [unit: string]: number } = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const MOST_MS = 24 * 3_600_000;
