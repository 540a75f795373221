import type { NameSnapshot, Snapshot } from 'finwait';

/** What the sentences need beside the two snapshots. */
export interface FindingsContext {
  readonly seconds: number;
  /** The last thing that finwait could not do, such as reading the kernel's table. */
  readonly trouble: string | undefined;
}

/**
 * What the last snapshot says in plain sentences, compared with the first: TIME_WAIT, resets, half-closes, and how far
 * the two columns agree. Every number is read from a snapshot.
 */
export function findings(first: Snapshot, last: Snapshot, context: FindingsContext): string[] {
  return [
    ...troubleWithItself(last, context),
    ...last.names.flatMap((name) => timeWaitGrowth(first, name, context.seconds)),
    ...last.names.flatMap(resets),
    ...last.names.flatMap(halfCloses),
    ...agreement(last),
  ];
}

function troubleWithItself({ kernel }: Snapshot, { trouble }: FindingsContext): string[] {
  if (kernel !== undefined) return trouble === undefined ? [] : [`finwait had trouble on the way: ${trouble}.`];
  return [
    `The kernel's column is missing (${trouble ?? 'no table was read'}): TIME_WAIT, and whatever the kernel does after ` +
      "'close', is unknown; the states below are Node's alone.",
  ];
}

function timeWaitGrowth(first: Snapshot, entry: NameSnapshot, seconds: number): string[] {
  const now = entry.kernel?.time_wait ?? 0;
  const before = nameIn(first, entry)?.kernel?.time_wait ?? 0;
  if (now === 0) return [];
  const moved = now > before ? `grew from ${before} to ${now}` : `stands at ${now}`;
  const price =
    entry.side === 'client'
      ? 'each holds a local port towards that upstream, so keep connections and use them again'
      : "on a server that costs memory, no ports: the local port is the listener's";
  return [
    `TIME_WAIT ${moved} on \`${entry.name}\` (${entry.side}) in ${seconds} s, with ` +
      `${counted(entry.closed, 'connection')} closed: it stays 60 s with the end that closes first, here this process; ` +
      `${price}.`,
  ];
}

function resets({ name, side, resetsReceived, resetsSent, closed }: NameSnapshot): string[] {
  const by = [
    [resetsReceived, 'the peer'],
    [resetsSent, 'this process'],
  ] as const;
  return by
    .filter(([count]) => count > 0)
    .map(([count, whom]) => {
      const were = count === 1 ? 'was' : 'were';
      return `${count} of the ${closed} closed connections of \`${name}\` (${side}) ${were} reset by ${whom}.`;
    });
}

function halfCloses({ name, side, halfClosesLocal, halfClosesRemote }: NameSnapshot): string[] {
  if (halfClosesLocal + halfClosesRemote === 0) return [];
  return [`Half-closes on \`${name}\` (${side}): ${halfClosesRemote} by the peer, ${halfClosesLocal} by this process.`];
}

/** How the columns compare on the sockets that stood still while the table was read. */
function agreement({ sockets }: Snapshot): string[] {
  const compared = sockets.filter(({ kernel }) => kernel !== undefined);
  if (compared.length === 0) return [];
  const equal = compared.filter(({ kernel, node }) => kernel === node.state);
  const among = compared.filter(
    ({ kernel, node }) => kernel !== node.state && node.alternatives.some((state) => state === kernel),
  );
  return [
    `Node's column against the kernel's, on ${counted(compared.length, 'open socket')}: ${equal.length} the same, ` +
      `${among.length} among the alternatives that Node's column names, ` +
      `${compared.length - equal.length - among.length} different.`,
  ];
}

function nameIn({ names }: Snapshot, { name, side }: NameSnapshot): NameSnapshot | undefined {
  return names.find((entry) => entry.name === name && entry.side === side);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
