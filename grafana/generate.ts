import { acceptQueueFilling, listenOverflows } from './alerts/accept-queue.ts';
import { closeWaitLeak, closeWaitOld } from './alerts/close-wait.ts';
import { collectorDown, collectorStale } from './alerts/collector.ts';
import { connectFailures, connectsOutOfDescriptors, connectsOutOfPorts, connectsSlow } from './alerts/connecting.ts';
import { connectionsDropped } from './alerts/connections-dropped.ts';
import { descriptorsExhausted, descriptorsRunningOut } from './alerts/descriptors.ts';
import { divergentSockets } from './alerts/divergent.ts';
import { ephemeralPortsLow, ephemeralPortsRunningOut } from './alerts/ephemeral-ports.ts';
import { finWait2Stuck } from './alerts/fin-wait-2.ts';
import { halfOpenConnections } from './alerts/half-open.ts';
import { keepAliveRace, lateRequests } from './alerts/keep-alive.ts';
import { poolStarved } from './alerts/pools.ts';
import { resetRatio } from './alerts/resets.ts';
import { type AlertRule, ruleOf } from './alerts/rule.ts';
import { tcpCloseWait } from './dashboards/tcp-close-wait.ts';
import { tcpFleet } from './dashboards/tcp-fleet.ts';
import { tcpLifecycle } from './dashboards/tcp-lifecycle.ts';
import { tcpLoad } from './dashboards/tcp-load.ts';
import { tcpUpstreams } from './dashboards/tcp-upstreams.ts';
import type { Json } from './finalize.ts';
import { GENERATED_BY } from './project.ts';
import { recordOf } from './recording/record.ts';
import { recorded } from './recording/recorded.ts';
import { RECORDS } from './recording/records.ts';
import { prometheusRule, ruleFile } from './rule-file.ts';
import { toYaml } from './yaml.ts';

/** Every dashboard by the name of its file; a new one is a line here. */
export const DASHBOARDS: { readonly [file: string]: () => Json } = {
  'tcp-fleet.json': tcpFleet,
  'tcp-lifecycle.json': tcpLifecycle,
  'tcp-close-wait.json': tcpCloseWait,
  'tcp-load.json': tcpLoad,
  'tcp-upstreams.json': tcpUpstreams,
};

/** Every alert; a new one is a line here and a heading in runbook.md. */
export const ALERTS: readonly AlertRule[] = [
  closeWaitLeak,
  closeWaitOld,
  finWait2Stuck,
  halfOpenConnections,
  divergentSockets,
  acceptQueueFilling,
  listenOverflows,
  connectionsDropped,
  connectFailures,
  connectsSlow,
  keepAliveRace,
  lateRequests,
  resetRatio,
  poolStarved,
  ephemeralPortsLow,
  ephemeralPortsRunningOut,
  connectsOutOfPorts,
  descriptorsExhausted,
  connectsOutOfDescriptors,
  descriptorsRunningOut,
  collectorDown,
  collectorStale,
];

/** Everything that `grafana/out` holds, by file name. The same text at every call, on every machine. */
export function generate(): ReadonlyMap<string, string> {
  const alerts = ALERTS.map(ruleOf);
  const records = RECORDS.map(recordOf);
  return new Map([
    ...Object.entries(DASHBOARDS).map(([file, dashboard]) => [file, json(dashboard())] as const),
    ['tcp-fleet-recorded.json', json(recorded(tcpFleet()))],
    ['alerts.yml', yaml(ruleFile({ alerts }))],
    ['recording.yml', yaml(ruleFile({ recording: records }))],
    ['prometheus-rule.yaml', yaml(prometheusRule({ alerts, recording: records }))],
  ]);
}

function json(value: Json): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function yaml(value: Json): string {
  return `# ${GENERATED_BY}\n${toYaml(value)}`;
}
