import type { LoadRun } from '../../detect/load-test/load-run.ts';
import type {
  CounterSample,
  EndSample,
  InsideSample,
  LoadSample,
  PortSample,
  ProcessSample,
} from '../../detect/load-test/load-sample.ts';
import { STATES, type StateCounts, stateLabel, stateName } from '../../tcp/state.ts';
import type { Colour } from './colours.ts';
import { levelOf, type Reading, rateOf, type Track } from './track.ts';
import type { Unit } from './unit.ts';

/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly colour: Colour;
  readonly track: Track;
  /** What it cannot rise above, or not by much. */
  readonly limit?: Track;
  /** Where it is not that of its plot. */
  readonly scope?: PlotScope;
}

/** Whose numbers a plot shows: those of the target, of both programs, or of everybody in the network namespace. */
export type PlotScope = 'target' | 'both' | 'namespace';

/** Some series over the time of a run, on one axis. */
export interface Plot {
  readonly id: PlotId;
  readonly title: string;
  /** One sentence: what is counted. */
  readonly about: string;
  readonly unit: Unit;
  readonly scope: PlotScope;
  /** Whether its numbers are levels or grow per second. */
  readonly kind: 'level' | 'rate';
  readonly series: readonly Series[];
}

/** Plots that belong together, under one heading. */
export interface PlotGroup {
  readonly title: string;
  readonly plots: readonly Plot[];
}

/** The name of each plot, in the order of the page. */
export type PlotId =
  | 'server_states'
  | 'callers_states'
  | 'outbound_states'
  | 'node_server_states'
  | 'node_client_states'
  | 'close_wait_causes'
  | 'netns_states'
  | 'accept_queue'
  | 'accept_wait'
  | 'server_bytes'
  | 'server_rows'
  | 'callers_bytes'
  | 'callers_rows'
  | 'outbound_bytes'
  | 'outbound_rows'
  | 'opened'
  | 'time_waits'
  | 'requests'
  | 'closed_first'
  | 'resets'
  | 'dropped'
  | 'retransmits'
  | 'aborts'
  | 'race'
  | 'connect_failures'
  | 'segments'
  | 'ports'
  | 'descriptors'
  | 'processor'
  | 'processes'
  | 'look';

/** Everything that was recorded of a run, as plots in groups. Series that a run does not have are left out. */
export function plotGroupsOf(run: LoadRun): PlotGroup[] {
  return [
    { title: 'Connections by state', plots: connections(run) },
    { title: 'What waits', plots: waiting(run) },
    { title: 'Opening, using, closing', plots: coming(run) },
    { title: 'What goes wrong', plots: failing(run) },
    { title: 'What runs out', plots: limits(run) },
    { title: 'Processes, and the look itself', plots: looking(run) },
  ]
    .map(({ title, plots }) => ({ title, plots: plots.map(withSeriesOf).filter(({ series }) => series.length > 0) }))
    .filter(({ plots }) => plots.length > 0);
}

/** Without what was never looked at. */
function withSeriesOf(plot: Plot): Plot {
  return { ...plot, series: plot.series.filter(({ track }) => track.some((value) => value !== undefined)) };
}

