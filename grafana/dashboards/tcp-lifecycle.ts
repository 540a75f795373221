import { dashboard } from '../dashboard.ts';
import type { Json } from '../finalize.ts';
import { UIDS } from '../links.ts';
import { blindSockets, closeWaitByName, closeWaitNow, closeWaitStanding, closeWaitWorst } from '../parts/close-wait.ts';
import { activeSources, collectorCost, collectorErrors, collectorsDown, tableAge } from '../parts/collector.ts';
import {
  adoptedAndReleased,
  closedByOutcome,
  closedNow,
  lifetimeByName,
  lifetimeQuantiles,
  lifetimes,
  meanTimeInState,
  openedByName,
  openedNow,
  openNow,
  resets,
  throughput,
  transitions,
  whoClosesFirst,
} from '../parts/connections.ts';
import { activeCloses, idleCloses, keepAliveTimeout } from '../parts/keep-alive.ts';
import { halfCloses } from '../parts/leaks.ts';
import { diagram, kernelColumn, nodeColumn } from '../parts/states.ts';
import { timeWaitByName, timeWaitNow } from '../parts/time-wait.ts';

/** What are the TCP sockets of these services doing? */
export function tcpLifecycle(): Json {
  return dashboard({
    uid: UIDS.lifecycle,
    title: 'Node.js TCP lifecycle',
    description:
      "The TCP sockets of Node.js services in all 11 states, as Node's events tell it and as the kernel's table shows it.",
    sections: [
      { panels: [closeWaitNow(), closeWaitStanding(), timeWaitNow(), openNow(), openedNow(), closedNow()] },
      { title: 'The state machine, now', panels: [diagram()] },
      { title: "By state: Node's column and the kernel's", panels: [nodeColumn(), kernelColumn()] },
      { title: 'CLOSE_WAIT: the peer has closed, we have not', panels: [closeWaitByName(), closeWaitWorst()] },
      { title: 'TIME_WAIT: who closes first keeps it for 60 s', panels: [timeWaitByName(), whoClosesFirst()] },
      { title: 'Opened and closed', panels: [openedByName(), closedByOutcome(), transitions(), adoptedAndReleased()] },
      { title: 'How long, and how much', panels: [lifetimes(), lifetimeQuantiles(), throughput(), halfCloses()] },
      {
        title: 'Keep-alive: who closes idle connections, and what is cut off',
        panels: [idleCloses(), keepAliveTimeout(), activeCloses()],
      },
      { title: 'Resets and blind sockets', panels: [resets(), blindSockets()] },
      { title: "By state and name, only with level: 'full'", panels: [meanTimeInState(), lifetimeByName()] },
      {
        title: 'Can this be trusted?',
        panels: [collectorsDown(), activeSources(), tableAge(), collectorErrors(), collectorCost()],
      },
    ],
  });
}
