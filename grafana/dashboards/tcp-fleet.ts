import { dashboard } from '../dashboard.ts';
import type { Json } from '../finalize.ts';
import { UIDS } from '../links.ts';
import {
  alertsNow,
  closeWaitByService,
  descriptorsNow,
  failingUpstreams,
  failuresNow,
  leakedNow,
  leakingNow,
  leakingProcesses,
  leakingTimeline,
  nearLimits,
  openByService,
  portsNow,
  processesByService,
  processesNow,
  services,
  versions,
} from '../parts/fleet.ts';

/** Is any service in trouble, and which process? */
export function tcpFleet(): Json {
  return dashboard({
    uid: UIDS.fleet,
    title: 'Node.js TCP fleet',
    description:
      'Is any service in trouble with its TCP sockets, and which process is it? Every table leads to the dashboard that says why.',
    choice: 'neither',
    sections: [
      { panels: [leakingNow(), leakedNow(), descriptorsNow(), portsNow(), failuresNow(), processesNow()] },
      { title: 'Who leaks?', panels: [leakingProcesses(), leakingTimeline()] },
      { title: 'Who is near a limit, and whose upstreams fail?', panels: [nearLimits(), failingUpstreams()] },
      {
        title: 'All services',
        panels: [services(), closeWaitByService(), openByService(), processesByService()],
      },
      { title: 'Alerts and versions', panels: [alertsNow(), versions()] },
    ],
  });
}
