import { dashboard } from '../dashboard.ts';
import type { Json } from '../finalize.ts';
import {
  acceptQueueFill,
  acceptQueueLength,
  acceptQueueWorst,
  droppedByMaxConnections,
  listenDrops,
} from '../parts/accept-queue.ts';
import { descriptorsFill, descriptorsWorst } from '../parts/descriptors.ts';
import {
  ephemeralPortsCount,
  ephemeralPortsFill,
  ephemeralPortsWorst,
  timeWaitCreated,
} from '../parts/ephemeral-ports.ts';
import { listenOverflowsNow, resetsSent, retransmits } from '../parts/network.ts';
import { queuedToRead, queuedToSend } from '../parts/queues.ts';

/** What runs out next? */
export function tcpLimits(): Json {
  return dashboard({
    uid: 'finwait-tcp-limits',
    title: 'Node.js TCP limits',
    description:
      'What of TCP runs out in Node.js services: room in accept queues, local ports, descriptors; and what is queued and lost.',
    sections: [
      { panels: [acceptQueueWorst(), listenOverflowsNow(), ephemeralPortsWorst(), descriptorsWorst()] },
      {
        title: 'At the door: can clients come in?',
        panels: [acceptQueueFill(), listenDrops(), droppedByMaxConnections()],
      },
      { title: 'Local ports: can we connect?', panels: [ephemeralPortsFill(), ephemeralPortsCount()] },
      { title: 'Descriptors, and bytes that wait', panels: [descriptorsFill(), queuedToRead(), queuedToSend()] },
      { title: 'The network namespace', panels: [retransmits(), resetsSent()] },
      { title: 'Where it comes from', panels: [acceptQueueLength(), timeWaitCreated()] },
    ],
  });
}
