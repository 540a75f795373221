import { dashboard } from '../dashboard.ts';
import type { Json } from '../finalize.ts';
import { UIDS } from '../links.ts';
import { causesExplained, closeWaitByCause, closeWaitCausesNow, closeWaitCausesWorst } from '../parts/causes.ts';
import { blindSockets, closeWaitByName, closeWaitNow, closeWaitStanding } from '../parts/close-wait.ts';
import { descriptorsFill, descriptorsLeft, descriptorsLeftOfEach } from '../parts/descriptors.ts';
import {
  divergentByKind,
  divergentNow,
  enteredAndLeft,
  halfCloses,
  halfOpenByName,
  leakedByState,
  leakedNow,
  leakedWorst,
  oldestByName,
  oldestNow,
  remedied,
  untrackedByInstance,
} from '../parts/leaks.ts';
import { queuedToRead, queuedToSend } from '../parts/queues.ts';

/** Who does not close, why, and what is to be changed? */
export function tcpCloseWait(): Json {
  return dashboard({
    uid: UIDS.closeWait,
    title: 'Node.js TCP CLOSE_WAIT',
    description:
      'Sockets that the peer has closed and the program has not: which process, why, since when, what to change, and how much time is left.',
    sections: [
      { panels: [leakedNow(), oldestNow(), closeWaitNow(), closeWaitStanding(), divergentNow(), descriptorsLeft()] },
      { title: 'Why, and what to change', panels: [closeWaitCausesNow(), causesExplained()] },
      { title: 'Who and why', panels: [closeWaitCausesWorst(), closeWaitByCause()] },
      { title: 'What is leaked, in any state', panels: [leakedWorst(), leakedByState()] },
      {
        title: 'Does it grow?',
        panels: [closeWaitByName(), oldestByName(), enteredAndLeft(), halfCloses()],
      },
      {
        title: 'What Node does not see, and what waits',
        panels: [
          blindSockets(),
          untrackedByInstance(),
          divergentByKind(),
          halfOpenByName(),
          queuedToRead(),
          queuedToSend(),
          descriptorsFill(),
          descriptorsLeftOfEach(),
        ],
      },
      { title: 'Only with remedyAfterMs', panels: [remedied()] },
    ],
  });
}
