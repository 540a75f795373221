import { dashboard } from '../dashboard.ts';
import type { Json } from '../finalize.ts';
import { UIDS } from '../links.ts';
import {
  acceptQueueFill,
  acceptQueueLength,
  acceptQueueWorst,
  droppedByMaxConnections,
  listenDrops,
} from '../parts/accept-queue.ts';
import {
  activeSources,
  collectorCost,
  collectorErrors,
  collectorLimits,
  tableAge,
  tableRows,
} from '../parts/collector.ts';
import { connectFailuresByReason, pendingNow, slowHandshakes } from '../parts/connecting.ts';
import { resets, throughput } from '../parts/connections.ts';
import { descriptorsFill, descriptorsWorst } from '../parts/descriptors.ts';
import {
  ephemeralPortsFill,
  ephemeralPortsLeft,
  ephemeralPortsLeftNow,
  ephemeralPortsNow,
  timeWaitCreated,
} from '../parts/ephemeral-ports.ts';
import { activeCloses, racesByName } from '../parts/keep-alive.ts';
import {
  congestionWindows,
  handshakes,
  listenOverflowsNow,
  resetsSent,
  retransmits,
  retransmitting,
  roundTrips,
} from '../parts/network.ts';
import { poolPending, requestsByName, reuseByName } from '../parts/pools.ts';
import { queuedToRead, queuedToSend } from '../parts/queues.ts';
import { namespaceStates } from '../parts/states.ts';
import { timeWaitByName } from '../parts/time-wait.ts';

/** Why does it not take more load? */
export function tcpLoad(): Json {
  return dashboard({
    uid: UIDS.load,
    title: 'Node.js TCP load test',
    description:
      'Why a service does not take more load: room in accept queues, handshakes, local ports, descriptors, reuse, what is queued and what is lost.',
    window: { from: 'now-15m', refresh: '5s' },
    sections: [
      {
        panels: [
          acceptQueueWorst(),
          listenOverflowsNow(),
          pendingNow(),
          ephemeralPortsNow(),
          ephemeralPortsLeftNow(),
          descriptorsWorst(),
        ],
      },
      {
        title: 'At the door: can clients come in?',
        panels: [
          acceptQueueFill(),
          acceptQueueLength(),
          listenDrops(),
          handshakes(),
          droppedByMaxConnections(),
          slowHandshakes(),
        ],
      },
      {
        title: 'Local ports and TIME_WAIT: can we go on connecting?',
        panels: [ephemeralPortsFill(), ephemeralPortsLeft(), timeWaitCreated(), timeWaitByName()],
      },
      { title: 'Are connections reused?', panels: [requestsByName(), reuseByName(8), poolPending()] },
      {
        title: 'What is lost?',
        panels: [resets(8), connectFailuresByReason(), retransmits(), resetsSent(), racesByName(), activeCloses()],
      },
      {
        title: 'What waits, and where?',
        panels: [queuedToRead(), queuedToSend(), descriptorsFill(), namespaceStates(), throughput()],
      },
      {
        title: 'What finwait costs, and whether it can be trusted',
        panels: [collectorCost(8), tableAge(8), tableRows(), collectorErrors(8), collectorLimits(), activeSources(8)],
      },
      { title: 'Only with sampleTcpInfo', panels: [roundTrips(), congestionWindows(), retransmitting()] },
    ],
  });
}
