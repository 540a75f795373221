import { agree, counted, grouped } from '../wording.ts';
import { grew, impactOf, seen } from './evidence.ts';
import type { Evidence, Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { LoadSample, TableSample } from './load-sample.ts';
import {
  counterGrowth,
  finite,
  growth,
  samplesAfter,
  samplesBefore,
  soundTables,
  spanOf,
  steadyLoad,
} from './load-window.ts';

/** Of what may have a reason to be there: other clients, a pool, a file. */
const LEAST_OTHERS = 10;
/** CLOSE_WAITs that pile up while the load runs. */
const LEAST_GROWTH = 20;
/** A leak only grows; the table may miss a few. */
const STEADY_SHARE = 0.9;
const LEAST_LOOKS = 4;
/** After a load whose connections never came to rest: what was there all this time. */
const LEAST_AFTER_MS = 2_000;
/** So many at every look, though others come and go. */
const LEAST_HELD = 3;

/** Sockets that the target still had when everything else had come to rest. */
export function checkLeak(run: LoadRun): Finding | undefined {
  return leftAfter(run) ?? growing(run);
}

/** How many sockets of the target were left by the load, at least. */
export function socketsLeft(run: LoadRun): number {
  const before = soundTables(samplesBefore(run)).at(-1);
  const after = restOf(run);
  if (before === undefined || after.length === 0) return 0;
  const { closeWait, outbound, established, finWait, descriptors } = leftOf(run, before, after);
  return closeWait + outbound + established + finWait + descriptors;
}

/** What was more than before the load, in the table and among the descriptors of the target. */
interface Left {
  readonly closeWait: number;
  /** CLOSE_WAIT towards what the target uses. */
  readonly outbound: number;
  readonly established: number;
  readonly finWait: number;
  /** Descriptors that no row accounts for: the peer has reset, and the program has neither read nor closed since. */
  readonly descriptors: number;
}

function leftAfter(run: LoadRun): Finding | undefined {
  const before = soundTables(samplesBefore(run)).at(-1);
  const after = restOf(run);
  const last = after.at(-1);
  if (before === undefined || last === undefined) return undefined;
  const left = leftOf(run, before, after);
  const held = left.closeWait + left.outbound;
  const total = held + left.established + left.finWait + left.descriptors;
  if (total === 0 || (!run.isQuiet && held < LEAST_HELD)) return undefined;
  const opened = counterGrowth(steadyLoad(run), 'passiveOpens') ?? 0;
  const parts = [
    left.closeWait > 0 ? `${grouped(left.closeWait)} CLOSE_WAIT` : '',
    left.outbound > 0 ? `${grouped(left.outbound)} CLOSE_WAIT to its upstreams` : '',
    left.established > 0 ? `${grouped(left.established)} ESTABLISHED whose other end is not here` : '',
    left.finWait > 0 ? `${grouped(left.finWait)} FIN_WAIT_2` : '',
    left.descriptors > 0 ? `${counted(left.descriptors, 'descriptor')} without a connection` : '',
  ].filter((part) => part !== '');
  const when = run.isQuiet ? 'After the load had come to rest' : 'At every look after the load';
  return {
    kind: 'leak',
    impact: impactOf(total / Math.max(total, opened), 0.35, 0.8),
    confidence: held > 0 && run.isQuiet ? 'proven' : held + left.descriptors > 0 ? 'likely' : 'possible',
    sentence: `${when}, ${counted(total, 'socket')} of the server ${agree(total, 'was', 'were')} left that ${agree(total, 'was', 'were')} not there before: ${parts.join(', ')}.`,
    evidence: [
      { what: 'CLOSE_WAIT that a descriptor holds, more than before', value: `+${grouped(held)}`, scope: 'target' },
      ...more('ESTABLISHED, more than before', left.established),
      ...more('FIN_WAIT_2, more than before', left.finWait),
      ...more('descriptors without a row in the table, more than before', left.descriptors),
      ...inside(run, last),
    ],
    advice: held > 0 ? [...HELD, whoHolds(run)] : left.descriptors > 0 ? [...DEAD, whoHolds(run)] : OPEN,
    seen: { fromMs: run.phases.load.toMs, toMs: last.atMs + last.tookMs },
    explains: [],
  };
}

/** The looks that tell what is left: the last two of a load that came to rest, else all of the last seconds. */
function restOf(run: LoadRun): readonly LoadSample[] {
  const after = soundTables(samplesAfter(run));
  if (run.isQuiet) return after.slice(-2);
  const late = after.filter(({ atMs }) => atMs >= run.phases.load.toMs + LEAST_AFTER_MS / 2);
  const span = spanOf(late);
  return span !== undefined && span.toMs - span.fromMs >= LEAST_AFTER_MS ? late : [];
}

function leftOf(run: LoadRun, before: LoadSample, after: readonly LoadSample[]): Left {
  const more = (read: (table: TableSample) => number): number => {
    const now = Math.min(...after.map(({ table }) => (table === undefined ? 0 : read(table))));
    return finite(Math.max(0, now - (before.table === undefined ? 0 : read(before.table)))) ?? 0;
  };
  const others = (count: number): number => (count >= LEAST_OTHERS ? count : 0);
  const closeWait = more(({ serverEnd }) => serverEnd.closeWaitHeld);
  const outbound = more(({ outboundEnd }) => outboundEnd.closeWaitHeld);
  if (!run.isQuiet) return { closeWait, outbound, established: 0, finWait: 0, descriptors: 0 };
  return {
    closeWait,
    outbound,
    // An end that a caller of this host still holds is his.
    established: isOver(run) ? others(more(({ server, callers }) => server.established - callers.established)) : 0,
    // One that is closed waits for a minute at most; only a descriptor keeps it for longer, and CLOSE_WAIT tells that.
    finWait:
      closeWait + outbound > 0 ? others(more(({ server, callers }) => server.fin_wait_2 - callers.close_wait)) : 0,
    descriptors: others(unaccounted(before, after)),
  };
}

/** Descriptors that have come and for which no row has: of one process, for those of several are not told apart. */
function unaccounted(before: LoadSample, after: readonly LoadSample[]): number {
  const numbers = after.map((sample) => descriptorsBeyondRows(sample) ?? Number.NaN);
  const earlier = descriptorsBeyondRows(before) ?? Number.NaN;
  return finite(Math.max(0, Math.min(...numbers) - earlier)) ?? 0;
}

function descriptorsBeyondRows({ table, target }: LoadSample): number | undefined {
  if (table === undefined || target?.openFds === undefined) return undefined;
  return target.openFds - held(table.server) - held(table.outbound);
}

/** Rows that a descriptor may hold: all but those that the kernel keeps alone. */
function held({
  established,
  syn_sent,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
}: TableSample['server']): number {
  return established + syn_sent + fin_wait_1 + fin_wait_2 + close_wait + closing + last_ack;
}

/** CLOSE_WAITs that only ever became more while the load ran, where nothing could be seen after it. */
function growing(run: LoadRun): Finding | undefined {
  if (run.isQuiet) return undefined;
  const window = steadyLoad(run);
  const tables = soundTables(window.seen);
  const values = tables.map(
    ({ table }) => (table?.serverEnd.closeWaitHeld ?? 0) + (table?.outboundEnd.closeWaitHeld ?? 0),
  );
  const [first] = values;
  const last = values.at(-1);
  if (first === undefined || last === undefined || values.length < LEAST_LOOKS) return undefined;
  const isSteady = values.every((value, index) => index === 0 || value >= (values[index - 1] as number) * STEADY_SHARE);
  // Half of them in either half: not a burst that is being worked off.
  const middle = values[Math.floor(values.length / 2)] as number;
  const grown = last - first;
  if (!(grown >= LEAST_GROWTH) || !isSteady || !(last - middle >= grown / 4)) return undefined;
  const opened = counterGrowth(window, 'passiveOpens') ?? 0;
  const span = spanOf(tables);
  return {
    kind: 'leak',
    impact: impactOf(grown / Math.max(grown, opened), 0.35, 0.8),
    confidence: 'likely',
    sentence: `CLOSE_WAITs of the server became ever more while the load ran, ${grouped(first)} to ${grouped(last)}: their clients have ended, and the server does not.`,
    evidence: [
      ...grew('CLOSE_WAIT that a descriptor holds', grown, window.seconds, 'target'),
      ...inside(run, tables.at(-1)),
    ],
    advice: [...HELD, whoHolds(run)],
    ...(span === undefined ? {} : { seen: span }),
    explains: [],
  };
}

/** The load has ended, and so have its connections at the other end. */
function isOver({ command }: LoadRun): boolean {
  return command !== undefined && (command.exitCode !== undefined || command.signal !== undefined);
}

function more(what: string, count: number): readonly Evidence[] {
  return count > 0 ? [{ what, value: `+${grouped(count)}`, scope: 'target' }] : [];
}

/** What finwait inside the target said last. */
function inside({ samples }: LoadRun, last: LoadSample | undefined): readonly Evidence[] {
  const upTo = samples.filter(({ atMs }) => last !== undefined && atMs <= last.atMs);
  const told = upTo.findLast(({ inside }) => inside !== undefined)?.inside;
  const column = growth(upTo, ({ inside }) => inside?.serverStates.close_wait);
  return [
    ...more("CLOSE_WAIT in Node's own column, more than before", column ?? 0),
    ...Object.entries(told?.closeWait ?? {}).flatMap(([cause, count]) =>
      count > 0 ? seen(`CLOSE_WAIT, cause \`${cause}\``, count, 'target') : [],
    ),
    ...((told?.leaked ?? 0) > 0 ? seen('sockets that finwait in the server calls leaked', told?.leaked, 'target') : []),
  ];
}

/** Where the culprits are named: finwait in the server knows them, and reports what stays for a minute. */
function whoHolds({ samples }: LoadRun): string {
  return samples.some(({ inside }) => inside !== undefined)
    ? 'Who holds them is told by the finwait in the server once they have been there for a minute: its line on stderr, or `monitor.leaks()`.'
    : 'Who holds them is told by finwait inside the server: `node --import finwait/register server.js`, and its leak report.';
}

const HELD: readonly string[] = [
  "End a socket when its peer does: `socket.end()` on 'end', or leave `allowHalfOpen: true` away; the sockets of 'upgrade' and 'connect' are half-open always, so say it there yourself.",
  'Read to the end: a socket that is paused, or piped into one that takes nothing, never hears of the FIN.',
];

const DEAD: readonly string[] = [
  "End a socket when its peer does (`socket.end()` on 'end'), and destroy it where nothing moves any more: `socket.setTimeout(60_000, () => socket.destroy())`. After 'end' Node no longer reads, and does not hear of an RST.",
];

const OPEN: readonly string[] = [
  'Give connections an end that does not depend on their peer: `server.keepAliveTimeout`, `server.setTimeout(60_000)`, `socket.setKeepAlive(true, 60_000)`.',
  'Where other clients are connected, they are these: look at `ss -tno state established`.',
];
