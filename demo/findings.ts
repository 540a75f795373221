import type { NameSnapshot, Snapshot, SocketSnapshot } from 'finwait';

/** What the sentences need beside the two snapshots. */
export interface FindingsContext {
  readonly seconds: number;
  /** The last thing that finwait could not do, such as reading the kernel's table. */
  readonly trouble: string | undefined;
}

/**
 * What the last snapshot says in plain sentences, compared with the first: leaks, TIME_WAIT, resets, half-closes, and
 * how far the two columns agree. Every number is read from a snapshot.
 */
export function findings(first: Snapshot, last: Snapshot, context: FindingsContext): string[] {
  return [
    ...troubleWithItself(last, context),
    ...closeWaitLeaks(last),
    ...last.names.flatMap((name) => timeWaitGrowth(first, name, context.seconds)),
    ...last.names.flatMap(resets),
    ...last.names.flatMap(halfCloses),
    ...agreement(last),
  ];
}

/** Where all are younger, it is a close under way: the program may still be writing its answer. */
const LEAK_AGE_MS = 2_000;

function troubleWithItself({ kernel }: Snapshot, { trouble }: FindingsContext): string[] {
  if (kernel !== undefined) return trouble === undefined ? [] : [`finwait had trouble on the way: ${trouble}.`];
  return [
    `The kernel's column is missing (${trouble ?? 'no table was read'}): TIME_WAIT, and whatever the kernel does after ` +
      "'close', is unknown; the states below are Node's alone.",
  ];
}

function closeWaitLeaks({ sockets, socketsOmitted }: Snapshot): string[] {
  const waiting = sockets.filter((socket) => socket.state === 'close_wait');
  const leaks = groupBy(waiting, culprit).filter((group) => oldestMs(group) >= LEAK_AGE_MS);
  return leaks.map((group) => {
    const [{ name, request }] = group;
    const atLeast = socketsOmitted > 0 ? 'At least ' : '';
    const asked = request === undefined ? 'no request is known' : `last request ${request}`;
    return (
      `${atLeast}${counted(group.length, 'socket')} of \`${name}\` ${group.length === 1 ? 'stands' : 'stand'} in ` +
      `CLOSE_WAIT, ${ageOf(group)}: ${asked}; ${causeOf(group)}.`
    );
  });
}

/** Where Node has not seen the FIN, the connection's whole age is all that is known. */
function closeWaitAgeMs(socket: SocketSnapshot): number {
  return isFinSeen(socket) ? socket.nodeStateAgeMs : socket.ageMs;
}

function oldestMs(group: Group): number {
  return Math.max(...group.map(closeWaitAgeMs));
}

function ageOf(group: Group): string {
  const oldest = inSeconds(oldestMs(group));
  return isFinSeen(group[0]) ? `the oldest for ${oldest}` : `the oldest opened ${oldest} ago`;
}

function causeOf([socket]: Group): string {
  if (isFinSeen(socket)) return "the peer's FIN was read and nobody called end()";
  return "nobody reads the socket, so that Node has not seen the peer's FIN";
}

function isFinSeen({ node }: SocketSnapshot): boolean {
  return node.state === 'close_wait';
}

function culprit(socket: SocketSnapshot): string {
  return [socket.name, socket.request, isFinSeen(socket)].join(' ');
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

type Group = readonly [SocketSnapshot, ...SocketSnapshot[]];

function groupBy(sockets: readonly SocketSnapshot[], keyOf: (socket: SocketSnapshot) => string): Group[] {
  const groups = new Map<string, [SocketSnapshot, ...SocketSnapshot[]]>();
  for (const socket of sockets) {
    const group = groups.get(keyOf(socket));
    if (group === undefined) groups.set(keyOf(socket), [socket]);
    else group.push(socket);
  }
  return [...groups.values()];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