function connections({ samples }: LoadRun): Plot[] {
  const states = (
    id: PlotId,
    title: string,
    about: string,
    of: (sample: LoadSample) => StateCounts | undefined,
  ): Plot => ({
    id,
    title,
    about,
    unit: 'count',
    scope: id === 'netns_states' ? 'namespace' : 'target',
    kind: 'level',
    series: STATES.map((state) => ({
      name: stateName(state),
      colour: stateLabel(state),
      track: levelOf(samples, (sample) => of(sample)?.[stateLabel(state)]),
    })),
  });
  return [
    states(
      'server_states',
      "Server's end, by state",
      "Rows of the kernel at the target's ports.",
      ({ table }) => table?.server,
    ),
    states(
      'callers_states',
      "Callers' end, by state",
      'The other end of the same connections, as far as it is on this host.',
      ({ table }) => table?.callers,
    ),
    states(
      'outbound_states',
      "The target's outgoing connections, by state",
      'Rows of the kernel from the target to what it uses, and TIME_WAITs towards the same places.',
      ({ table }) => table?.outbound,
    ),
    states(
      'node_server_states',
      "Server's end, by state, as Node has it",
      "Node's column: sockets that the target's servers accepted.",
      ({ inside }) => inside?.serverStates,
    ),
    states(
      'node_client_states',
      'Outgoing connections, by state, as Node has them',
      "Node's column: sockets that the target opened.",
      ({ inside }) => inside?.clientStates,
    ),
    {
      id: 'close_wait_causes',
      title: 'CLOSE_WAIT by cause, and leaked sockets',
      about: 'What finwait inside the target says of them.',
      unit: 'count',
      scope: 'target',
      kind: 'level',
      series: [
        ...named(samples, ({ inside }) => inside?.closeWait).map(({ name, reading }, index) => ({
          name,
          colour: CATEGORIES[index % CATEGORIES.length] as Colour,
          track: levelOf(samples, reading),
        })),
        { name: 'leaked, of any state', colour: 'close_wait', track: levelOf(samples, ({ inside }) => inside?.leaked) },
      ],
    },
    states(
      'netns_states',
      'All connections here, by state',
      'Every row of the network namespace.',
      ({ table }) => table?.netns,
    ),
  ];
}

function waiting({ samples }: LoadRun): Plot[] {
  const ends: readonly (readonly [
    'server' | 'callers' | 'outbound',
    string,
    (sample: LoadSample) => EndSample | undefined,
  ])[] = [
    ['server', "server's end", ({ table }) => table?.serverEnd],
    ['callers', "callers' end", ({ table }) => table?.callersEnd],
    ['outbound', 'outgoing connections', ({ table }) => table?.outboundEnd],
  ];
  return [
    {
      id: 'accept_queue',
      title: 'Accept queue',
      about: 'Connections that the kernel has made and the target has not accepted. One more than the limit fits.',
      unit: 'count',
      scope: 'target',
      kind: 'level',
      series: [
        {
          name: 'waiting',
          colour: 'orange',
          track: levelOf(samples, ({ table }) => table?.acceptQueue?.connections),
          limit: levelOf(samples, ({ table }) => table?.acceptQueue?.limit),
        },
      ],
    },
    {
      id: 'accept_wait',
      title: 'Longest wait in the accept queue',
      about: 'How long one and the same connection is known to have waited there.',
      unit: 'ms',
      scope: 'target',
      kind: 'level',
      series: [
        { name: 'waited', colour: 'orange', track: levelOf(samples, ({ table }) => table?.acceptQueue?.waitedMs) },
      ],
    },
    ...ends.flatMap(([end, title, of]): Plot[] => [
      {
        id: `${end}_bytes`,
        title: `Bytes in queues, ${title}`,
        about: 'Received and not read by the program; sent and not acknowledged by the other end.',
        unit: 'bytes',
        scope: 'target',
        kind: 'level',
        series: [
          { name: 'unread', colour: 'orange', track: levelOf(samples, (sample) => of(sample)?.unreadBytes) },
          { name: 'unsent', colour: 'petrol', track: levelOf(samples, (sample) => of(sample)?.unsentBytes) },
        ],
      },
      {
        id: `${end}_rows`,
        title: `Connections that wait, ${title}`,
        about: 'By what for. One connection may be in several of them.',
        unit: 'count',
        scope: 'target',
        kind: 'level',
        series: END_ROWS.map(({ name, colour, reading }) => ({
          name,
          colour,
          track: levelOf(samples, (sample) => {
            const rows = of(sample);
            return rows === undefined ? undefined : reading(rows);
          }),
        })),
      },
    ]),
  ];
}

