import { readFileSync } from 'node:fs';
import type { LoadRun } from '../../src/detect/load-test/load-run.ts';
import type { CounterSample, LoadSample } from '../../src/detect/load-test/load-sample.ts';
import { endOf, insideOf } from './load-runs.ts';
import { counts } from './snapshots.ts';

type Raw = { readonly [name: string]: unknown };

/** A recording of a real load test, of test/fixtures/load-test: what is 0 is left out there, and counters have their names once. */
export function recordedRun(name: string): LoadRun {
  const text = readFileSync(new URL(`../fixtures/load-test/${name}.json`, import.meta.url), 'utf8');
  const { counterNames, samples, ...run } = JSON.parse(text) as Raw & {
    readonly counterNames: readonly (keyof CounterSample)[];
    readonly samples: readonly RawSample[];
  };
  return { ...run, samples: samples.map((sample) => sampleOf(counterNames, sample)) } as unknown as LoadRun;
}

interface RawSample extends Raw {
  readonly counters: readonly (number | null)[];
  readonly table?: { readonly [part: string]: Raw };
  readonly inside?: Raw;
}

function sampleOf(
  names: readonly (keyof CounterSample)[],
  { counters, table, inside, ...rest }: RawSample,
): LoadSample {
  const known = counters.flatMap((count, place) => (count === null ? [] : [[names[place] as string, count] as const]));
  return {
    ...rest,
    counters: Object.fromEntries(known),
    ...(table === undefined ? {} : { table: tableOf(table) }),
    ...(inside === undefined ? {} : { inside: insideOf(filledInside(inside)) }),
  } as unknown as LoadSample;
}

function tableOf({ acceptQueue, ports, ...table }: { readonly [part: string]: Raw }): Raw {
  return {
    degraded: [],
    rows: 0,
    ...table,
    netns: counts(table['netns']),
    server: counts(table['server']),
    callers: counts(table['callers']),
    outbound: counts(table['outbound']),
    serverEnd: endOf(table['serverEnd']),
    callersEnd: endOf(table['callersEnd']),
    outboundEnd: endOf(table['outboundEnd']),
    ports: ((ports ?? []) as unknown as readonly Raw[]).map((port) => ({ used: 0, timeWait: 0, ...port })),
    ...(acceptQueue === undefined ? {} : { acceptQueue: { connections: 0, waitedMs: 0, ...acceptQueue } }),
  };
}

/** The parts of what finwait inside said: sums of nothing are left out of them too. */
function filledInside({ serverStates, clientStates, opened, closedFirst, idleCloses, ...rest }: Raw): Raw {
  return {
    ...rest,
    serverStates: counts(serverStates as Raw),
    clientStates: counts(clientStates as Raw),
    opened: { server: 0, client: 0, ...(opened as Raw) },
    closedFirst: { local: 0, remote: 0, unknown: 0, ...(closedFirst as Raw) },
    idleCloses: { keep_alive_timeout: 0, local: 0, remote: 0, ...(idleCloses as Raw) },
  };
}
