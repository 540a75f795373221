import { REUSE } from '../connection-reuse.ts';
import { timeWaitReuse, widen } from '../port-advice.ts';
import { grouped } from '../wording.ts';
import { seen } from './evidence.ts';
import type { Evidence } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { LoadSample, PortSample } from './load-sample.ts';
import { finite, looksAtLoad, tablesOf } from './load-window.ts';

/** A range wider than this gains little. */
const WIDE_RANGE = 50_000;

/** Local ports towards one destination, at one look. */
export interface PortUse {
  readonly sample: LoadSample;
  readonly port: PortSample;
  readonly limit: number;
}

/** The local ports towards the destination that came nearest to its limit, look by look; empty where none is known. */
export function portUse(run: LoadRun): readonly PortUse[] {
  const uses = tablesOf(looksAtLoad(run)).flatMap((sample) =>
    (sample.table?.ports ?? []).flatMap((port): PortUse[] => {
      const limit = finite(port.limit);
      return limit === undefined || limit <= 0 || finite(port.used) === undefined ? [] : [{ sample, port, limit }];
    }),
  );
  const worst = uses.reduce<PortUse | undefined>(
    (most, use) => (most === undefined || use.port.used / use.limit > most.port.used / most.limit ? use : most),
    undefined,
  );
  if (worst === undefined) return [];
  const { whose, destination } = worst.port;
  return uses.filter(({ port }) => port.whose === whose && port.destination === destination);
}

/** The use that is nearest to the limit. */
export function worstUse(uses: readonly PortUse[]): PortUse | undefined {
  return uses.reduce<PortUse | undefined>(
    (most, use) => (most === undefined || use.port.used > most.port.used ? use : most),
    undefined,
  );
}

/** `the load generator` where its ports are counted, else the server. */
export function portOwner({ whose }: PortSample): 'the load generator' | 'the server' {
  return whose === 'callers' ? 'the load generator' : 'the server';
}

/** The numbers of the worst use. */
export function portEvidence({ port, limit }: PortUse, run: LoadRun): readonly Evidence[] {
  const scope = port.whose === 'callers' ? 'generator' : 'target';
  const range = run.settings.localPortRange;
  return [
    { what: `local ports towards ${port.destination}`, value: `${grouped(port.used)} of ${grouped(limit)}`, scope },
    ...seen('of them in TIME_WAIT', finite(port.timeWait), scope),
    ...(range === undefined
      ? []
      : [
          {
            what: 'net.ipv4.ip_local_port_range',
            value: `${range.from} ${range.to}`,
            scope: 'namespace' as const,
          },
        ]),
    ...seen('net.ipv4.tcp_tw_reuse', finite(run.settings.timeWaitReuse), 'namespace'),
  ];
}

/** What gives more local ports, the most effective first. */
export function portRemedies({ port, limit }: PortUse, run: LoadRun): readonly string[] {
  // Ports that open connections hold are no waste.
  const isChurn = finite(port.timeWait) !== undefined && port.timeWait * 2 >= port.used;
  return [
    ...(isChurn ? REUSE.slice(0, 1) : []),
    ...(limit < WIDE_RANGE ? [widen(limit)] : []),
    ...(isChurn ? timeWaitReuse(run.settings.timeWaitReuse) : []),
    port.whose === 'callers'
      ? 'Or connect from more addresses, or to more ports of the server: each pair has all local ports of its own.'
      : 'Or connect to more addresses or ports of the upstream: each has all local ports of its own.',
  ];
}