const END_ROWS: readonly {
  readonly name: string;
  readonly colour: Colour;
  readonly reading: (end: EndSample) => number;
}[] = [
  { name: 'unread bytes', colour: 'orange', reading: ({ unread }) => unread },
  { name: 'unsent bytes', colour: 'petrol', reading: ({ unsent }) => unsent },
  { name: 'peer has no room (zero window)', colour: 'magenta', reading: ({ zeroWindow }) => zeroWindow },
  { name: 'segment sent again', colour: 'violet', reading: ({ retransmitting }) => retransmitting },
  { name: 'SYN or SYN+ACK sent again', colour: 'olive', reading: ({ synRetransmitting }) => synRetransmitting },
  { name: 'CLOSE_WAIT, held by a descriptor', colour: 'close_wait', reading: ({ closeWaitHeld }) => closeWaitHeld },
];

function coming({ samples }: LoadRun): Plot[] {
  const counted = (name: string, colour: Colour, counter: keyof CounterSample): Series => ({
    name,
    colour,
    track: rateOf(samples, ({ counters }) => counters[counter]),
  });
  const inside = (name: string, colour: Colour, reading: (inside: InsideSample) => number): Series => ({
    name,
    colour,
    scope: 'target',
    track: rateOf(samples, (sample) => (sample.inside === undefined ? undefined : reading(sample.inside))),
  });
  return [
    {
      id: 'opened',
      title: 'Connections opened',
      about: 'Active: connect(2). Passive: accepted by a listener. Over loopback each connection is both.',
      unit: 'per_second',
      scope: 'namespace',
      kind: 'rate',
      series: [
        counted('passive opens', 'petrol', 'passiveOpens'),
        counted('active opens', 'orange', 'activeOpens'),
        inside("target's servers", 'violet', ({ opened }) => opened.server),
        inside("target's clients", 'olive', ({ opened }) => opened.client),
      ],
    },
    {
      id: 'time_waits',
      title: 'TIME_WAITs made',
      about:
        'By the end that closes first. Taken over: a new connection took the port; overflowed: tcp_max_tw_buckets.',
      unit: 'per_second',
      scope: 'namespace',
      kind: 'rate',
      series: [
        counted('made', 'time_wait', 'timeWaitCreated'),
        counted('taken over', 'olive', 'timeWaitReused'),
        counted('overflowed', 'magenta', 'timeWaitOverflows'),
      ],
    },
    {
      id: 'requests',
      title: 'Requests',
      about: "HTTP/1 requests that the target's servers had, as finwait inside the target counts them.",
      unit: 'per_second',
      scope: 'target',
      kind: 'rate',
      series: [inside('requests', 'petrol', ({ requests }) => requests)],
    },
    {
      id: 'closed_first',
      title: 'Who closed first',
      about: "Closed connections of the target's servers, as finwait inside the target counts them.",
      unit: 'per_second',
      scope: 'target',
      kind: 'rate',
      series: [
        inside('the target', 'petrol', ({ closedFirst }) => closedFirst.local),
        inside('the caller', 'orange', ({ closedFirst }) => closedFirst.remote),
        inside('not known', 'slate', ({ closedFirst }) => closedFirst.unknown),
      ],
    },
  ];
}

