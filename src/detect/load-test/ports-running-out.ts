import { duration, grouped } from '../wording.ts';
import { impactOf, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { PortSample } from './load-sample.ts';
import { spanOf } from './load-window.ts';
import { type PortUse, portEvidence, portOwner, portRemedies, portUse, worstUse } from './port-use.ts';
import { checkPortsExhausted } from './ports-exhausted.ts';

/** With so many taken, a longer test or a little more load would end it. */
const NEAR = 0.75;
/** Half of them, and more every second. */
const HALF = 0.5;
/** What is closed now does not come back sooner, where connect(2) takes no port over from a TIME_WAIT. */
const TIME_WAIT_MS = 60_000;
const LOOPBACK = /^(127\.|\[::1\])/;

/** Local ports that were nearly used up, or would have been had the test gone on. */
export function checkPortsRunningOut(run: LoadRun): Finding | undefined {
  if (checkPortsExhausted(run) !== undefined) return undefined;
  const uses = portUse(run);
  const worst = worstUse(uses);
  // Of late: connect(2) takes the ports of one parity first, and stays at half of them where TIME_WAITs are used again.
  const first = uses[Math.floor(uses.length / 2)];
  const last = uses.at(-1);
  if (worst === undefined || first === undefined || last === undefined) return undefined;
  const { port, limit } = worst;
  const share = port.used / limit;
  // Where ports come back a second after their close, those in TIME_WAIT are one second's closes: they grow no further.
  const kept = ({ port }: PortUse): number => (comesBackSoon(port, run) ? port.used - port.timeWait : port.used);
  const perMs = (kept(last) - kept(first)) / (last.sample.atMs - first.sample.atMs);
  const leftMs = (limit - last.port.used) / perMs;
  const isInSight = perMs > 0 && leftMs >= 0 && leftMs < TIME_WAIT_MS;
  if (share < HALF || (share < NEAR && !isInSight)) return undefined;
  const scope = port.whose === 'callers' ? 'generator' : 'target';
  const span = spanOf(uses.filter((use) => use.port.used >= limit * HALF).map(({ sample }) => sample));
  return {
    kind: 'ports_running_out',
    impact: impactOf(share, 0.1, 0.45),
    confidence: 'likely',
    sentence: `${grouped(port.used)} of ${grouped(limit)} local ports of ${portOwner(port)} towards ${port.destination} were in use, ${grouped(port.timeWait)} of them in TIME_WAIT${isInSight ? `: at this rate none is left ${duration(leftMs)} later` : ''}.`,
    evidence: [...portEvidence(worst, run), ...(isInSight ? seen('until none is left', leftMs, scope, duration) : [])],
    advice: portRemedies(worst, run),
    ...(span === undefined ? {} : { seen: span }),
    explains: [],
  };
}

/** Whether connect(2) takes the port over from a TIME_WAIT that is older than a second (tcp_twsk_unique() of the kernel). */
function comesBackSoon({ destination }: PortSample, { settings }: LoadRun): boolean {
  return settings.timeWaitReuse === 1 || (settings.timeWaitReuse === 2 && LOOPBACK.test(destination));
}
