import { dashboard } from '../dashboard.ts';
import type { Json } from '../finalize.ts';
import { UIDS } from '../links.ts';
import {
  connectAttempts,
  connectDuration,
  connectDurationByName,
  connectFailureShare,
  connectFailuresByReason,
  connectFailuresWorst,
  connectFailuresWorstShare,
  connectsByName,
  pendingByName,
  pendingNow,
  slowHandshakes,
} from '../parts/connecting.ts';
import {
  ephemeralPortsCount,
  ephemeralPortsFill,
  ephemeralPortsLeft,
  ephemeralPortsNow,
} from '../parts/ephemeral-ports.ts';
import {
  idleAtClose,
  racesByName,
  racesNow,
  upstreamIdleCloses,
  upstreamKeepAliveTimeouts,
} from '../parts/keep-alive.ts';
import {
  connectionDuration,
  poolConnections,
  poolPending,
  requestsByName,
  requestsPerConnection,
  reuseByName,
  reuseNow,
  waitingNow,
} from '../parts/pools.ts';
import { upstreamTimeWait } from '../parts/time-wait.ts';
import { upstreamActiveCloses, upstreamCloses, upstreamResets } from '../parts/upstream-ends.ts';

/** Can these services reach what they depend on, and do they use its connections well? */
export function tcpUpstreams(): Json {
  return dashboard({
    uid: UIDS.upstreams,
    title: 'Node.js TCP upstreams',
    description:
      'The connections that Node.js services open: whether they can be made, how they are used, who ends them, and the ports they take.',
    choice: 'client',
    sections: [
      {
        panels: [connectFailuresWorstShare(), pendingNow(), waitingNow(), reuseNow(), racesNow(), ephemeralPortsNow()],
      },
      {
        title: 'Connecting: can we reach them?',
        panels: [
          connectsByName(),
          connectFailureShare(),
          connectFailuresByReason(),
          connectFailuresWorst(),
          pendingByName(),
          connectDuration(),
          slowHandshakes(),
          connectAttempts(),
        ],
      },
      {
        title: 'Using: are connections reused, and are there enough?',
        panels: [poolConnections(), poolPending(), requestsByName(), reuseByName(), connectionDuration()],
      },
      {
        title: 'Ending: who closes, and what is lost by it?',
        panels: [
          upstreamCloses(),
          upstreamActiveCloses(),
          upstreamResets(),
          racesByName(),
          upstreamIdleCloses(),
          upstreamKeepAliveTimeouts(),
        ],
      },
      {
        title: 'Ports: can we go on connecting?',
        panels: [ephemeralPortsFill(), ephemeralPortsCount(), upstreamTimeWait(), ephemeralPortsLeft()],
      },
      {
        title: "By upstream, only with level: 'full'",
        panels: [connectDurationByName(), requestsPerConnection(), idleAtClose()],
      },
    ],
  });
}
