/** What /proc/net/sockstat says about TCP. A number that is not there is unknown, not 0. */
export interface Sockstat {
  /** Hashed IPv4 sockets of this network namespace, mini-sockets (TIME_WAIT) not among them. */
  readonly inuse: number | undefined;
  /** Sockets that no descriptor holds, of the whole host: a container sees those of its neighbours too. */
  readonly orphan: number | undefined;
  /** Mini-sockets of this namespace, IPv4 and IPv6: those in TIME_WAIT and the orphans in FIN_WAIT_2 among them. */
  readonly tw: number | undefined;
  /** TCP sockets of the whole host in any state, closed ones among them. */
  readonly alloc: number | undefined;
  /** Pages of socket buffers of the whole host. */
  readonly mem: number | undefined;
}

/**
 * Parses /proc/net/sockstat.
 *
 * @example parseSockstat('TCP: inuse 45 orphan 7 tw 5 alloc 77 mem 991\n').tw // 5
 */
export function parseSockstat(text: string): Sockstat {
  const values = pairsOf(text, 'TCP');
  return {
    inuse: values.get('inuse'),
    orphan: values.get('orphan'),
    tw: values.get('tw'),
    alloc: values.get('alloc'),
    mem: values.get('mem'),
  };
}

/** Parses /proc/net/sockstat6: the hashed IPv6 sockets of this namespace, and undefined where it does not tell. */
export function parseSockstat6(text: string): number | undefined {
  return pairsOf(text, 'TCP6').get('inuse');
}

/**
 * Parses one group of /proc/net/snmp or /proc/net/netstat: a line of names, and below it a line of values. Which names
 * there are, and in which order, differs from kernel to kernel; a name that is missing is unknown, not 0. Where the two
 * lines do not match there are no values at all: they might stand under another name.
 *
 * Counters run from the creation of the network namespace and wrap at 2^32 on 32-bit kernels. A few are no counters
 * (`CurrEstab`), and `MaxConn` is -1.
 *
 * @example parseCounterPairs(snmp, 'Tcp').get('CurrEstab') // 33
 */
export function parseCounterPairs(text: string, group: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  const [names, numbers] = linesOf(text, group);
  if (names === undefined || numbers === undefined || names.length !== numbers.length) return values;
  for (const [index, name] of names.entries()) {
    const value = integer(numbers[index]);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

/** The `name value` pairs of one line. */
function pairsOf(text: string, group: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  const [words = []] = linesOf(text, group);
  for (let index = 0; index + 1 < words.length; index += 2) {
    const value = integer(words[index + 1]);
    if (value !== undefined) values.set(words[index] as string, value);
  }
  return values;
}

/** The words after `group:` of the lines that begin with it. */
function linesOf(text: string, group: string): readonly (readonly string[])[] {
  const prefix = `${group}: `;
  return text
    .split('\n')
    .filter((line) => line.startsWith(prefix))
    .map((line) => line.slice(prefix.length).trim().split(/\s+/));
}

function integer(word: string | undefined): number | undefined {
  return word !== undefined && /^-?\d{1,20}$/.test(word) ? Number(word) : undefined;
}
