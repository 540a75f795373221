import type { StateCounts } from '../../tcp/state.ts';
import { counted, grouped, size } from '../wording.ts';
import { impactOf, seen } from './evidence.ts';
import type { Finding, LimitKind } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { EndSample, LoadSample, TableSample } from './load-sample.ts';
import { mean, peak, spanOf, steadyLoad, tablesOf } from './load-window.ts';
import { wantedShare } from './processor-use.ts';

/** For an instant any fast sender fills a window. */
const LEAST_LOOKS = 3;
const LEAST_MS = 600;
const LEAST_ROWS = 2;
/** Of the open connections at that end. */
const LEAST_SHARE = 0.2;
/** A reader whose thread always has something to do is busy, and not deaf. */
const BUSY = 0.9;

interface End {
  readonly reader: 'clients' | 'server' | 'upstreams';
  readonly end: (table: TableSample) => EndSample;
  readonly states: (table: TableSample) => StateCounts;
  readonly busy: (sample: LoadSample) => number | undefined;
}

/** The end that is kept from sending, and who does not read. */
const ENDS: readonly End[] = [
  {
    reader: 'clients',
    end: ({ serverEnd }) => serverEnd,
    states: ({ server }) => server,
    busy: ({ generator }) => wantedShare(generator),
  },
  {
    reader: 'server',
    end: ({ callersEnd }) => callersEnd,
    states: ({ callers }) => callers,
    busy: ({ target }) => wantedShare(target),
  },
  {
    reader: 'upstreams',
    end: ({ outboundEnd }) => outboundEnd,
    states: ({ outbound }) => outbound,
    busy: () => undefined,
  },
];

/** Connections that stood still because the other end did not read: its window was zero. */
export function checkReaderStalled(run: LoadRun): Finding | undefined {
  const tables = tablesOf(steadyLoad(run).seen);
  const stalls = ENDS.map((end) => ({ end, looks: longestRun(tables, (sample) => isStalled(sample, end)) }))
    .filter(({ end, looks }) => isLong(looks) && (mean(looks, end.busy) ?? 0) < BUSY)
    .sort((one, other) => other.looks.length - one.looks.length);
  const [worst] = stalls;
  if (worst === undefined) return undefined;
  const { end, looks } = worst;
  const rows = peak(looks, ({ table }) => table && end.end(table).zeroWindow) ?? 0;
  const unsentBytes = peak(looks, ({ table }) => table && end.end(table).unsentBytes);
  const unreadBytes = peak(looks, ({ table }) => table && unreadOf(table, end).unreadBytes);
  const all = tables.filter((sample) => isStalled(sample, end));
  const span = spanOf(all);
  const words = WORDS[end.reader];
  return {
    kind: 'reader_stalled',
    impact: impactOf(all.length / Math.max(1, tables.length), 0.3, 0.7),
    confidence: 'proven',
    sentence: `${counted(rows, 'connection')} stood still because ${words.subject} did not read${unsentBytes === undefined || unsentBytes < 1 ? '' : `: ${size(unsentBytes)} waited to be sent`}.`,
    evidence: [
      ...seen('connections with a window of zero, at most', rows, words.scope),
      ...seen('bytes that waited to be sent, at most', unsentBytes, words.scope, size),
      ...(end.reader === 'upstreams'
        ? []
        : seen('bytes that lay unread at the other end, at most', unreadBytes, words.scope, size)),
      {
        what: 'looks that found it so',
        value: `${grouped(all.length)} of ${grouped(tables.length)}`,
        scope: words.scope,
      },
    ],
    advice: words.advice,
    ...(span === undefined ? {} : { seen: span }),
    explains: words.explains,
  };
}

function isStalled({ table }: LoadSample, { end, states }: End): boolean {
  if (table === undefined) return false;
  const { zeroWindow } = end(table);
  const { established, close_wait, fin_wait_1 } = states(table);
  return zeroWindow >= LEAST_ROWS && zeroWindow >= (established + close_wait + fin_wait_1) * LEAST_SHARE;
}

function isLong(looks: readonly LoadSample[]): boolean {
  const span = (looks.at(-1)?.atMs ?? 0) - (looks[0]?.atMs ?? 0);
  return looks.length >= LEAST_LOOKS && span >= LEAST_MS;
}

/** Looks one after another. */
function longestRun(samples: readonly LoadSample[], holds: (sample: LoadSample) => boolean): readonly LoadSample[] {
  let longest: LoadSample[] = [];
  let run: LoadSample[] = [];
  for (const sample of samples) {
    run = holds(sample) ? [...run, sample] : [];
    if (run.length > longest.length) longest = run;
  }
  return longest;
}

/** What lies at the other end of the same connections. */
function unreadOf({ serverEnd, callersEnd }: TableSample, { reader }: End): EndSample {
  return reader === 'clients' ? callersEnd : serverEnd;
}

const WORDS: {
  readonly [reader in End['reader']]: {
    readonly subject: string;
    readonly scope: 'target' | 'generator';
    readonly advice: readonly string[];
    readonly explains: readonly LimitKind[];
  };
} = {
  clients: {
    subject: 'the clients',
    scope: 'generator',
    advice: [
      'Read answers as fast as they come, in the load generator: it measures its own reading otherwise.',
      "In the server, respect `write()` returning false ('drain', `pipeline()`): else what clients do not read piles up in memory. Bound it: `server.setTimeout(60_000)`.",
    ],
    explains: ['packets_lost', 'generator_limited'],
  },
  server: {
    subject: 'the server',
    scope: 'target',
    advice: [
      'Read uploads as they come: `pipeline(request, ...)`, or discard them, `request.resume()`. A stream that they are piped into must go on taking bytes.',
      'Answer early what you do not want to read (413), and let the connection be closed.',
    ],
    explains: ['packets_lost'],
  },
  upstreams: {
    subject: 'an upstream of the server',
    scope: 'target',
    advice: ['Look at what the server sends to: it does not read. A timeout on the request bounds it.'],
    explains: ['packets_lost'],
  },
};
