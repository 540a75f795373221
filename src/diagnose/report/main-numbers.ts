import type { LoadRun } from '../../detect/load-test/load-run.ts';
import { type Plot, type PlotId, type PlotScope, plotGroupsOf, type Series } from './plots.ts';
import { duringPhase, endOf, lastOf, meanOf, peakOf } from './track.ts';
import type { Unit } from './unit.ts';

/** One series of a run in a few numbers, each absent where its phase has none. */
export interface NumberRow {
  readonly name: string;
  readonly unit: Unit;
  readonly scope: PlotScope;
  /** The bound as it was last, where there is one. */
  readonly limit?: number | undefined;
  /** Of a level the last before the load, of a rate the mean. */
  readonly before?: number | undefined;
  readonly loadMean?: number | undefined;
  readonly loadPeak?: number | undefined;
  /** Of a level the very last, of a rate the mean since the load ended. */
  readonly end?: number | undefined;
}

/** Rows under one heading. */
export interface NumberGroup {
  readonly title: string;
  readonly rows: readonly NumberRow[];
}

/**
 * The numbers of a run that matter: states of both ends, rates, what waited and what ran out. Series that stayed at 0 are
 * left out, unless their being 0 says something.
 */
export function mainNumbers(run: LoadRun): NumberGroup[] {
  const plots = new Map(plotGroupsOf(run).flatMap((group) => group.plots.map((plot) => [plot.id, plot] as const)));
  return GROUPS.map(({ title, from }) => ({
    title,
    rows: from.flatMap(({ id, always = [], rename }) => {
      const plot = plots.get(id);
      return plot === undefined ? [] : rowsOf(plot, run, always, rename);
    }),
  })).filter(({ rows }) => rows.length > 0);
}

/** What of a plot is shown, and what even at 0. */
interface Choice {
  readonly id: PlotId;
  readonly always?: readonly string[];
  readonly rename?: (name: string) => string;
}

const GROUPS: readonly { readonly title: string; readonly from: readonly Choice[] }[] = [
  { title: "server's end", from: [{ id: 'server_states', always: ['ESTABLISHED'] }] },
  { title: "callers' end, on this host", from: [{ id: 'callers_states', always: ['ESTABLISHED'] }] },
  { title: "target's outgoing connections", from: [{ id: 'outbound_states' }] },
  {
    title: 'what came and went',
    from: [
      { id: 'requests', always: ['requests'] },
      {
        id: 'opened',
        always: ['passive opens', 'active opens'],
        rename: (name) => `opened, ${name.replace(' opens', '')}`,
      },
      { id: 'time_waits', rename: (name) => `TIME_WAITs ${name}` },
      { id: 'resets', always: ['RSTs sent'] },
      { id: 'dropped', always: ['accept queue overflows'] },
      {
        id: 'retransmits',
        rename: (name) => (name === 'timers that fired' ? 'retransmission timers fired' : `sent again: ${name}`),
      },
      { id: 'aborts', rename: (name) => `aborted: ${name}` },
      { id: 'race', rename: (name) => (name.startsWith('idle') ? `closed while ${name}` : name) },
      { id: 'connect_failures', rename: (name) => `connects failed: ${name}` },
    ],
  },
  {
    title: 'what waited and what ran out',
    from: [
      { id: 'accept_queue', always: ['waiting'], rename: () => 'accept queue' },
      { id: 'accept_wait', rename: () => 'longest wait in it' },
      { id: 'server_bytes', rename: (name) => `${name} bytes, server's end` },
      { id: 'callers_bytes', rename: (name) => `${name} bytes, callers' end` },
      { id: 'ports', rename: (name) => `ports, ${name}` },
      { id: 'descriptors', always: ['target', 'load generator'], rename: (name) => `descriptors, ${name}` },
      {
        id: 'processor',
        always: [
          "target's busiest thread",
          'target in all',
          "load generator's busiest thread",
          'load generator in all',
        ],
        rename: processorName,
      },
    ],
  },
];

function rowsOf(
  { kind, unit, scope, series }: Plot,
  run: LoadRun,
  always: readonly string[],
  rename: (name: string) => string = same,
): NumberRow[] {
  return series.flatMap((each) => {
    const before = duringPhase(each.track, run, 'before');
    const load = duringPhase(each.track, run, 'load');
    const numbers = {
      before: kind === 'rate' ? meanOf(before) : lastOf(before),
      loadMean: meanOf(load),
      loadPeak: peakOf(load),
      end: kind === 'rate' ? meanOf(duringPhase(each.track, run, 'after')) : endOf(each.track, run),
    };
    const isMore = Object.values(numbers).some((value) => value !== undefined && value > 0);
    if (!always.includes(each.name) && (!isMore || isStill(each))) return [];
    const limit = each.limit && lastOf(each.limit);
    return [{ ...numbers, name: rename(each.name), unit, scope: each.scope ?? scope, limit }];
  });
}

/** Listeners that stay what they are say nothing. */
function isStill({ name, track }: Series): boolean {
  return name === 'LISTEN' && new Set(track.filter((value) => value !== undefined)).size < 2;
}

/** `target's busiest thread` is `busiest thread, target` there, and `target in all` `processor, target`. */
function processorName(name: string): string {
  if (name.includes(' waited ')) return `waited for a processor, ${name.replace(/ waited .*/, '')}`;
  const whose = name.replace(/(?:'s busiest thread| in all)$/, '');
  return `${name.endsWith('thread') ? 'busiest thread' : 'processor'}, ${whose}`;
}

function same(name: string): string {
  return name;
}