function failing({ samples }: LoadRun): Plot[] {
  const counted = (name: string, colour: Colour, counter: keyof CounterSample): Series => ({
    name,
    colour,
    track: rateOf(samples, ({ counters }) => counters[counter]),
  });
  const inside = (name: string, colour: Colour, reading: (inside: InsideSample) => number): Series => ({
    name,
    colour,
    scope: 'target',
    track: rateOf(samples, (sample) => (sample.inside === undefined ? undefined : reading(sample.inside))),
  });
  const namespace = { unit: 'per_second', scope: 'namespace', kind: 'rate' } as const;
  const target = { unit: 'per_second', scope: 'target', kind: 'rate' } as const;
  return [
    {
      id: 'resets',
      title: 'Resets and refused connects',
      about: 'Both ends of a connection on this host are counted here.',
      ...namespace,
      series: [
        counted('RSTs sent', 'magenta', 'resetsSent'),
        counted('established connections reset', 'violet', 'establishedResets'),
        counted('connects that failed', 'brown', 'attemptFails'),
        inside('RSTs that the target got', 'orange', ({ resetsReceived }) => resetsReceived),
        inside('RSTs that the target sent', 'petrol', ({ resetsSent }) => resetsSent),
      ],
    },
    {
      id: 'dropped',
      title: 'Connections that found no place',
      about: 'Packets, not clients: a client that tries again is counted again. Drops include overflows.',
      ...namespace,
      series: [
        counted('accept queue overflows', 'orange', 'listenOverflows'),
        counted('drops at a listener', 'magenta', 'listenDrops'),
        counted('drops, SYN queue full', 'violet', 'synQueueFullDrops'),
        counted('SYN cookies sent', 'olive', 'synCookiesSent'),
      ],
    },
    {
      id: 'retransmits',
      title: 'Segments sent again',
      about: 'Lost, or not answered in time. A loss probe only asks whether the last segments arrived.',
      ...namespace,
      series: [
        counted('segments', 'violet', 'retransmittedSegments'),
        counted('SYNs and SYN+ACKs', 'olive', 'synRetransmits'),
        counted('loss probes', 'slate', 'lossProbes'),
        counted('after later ones had arrived', 'magenta', 'fastRetransmits'),
        counted('timers that fired', 'brown', 'retransmitTimeouts'),
      ],
    },
    {
      id: 'aborts',
      title: 'Connections aborted, by reason',
      about: 'A RST went out because data came too late, or was left unread, or nobody answered, or memory was short.',
      ...namespace,
      series: [
        counted('on data after close', 'magenta', 'abortsOnData'),
        counted('closed with unread data', 'orange', 'abortsOnClose'),
        counted('timed out', 'violet', 'abortsOnTimeout'),
        counted('out of memory', 'brown', 'abortsOnMemory'),
      ],
    },
    {
      id: 'race',
      title: 'Connections closed between or during requests',
      about: 'As finwait inside the target counts them.',
      ...target,
      series: [
        inside('idle, by keepAliveTimeout', 'orange', ({ idleCloses }) => idleCloses.keep_alive_timeout),
        inside('idle, by the target', 'petrol', ({ idleCloses }) => idleCloses.local),
        inside('idle, by the caller', 'olive', ({ idleCloses }) => idleCloses.remote),
        inside('with a request under way', 'magenta', ({ closedWithActiveRequest }) => closedWithActiveRequest),
        inside(
          'requests lost with a kept connection',
          'violet',
          ({ reusedConnectionErrors }) => reusedConnectionErrors,
        ),
      ],
    },
    {
      id: 'connect_failures',
      title: "The target's connects that failed, by reason",
      about: 'As finwait inside the target counts them.',
      ...target,
      series: named(samples, ({ inside: column }) => column?.connectFailures).map(({ name, reading }, index) => ({
        name,
        colour: CATEGORIES[index % CATEGORIES.length] as Colour,
        track: rateOf(samples, reading),
      })),
    },
    {
      id: 'segments',
      title: 'Segments sent',
      about: 'What the retransmits are a part of.',
      ...namespace,
      series: [counted('segments', 'petrol', 'segmentsSent')],
    },
  ];
}

