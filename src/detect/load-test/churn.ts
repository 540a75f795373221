import { counted, grouped } from '../wording.ts';
import { impactOf, seen } from './evidence.ts';
import type { Evidence } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { ShortConnections } from './short-connections.ts';

/** From here on connecting is most of the work. */
const MANY_PER_SECOND = 1_000;

/** How many were opened, and for how many at a time. */
export function sizeOfChurn({ opened, openedPerSecond, openAtMost, requests }: ShortConnections): string {
  const use = requests === undefined ? '' : `, for ${counted(requests, 'request')}`;
  return `${grouped(opened)} connections were opened (${grouped(openedPerSecond)} a second) where at most ${grouped(openAtMost)} ${openAtMost === 1 ? 'was' : 'were'} open at a time${use}`;
}

/** Nothing fails by it: it stays below what does. */
export function churnImpact({ openedPerSecond }: ShortConnections): number {
  return impactOf(openedPerSecond / MANY_PER_SECOND, 0.2, 0.3);
}

/** The numbers of short connections, and where their TIME_WAITs stand. */
export function churnEvidence({ probe }: LoadRun, short: ShortConnections): readonly Evidence[] {
  return [
    { what: 'connections opened', value: grouped(short.opened), scope: 'namespace' },
    { what: 'open at a time, at most', value: grouped(short.openAtMost), scope: 'target' },
    { what: 'TIME_WAIT and FIN_WAIT_2 at the server, at most', value: grouped(short.serverTimeWaits), scope: 'target' },
    ...seen(
      'TIME_WAIT and FIN_WAIT_2 of those who connect, at most',
      short.isCalledFromHere ? short.callersTimeWaits : undefined,
      'generator',
    ),
    ...(short.late === 0 ? [] : seen('RSTs over data that came after the server had closed', short.late, 'namespace')),
    ...seen('HTTP requests', short.requests, 'target'),
    ...(probe === undefined
      ? []
      : [
          {
            what: 'a request of our own',
            value: `HTTP ${grouped(probe.status)}, and the server ${probe.keepsConnection ? 'kept' : 'closed'} the connection`,
            scope: 'target' as const,
          },
        ]),
  ];
}
