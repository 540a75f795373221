import type { PortSettings } from '../sockets/port-settings.ts';
import { type AcceptSettings, checkAcceptQueue } from './accept-queue.ts';
import { checkConnectionReuse } from './connection-reuse.ts';
import { checkKeepAliveRace } from './keep-alive-race.ts';
import { checkLateRequests } from './late-requests.ts';
import { checkLocalAddress } from './local-address.ts';
import { checkPoolSize } from './pool-size.ts';
import { checkPortRange } from './port-range.ts';
import { checkPortsLeft } from './ports-left.ts';
import type { ServerUse } from './server-use.ts';
import type { UpstreamSnapshot } from './upstream.ts';
import { SEVERITIES, type Verdict } from './verdict.ts';

/** What the rules look at. */
export interface VerdictFacts {
  readonly upstreams: readonly UpstreamSnapshot[];
  readonly servers: readonly ServerUse[];
  /** Undefined while it is not known. */
  readonly settings: (PortSettings & AcceptSettings) | undefined;
}

/** What every rule says, the worst first. */
export function verdictsOf({ upstreams, servers, settings }: VerdictFacts): Verdict[] {
  const verdicts = [
    ...upstreams.flatMap((upstream) => [
      checkPortsLeft(upstream, settings),
      checkKeepAliveRace(upstream),
      checkPoolSize(upstream),
      checkConnectionReuse(upstream),
      checkPortRange(upstream, settings),
      checkLocalAddress(upstream),
    ]),
    ...servers.flatMap((server) => [checkAcceptQueue(server, settings), checkLateRequests(server)]),
  ].filter((verdict) => verdict !== undefined);
  return verdicts.sort((one, other) => SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity));
}
