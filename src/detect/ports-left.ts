import type { PortSettings } from '../sockets/port-settings.ts';
import { portAdvice } from './port-advice.ts';
import type { UpstreamSnapshot } from './upstream.ts';
import type { Severity, Verdict, VerdictKind } from './verdict.ts';
import { counted, duration, grouped, known } from './wording.ts';

/** What is closed from now on does not come back in time: a TIME_WAIT lasts so long. */
const TOO_LATE_MS = 60_000;

/** Connects that found no local port, or an end of the ports that is in sight. */
export function checkPortsLeft(upstream: UpstreamSnapshot, settings: PortSettings | undefined): Verdict | undefined {
  const { name, churn, ports, connects } = upstream;
  const failed = connects.failed.port_exhausted;
  const { used, limit, exhaustionMs } = ports;
  const whose = ports.isBound ? 'of its local address' : 'towards one destination';
  const ofLimit =
    used === undefined || limit === undefined ? '' : ` (${grouped(used)} of ${grouped(limit)} in use ${whose})`;
  const say = (kind: VerdictKind, severity: Severity, sentence: string): Verdict => ({
    kind,
    name,
    side: 'client',
    severity,
    sentence,
    advice: portAdvice(upstream, settings),
    evidence: known({
      failed,
      used,
      limit,
      exhaustionMs,
      timeWait: upstream.timeWait,
      openedPerSecond: churn.openedPerSecond,
      closedLocallyPerSecond: churn.closedLocallyPerSecond,
    }),
  });
  if (churn.portExhaustions > 0) {
    const connections = counted(churn.portExhaustions, 'connection');
    return say(
      'ports_exhausted',
      'critical',
      `${connections} to \`${name}\` failed in the last ${duration(churn.windowMs)} because no local port was left${ofLimit}.`,
    );
  }
  if (exhaustionMs !== undefined) {
    const rate =
      `${grouped(churn.openedPerSecond)} connections a second are opened, and ` +
      `${grouped(churn.closedLocallyPerSecond)} closed by this process, which hold their ports for 60 s more`;
    const left =
      exhaustionMs === 0
        ? `No local port is left for \`${name}\`${ofLimit}`
        : `The local ports for \`${name}\` are used up in ${duration(exhaustionMs)}${ofLimit}`;
    return say('ports_running_out', exhaustionMs < TOO_LATE_MS ? 'critical' : 'warning', `${left}: ${rate}.`);
  }
  if (failed === 0) return undefined;
  return say(
    'ports_exhausted',
    'info',
    `${counted(failed, 'connection')} to \`${name}\` failed earlier because no local port was left; now there are some${ofLimit}.`,
  );
}