function limits({ samples, settings }: LoadRun): Plot[] {
  const process = (
    whose: string,
    colour: Colour,
    of: (sample: LoadSample) => ProcessSample | undefined,
    field: keyof ProcessSample,
  ): Series => ({ name: whose, colour, track: levelOf(samples, (sample) => of(sample)?.[field]) });
  const target = (sample: LoadSample): ProcessSample | undefined => sample.target;
  const generator = (sample: LoadSample): ProcessSample | undefined => sample.generator;
  return [
    {
      id: 'ports',
      title: 'Local ports towards one destination',
      about: 'Of the destination that has used most. A port in TIME_WAIT stays taken for a minute.',
      unit: 'count',
      scope: 'both',
      kind: 'level',
      series: [
        ...portSeries(samples, 'callers', 'orange', 'time_wait'),
        ...portSeries(samples, 'outbound', 'violet', 'last_ack'),
      ],
    },
    {
      id: 'descriptors',
      title: 'Descriptors',
      about: 'Of the process that is nearest to its limit (ulimit -n).',
      unit: 'count',
      scope: 'both',
      kind: 'level',
      series: [
        {
          ...process('target', 'petrol', target, 'openFds'),
          limit: levelOf(samples, (sample) => sample.target?.fdLimit),
        },
        {
          ...process('load generator', 'orange', generator, 'openFds'),
          limit: levelOf(samples, (sample) => sample.generator?.fdLimit),
        },
      ],
    },
    {
      id: 'processor',
      title: 'Processor',
      about:
        'In cores. JavaScript runs in one thread: at 1 it can do no more. Who waits for a processor shares it with others.',
      unit: 'cores',
      scope: 'both',
      kind: 'level',
      series: [
        { ...process("target's busiest thread", 'petrol', target, 'busiestThread'), limit: samples.map(() => 1) },
        { ...process('target in all', 'violet', target, 'cpuCores'), limit: samples.map(() => settings.processors) },
        {
          ...process("load generator's busiest thread", 'orange', generator, 'busiestThread'),
          limit: samples.map(() => 1),
        },
        {
          ...process('load generator in all', 'brown', generator, 'cpuCores'),
          limit: samples.map(() => settings.processors),
        },
        process('target waited for a processor', 'magenta', target, 'waitedForProcessor'),
        process('load generator waited for one', 'olive', generator, 'waitedForProcessor'),
      ],
    },
  ];
}

function portSeries(
  samples: readonly LoadSample[],
  whose: PortSample['whose'],
  colour: Colour,
  timeWaitColour: Colour,
): Series[] {
  const who = whose === 'callers' ? "callers'" : "target's";
  const series = (name: string, of: Colour, reading: (port: PortSample) => number): Series => ({
    name,
    colour: of,
    // A table without anybody who connects is a table with none used.
    track: levelOf(samples, ({ table }) =>
      table === undefined
        ? undefined
        : (most(
            table.ports.filter((port) => port.whose === whose),
            reading,
          ) ?? 0),
    ),
  });
  const isThere = samples.some(({ table }) => table?.ports.some((port) => port.whose === whose));
  if (!isThere) return [];
  const limit = levelOf(samples, ({ table }) =>
    most(
      table?.ports.filter((port) => port.whose === whose),
      (port) => port.limit,
    ),
  );
  return [
    { ...series(`${who}, used`, colour, ({ used }) => used), limit },
    series(`${who}, in TIME_WAIT`, timeWaitColour, ({ timeWait }) => timeWait),
  ];
}

function looking({ samples }: LoadRun): Plot[] {
  return [
    {
      id: 'processes',
      title: 'Processes',
      about: 'Of the target and of the command that makes the load.',
      unit: 'count',
      scope: 'both',
      kind: 'level',
      series: [
        { name: 'target', colour: 'petrol', track: levelOf(samples, ({ target }) => target?.processes) },
        { name: 'load generator', colour: 'orange', track: levelOf(samples, ({ generator }) => generator?.processes) },
      ],
    },
    {
      id: 'look',
      title: 'How long each look took',
      about: 'A look that takes long sees the connections of different moments.',
      unit: 'ms',
      scope: 'both',
      kind: 'level',
      series: [{ name: 'one look', colour: 'slate', track: levelOf(samples, ({ tookMs }) => tookMs) }],
    },
  ];
}

/** One reading for each name that a list of numbers by name has in any sample. */
function named(
  samples: readonly LoadSample[],
  of: (sample: LoadSample) => { readonly [name: string]: number } | undefined,
): { readonly name: string; readonly reading: Reading }[] {
  const names = [...new Set(samples.flatMap((sample) => Object.keys(of(sample) ?? {})))].sort();
  return names.map((name) => ({
    name,
    reading: (sample) => {
      const numbers = of(sample);
      return numbers === undefined ? undefined : (numbers[name] ?? 0);
    },
  }));
}

/** The largest number that an entry has. */
function most(
  ports: readonly PortSample[] | undefined,
  reading: (port: PortSample) => number | undefined,
): number | undefined {
  const numbers = (ports ?? []).map(reading).filter((number) => number !== undefined);
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}

const CATEGORIES: readonly Colour[] = ['petrol', 'orange', 'violet', 'magenta', 'olive', 'brown', 'slate'];
