import { agree, counted, grouped } from '../wording.ts';
import { grew, impactOf, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { LoadSample, TableSample } from './load-sample.ts';
import { counterGrowth, finite, samplesAfter, samplesBefore, soundTables, spanOf, steadyLoad } from './load-window.ts';

/** Of those that may have a reason to be there: other clients, a pool. */
const LEAST_OPEN = 10;
/** CLOSE_WAITs that pile up while the load runs. */
const LEAST_GROWTH = 20;
/** A leak only grows; the table may miss a few. */
const STEADY_SHARE = 0.9;
const LEAST_LOOKS = 4;

/** Sockets that the target still had when everything else had come to rest. */
export function checkLeak(run: LoadRun): Finding | undefined {
  return run.isQuiet ? leftAtRest(run) : growing(run);
}

function leftAtRest(run: LoadRun): Finding | undefined {
  const after = soundTables(samplesAfter(run));
  const last = after.at(-1);
  const before = soundTables(samplesBefore(run)).at(-1)?.table;
  if (last?.table === undefined || before === undefined) return undefined;
  const previous = after.at(-2)?.table ?? last.table;
  const more = (read: (table: TableSample) => number): number => {
    const now = Math.min(read(last.table as TableSample), read(previous));
    return finite(Math.max(0, now - read(before))) ?? 0;
  };
  const closeWait = more(({ serverEnd }) => serverEnd.closeWaitHeld);
  const outbound = more(({ outboundEnd }) => outboundEnd.closeWaitHeld);
  // An end that a caller of this host still holds is his.
  const established = isOver(run, last) ? more(({ server, callers }) => server.established - callers.established) : 0;
  const finWait = more(({ server, callers }) => server.fin_wait_2 - callers.close_wait);
  const held = closeWait + outbound;
  const others = (established >= LEAST_OPEN ? established : 0) + (held > 0 && finWait >= LEAST_OPEN ? finWait : 0);
  const left = held + others;
  if (left === 0) return undefined;
  const opened = counterGrowth(steadyLoad(run), 'passiveOpens') ?? 0;
  const { inside } = last;
  const parts = [
    closeWait > 0 ? `${grouped(closeWait)} CLOSE_WAIT` : '',
    outbound > 0 ? `${grouped(outbound)} CLOSE_WAIT to its upstreams` : '',
    established >= LEAST_OPEN ? `${grouped(established)} ESTABLISHED whose other end is not here` : '',
    held > 0 && finWait >= LEAST_OPEN ? `${grouped(finWait)} FIN_WAIT_2` : '',
  ].filter((part) => part !== '');
  return {
    kind: 'leak',
    impact: impactOf(left / Math.max(left, opened), 0.35, 0.8),
    confidence: held > 0 ? 'proven' : 'possible',
    sentence: `After the load had come to rest, ${counted(left, 'socket')} of the server ${agree(left, 'was', 'were')} left that ${agree(left, 'was', 'were')} not there before: ${parts.join(', ')}.`,
    evidence: [
      { what: 'CLOSE_WAIT that a descriptor holds, more than before', value: `+${grouped(held)}`, scope: 'target' },
      ...(established < LEAST_OPEN ? [] : seen('ESTABLISHED, more than before', established, 'target')),
      ...(finWait === 0 ? [] : seen('FIN_WAIT_2, more than before', finWait, 'target')),
      ...causes(inside?.closeWait),
      ...seen('sockets that finwait in the server calls leaked', inside?.leaked, 'target'),
    ],
    advice: held > 0 ? HELD : OPEN,
    seen: { fromMs: run.phases.load.toMs, toMs: last.atMs + last.tookMs },
    explains: [],
  };
}

/** Without rest at the end: CLOSE_WAITs that only ever became more while the load ran. */
function growing(run: LoadRun): Finding | undefined {
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
  const growth = last - first;
  if (!(growth >= LEAST_GROWTH) || !isSteady || !(last - middle >= growth / 4)) return undefined;
  const opened = counterGrowth(window, 'passiveOpens') ?? 0;
  const span = spanOf(tables);
  return {
    kind: 'leak',
    impact: impactOf(growth / Math.max(growth, opened), 0.35, 0.8),
    confidence: 'likely',
    sentence: `CLOSE_WAITs of the server became ever more while the load ran, ${grouped(first)} to ${grouped(last)}: their clients have ended, and the server does not.`,
    evidence: [
      ...grew('CLOSE_WAIT that a descriptor holds', growth, window.seconds, 'target'),
      ...causes(tables.at(-1)?.inside?.closeWait),
    ],
    advice: HELD,
    ...(span === undefined ? {} : { seen: span }),
    explains: [],
  };
}

/** The load has ended, and so have its connections at the other end. */
function isOver({ command }: LoadRun, { generator }: LoadSample): boolean {
  return (
    command !== undefined &&
    (command.exitCode !== undefined || command.signal !== undefined || generator?.processes === 0)
  );
}

function causes(closeWait: { readonly [cause: string]: number } | undefined): Finding['evidence'] {
  return Object.entries(closeWait ?? {}).flatMap(([cause, count]) =>
    count > 0 ? seen(`CLOSE_WAIT, \`${cause}\``, count, 'target') : [],
  );
}

const HELD: readonly string[] = [
  "End a socket when its peer does: `socket.end()` on 'end', or leave `allowHalfOpen: true` away; on sockets of 'upgrade' and 'connect', which are half-open always, say it yourself.",
  'Read to the end: a socket that is paused, or piped into one that takes nothing, never hears of the FIN.',
  'Who holds them is told by finwait inside the server: `node --import finwait/register server.js`, then `npx finwait diagnose` again.',
];

const OPEN: readonly string[] = [
  'Give connections an end that does not depend on their peer: `server.keepAliveTimeout`, `server.setTimeout(60_000)`, `socket.setKeepAlive(true, 60_000)`.',
  'Where other clients are connected, they are these: look at `ss -tno state established`.',
];
