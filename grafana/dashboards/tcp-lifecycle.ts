import { dashboard } from '../dashboard.ts';
import type { Json } from '../finalize.ts';
import { blindSockets, closeWaitByName, closeWaitNow, closeWaitStanding, closeWaitWorst } from '../parts/close-wait.ts';
import { activeSources, collectorCost, collectorErrors, collectorsDown, tableAge } from '../parts/collector.ts';
import {
  closedByOutcome,
  closedNow,
  openedByName,
  openedNow,
  openNow,
  resets,
  whoClosesFirst,
} from '../parts/connections.ts';
import { activeCloses, idleCloses, keepAliveTimeout } from '../parts/keep-alive.ts';
import { kernelColumn, nodeColumn } from '../parts/states.ts';
import { timeWaitByName, timeWaitNow } from '../parts/time-wait.ts';

/** What are the TCP sockets of these services doing? */
export function tcpLifecycle(): Json {
  return dashboard({
    uid: 'finwait-tcp-lifecycle',
    title: 'Node.js TCP lifecycle',
    description:
      "The TCP sockets of Node.js services in all 11 states, as Node's events tell it and as the kernel's table shows it.",
    sections: [
      { panels: [closeWaitNow(), closeWaitStanding(), timeWaitNow(), openNow(), openedNow(), closedNow()] },
      { title: "By state: Node's column and the kernel's", panels: [nodeColumn(), kernelColumn()] },
      { title: 'CLOSE_WAIT: the peer has closed, we have not', panels: [closeWaitByName(), closeWaitWorst()] },
      { title: 'TIME_WAIT: who closes first keeps it for 60 s', panels: [timeWaitByName(), whoClosesFirst()] },
      { title: 'Opened and closed', panels: [openedByName(), closedByOutcome()] },
      {
        title: 'Keep-alive: who closes idle connections, and what is cut off',
        panels: [idleCloses(), keepAliveTimeout(), activeCloses()],
      },
      { title: 'Resets and blind sockets', panels: [resets(), blindSockets()] },
      {
        title: 'Can this be trusted?',
        panels: [collectorsDown(), activeSources(), tableAge(), collectorErrors(), collectorCost()],
      },
    ],
  });
}
